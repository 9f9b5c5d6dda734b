import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  atUpstream,
  hasButton,
  leaveUpstream,
  movableClock,
  newBrowser,
  startWorld,
  textOf,
  titleOf,
  type World,
} from '../support/flow.ts'
import { signInByEmail } from '../support/labgate.ts'
import { upstreamClient } from '../support/upstream.ts'
import { type Page, UserAgent } from '../support/user-agent.ts'

const attack = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
const users = [
  {
    sub: 'alice',
    name: 'Alice Liddell',
    preferred_username: 'alice',
    email: 'alice@example.org',
    email_verified: true,
  },
  { sub: 'bob', name: 'Bob Builder', email: 'bob@example.org', email_verified: true },
  { sub: 'carol', name: attack, email: 'carol@example.org', groups: ['staff', 'other', attack] },
  { sub: 'dora', name: 'Dora', email: 'dora@example.net', email_verified: true },
]

describe('the sandbox', () => {
  const clock = movableClock()
  let world: World
  let boss: UserAgent
  let plain: UserAgent
  const key = join(tmpdir(), `labgate-sandbox-${randomBytes(6).toString('hex')}`)
  before(async () => {
    await writeFile(key, randomBytes(32).toString('base64'), { mode: 0o600 })
    await writeFile(`${key}.client`, upstreamClient.client_secret, { mode: 0o600 })
    const clientSecret = { file: `${key}.client` }
    world = await startWorld({
      users,
      ids: ['strict'],
      options: { replaced: { clock } },
      part: (upstream) => ({
        demo: false,
        clients: {},
        keys: [{ file: key }],
        admins: ['email:boss@example.org', 'uni:dora@example.net'],
        plugins: {
          uni: atUpstream(upstream, {
            config: { clientSecret, groups: { claim: 'groups' }, scopes: ['openid', 'profile', 'email', 'groups'] },
            groups: { staff: 'crew' },
          }),
          strict: atUpstream(upstream, {
            config: { label: 'Strict College', clientSecret },
            admission: { allow: { domains: ['college.example'] } },
          }),
          email: { use: '@labgate/auth-email', config: { mailsPerHour: 1000 } },
        },
      }),
    })
    boss = await enter('boss@example.org')
    plain = await enter('plain@example.org')
    await enter('bob@example.org')
  })
  after(async () => {
    await world.close()
    await Promise.all([rm(key), rm(`${key}.client`)])
  })

  const enter = async (email: string) => {
    const agent = newBrowser()
    await signInByEmail(world.site, agent, { at: `${world.site.issuer}/account`, email })
    return agent
  }
  const at = (path = '') => `${world.site.issuer}/console/sandbox${path}`
  const tryOut = async (agent: UserAgent, label: string, login: string) => {
    leaveUpstream(agent)
    const theirs = await agent.press(await agent.open(at()), label)
    return hasButton(theirs, /^(alice|deny)$/) ? agent.press(theirs, new RegExp(`^${login}$`)) : theirs
  }
  const seen = (page: Page, pattern: RegExp) => assert.match(textOf(page), pattern)
  /** Everything that a sign-in would change. */
  const counted = async () => {
    const em = world.site.labgate.rooms.get('storage').em()
    const found: Record<string, unknown> = {}
    const names = [
      'account',
      'identity',
      'membership',
      'audit_event',
      'browser_session',
      'setting',
      'api_token',
      'profile_answer',
    ]
    for (const name of names) found[name] = (await em.execute(`select count(*) as n from "${name}"`))[0]
    return found
  }

  test('shows who came, what was said and what would come of it; and changes nothing', async () => {
    const before = await counted()
    const page = await tryOut(boss, 'University', 'alice')
    assert.equal(titleOf(page), 'Try a sign-in', textOf(page))
    assert.equal(page.headers.get('cache-control'), 'no-store')
    seen(page, /What University said/)
    seen(page, new RegExp(`Issuer ${world.upstream.issuer} Subject alice`))
    seen(page, /email verified alice@example\.org from uni/)
    seen(page, /This person may come in\. There is no rule/)
    seen(page, /It opens a new account\./)
    seen(page, /To be kept, sealed (something|nothing)/)
    assert.deepEqual(await counted(), before)
    const accounts = world.site.labgate.rooms.get('accounts')
    assert.equal(await accounts.findByVerifiedEmail('alice@example.org'), undefined)
    seen(await boss.open(`${world.site.issuer}/account`), /boss@example\.org/)
  })

  test('names groups as they would be named, leaves out what is no group, and escapes what an upstream says', async () => {
    const page = await tryOut(boss, 'University', 'carol')
    assert.doesNotMatch(page.text, /<script>alert|<img src=x/)
    seen(page, /staff → crew Named so by/)
    seen(page, /other → uni:other Named after the instance/)
    seen(page, /email (asserted|typed by the person) carol@example\.org/)
  })

  test('says by which rule somebody does not come in', async () => {
    const page = await tryOut(boss, 'Strict College', 'alice')
    seen(page, /This person may not come in\. The rule of this way does not hold: a verified e-mail address at college/)
    seen(page, /It opens no account\./)
  })

  test('says which account it is: one’s own, another, one with the same address, a new admin', async () => {
    seen(await tryOut(boss, 'University', 'bob'), /an account has the same proved e-mail address.* bob/)
    seen(await tryOut(boss, 'University', 'dora'), /names this person as an admin.*It opens a new account.*an admin’s/)
    const own = await byEmail(boss, 'boss@example.org')
    seen(own, /It opens your account\./)
    seen(await byEmail(boss, 'plain@example.org'), /It opens another account\. plain/)
    await world.site.labgate.rooms.get('accounts').setState((await idOf('bob@example.org')) ?? '', 'deactivated')
    seen(await byEmail(boss, 'bob@example.org'), /It opens another account.*deactivated, so nobody gets in/)
  })

  const idOf = async (email: string) =>
    (await world.site.labgate.rooms.get('accounts').findByVerifiedEmail(email))?.id ?? ''
  const byEmail = async (agent: UserAgent, email: string) => {
    const asked = await agent.press(await agent.open(at()), 'E-mail')
    const sent = await agent.submit(
      asked,
      asked.forms.find(({ fields }) => 'email' in fields),
      { email },
    )
    const { code } = await world.site.mail(email)
    return agent.submit(
      sent,
      sent.forms.find(({ fields }) => 'code' in fields),
      { code },
    )
  }

  test('a turn-down upstream is said on the page, and is no line of the trail', async () => {
    const before = await counted()
    const page = await tryOut(boss, 'University', 'deny')
    assert.equal(page.url.pathname, '/console/sandbox')
    assert.match(page.text, /class="notice warning/)
    assert.deepEqual(await counted(), before)
    assert.doesNotMatch((await boss.open(at())).text, /class="notice warning/)
  })

  test('the page is shown once, in the session that asked, for five minutes', async () => {
    const page = await tryOut(boss, 'University', 'alice')
    seen(page, /What University said/)
    const again = await boss.open(page.url)
    assert.equal(again.status, 404)
    seen(again, /nothing to see any more/)

    const other = await enter('dora@example.net')
    const sight = await stopBefore('/seen')
    assert.equal((await other.open(sight)).status, 403)
    await world.site.labgate.rooms.get('accounts').setRole(await idOf('dora@example.net'), 'admin')
    assert.equal((await other.open(sight)).status, 404)
    assert.equal((await boss.open(sight)).status, 404, 'whoever takes it first uses it up')

    const late = await stopBefore('/seen')
    clock.advance(301)
    assert.equal((await boss.open(late)).status, 404)
  })

  test('an answer of the upstream counts in the browser and session that asked only', async () => {
    const other = await enter('boss@example.org')
    const callback = await stopBefore('/sign-in/')
    assert.equal((await other.open(callback)).status, 400)
    const bounce = await stopBefore('/continue')
    assert.equal((await other.open(bounce)).status, 400)
    const own = await stopBefore('/continue')
    // The same person in the same browser, in another session.
    for (const name of boss.cookies.map((one) => one.name)) if (/session|_session/.test(name)) boss.forget(name)
    const cookies = boss.cookies.map(({ name }) => name)
    await signInByEmail(world.site, boss, { at: `${world.site.issuer}/account`, email: 'boss@example.org' })
    assert.ok(cookies.length > 0)
    const page = await boss.open(own)
    assert.equal(page.status, 400)
  })

  test('an answer to the sandbox signs nobody in, and one to a sign-in is no answer to the sandbox', async () => {
    const bounce = await stopBefore('/continue')
    const fresh = newBrowser()
    const chooser = await fresh.open(`${world.site.issuer}/account`)
    const wrong = await fresh.open(new URL(`${chooser.url.pathname}/continue${bounce.search}`, world.site.issuer))
    assert.equal(wrong.status, 400)
    const link = await boss.open(new URL(`/account/link/continue${(await stopBefore('/continue')).search}`, bounce))
    assert.equal(link.status, 400)
    const identities = await world.site.labgate.rooms.get('identities').list(await idOf('boss@example.org'))
    assert.equal(identities.length, 1)
  })

  test('only site admins come in where there is no demo, and forms of other sites do not', async () => {
    for (const path of ['', '/continue', '/seen']) assert.equal((await plain.open(at(path))).status, 403, path)
    const form = await boss.open(at())
    const action = form.forms.find((one) => one.action.endsWith('/m/uni'))
    assert.ok(action)
    assert.equal((await plain.submit(form, action)).status, 403)
    const forged = await boss.submit(form, action, { _csrf: 'A'.repeat(43) })
    assert.equal(forged.status, 403)
    assert.equal(titleOf(await newBrowser().open(at())), 'Sign in')
    seen(await boss.open(`${world.site.issuer}/console`), /Try a sign-in/)
  })

  /** Goes the way as `alice`, up to a redirect to an address that begins so; it is not opened. */
  async function stopBefore(path: string): Promise<URL> {
    const prefix = path.startsWith('/sign-in') ? world.site.issuer + path : at(path)
    const walker = new UserAgent({ stopAt: [prefix] })
    for (const cookie of boss.cookies) walker.adopt(cookie)
    const { url, status } = await tryOut(walker, 'University', 'alice')
    for (const cookie of walker.cookies) boss.adopt(cookie)
    assert.equal(status, 0, String(url))
    return url
  }
})

test('in a demo whoever is signed in may look, and learns of nobody else', async () => {
  const world = await startWorld({ users })
  try {
    const agent = newBrowser()
    const { issuer } = world.site
    await signInByEmail(world.site, newBrowser(), { at: `${issuer}/account`, email: 'bob@example.org' })
    await signInByEmail(world.site, agent, { at: `${issuer}/account`, email: 'guest@example.org' })
    const theirs = await agent.press(await agent.open(`${issuer}/console/sandbox`), 'University')
    const page = await agent.press(theirs, /^bob$/)
    assert.match(
      textOf(page),
      /an account has the same proved e-mail address\. The person would be asked whether it is theirs\. Who that is/,
    )
    assert.doesNotMatch(page.text, /href="\/console\/(people|audit)"/)
  } finally {
    await world.close()
  }
})
