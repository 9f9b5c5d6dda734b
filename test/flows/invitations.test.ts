import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Fact } from '@labgate/contract'
import type { NewAccountInvitation } from '../../core/accounts/invitations.ts'
import {
  hasButton,
  movableClock,
  newBrowser,
  signInAs,
  startWorld,
  textOf,
  titleOf,
  type World,
} from '../support/flow.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const house = { kind: 'system', name: 'test' } as const
const clock = movableClock()
let world: World
let people = 0
const rooms = () => world.site.labgate.rooms
const somebody = () => `guest${++people}@example.org`
const accountOf = (email: string) => rooms().get('accounts').findByVerifiedEmail(email)

/** Invites by mail and answers the link in the mail. */
async function invited(email: string, what: Omit<NewAccountInvitation, 'email'> = {}, actor: Actor = house) {
  const { invitation, mailed, link } = await rooms()
    .get('invitations')
    .invite(actor, { email, ...what })
  assert.equal(mailed, true)
  const { text } = await world.site.mail(email)
  const inMail = /http:\/\/\S+\/invited\/\S+/.exec(text)?.[0] ?? assert.fail(text)
  assert.equal(inMail, link)
  return { id: invitation.id, link }
}
type Actor = Parameters<ReturnType<typeof invitationsRoom>['invite']>[0]
const invitationsRoom = () => rooms().get('invitations')
const stateOf = async (id: string) => (await rooms().get('invitations').find(house, id))?.state

/** Opens the link and presses its button: the chooser comes. */
const accept = async (agent: UserAgent, link: string): Promise<Page> => {
  const page = await agent.press(await agent.open(link), 'Accept and sign in')
  assert.ok(hasButton(page, 'University'), page.text)
  return page
}
/** Signs in by e-mail from the chooser. */
const byEmail = async (agent: UserAgent, chooser: Page, email: string): Promise<Page> => {
  const form = chooser.forms.find(({ fields }) => 'email' in fields)
  const button = form?.buttons.find(({ action }) => action?.endsWith('/m/email')) ?? form?.buttons[0]
  const step = await agent.submit(chooser, form, { email }, button?.action)
  const { code } = await world.site.mail(email)
  return agent.submit(
    step,
    step.forms.find(({ fields }) => 'code' in fields),
    { code },
  )
}
const atDoor = async (agent: UserAgent) => agent.open(`${world.site.issuer}/account`)

/** A site nobody comes into by themselves; `uni` lets in `@example.org` only, `email` makes everybody wait. */
const part = (upstream: string) => ({
  registration: 'closed',
  admins: ['email:boss@example.org'],
  plugins: {
    uni: {
      use: '@labgate/auth-oidc',
      config: { issuer: upstream, clientId: 'labgate', clientSecret: 'upstream-test-value', label: 'University' },
      admission: { allow: { domains: ['example.org'] } },
    },
    email: { use: '@labgate/auth-email', config: { mailsPerHour: 1000 }, admission: { state: 'pending' } },
  },
})

describe('an invitation by mail', () => {
  before(async () => {
    world = await startWorld({ part, options: { replaced: { clock } } })
    for (const slug of ['imaging', 'tracers', 'secret'])
      await rooms()
        .get('groups')
        .create(house, { slug, title: `The ${slug}` })
  })
  after(() => world.close())

  test('opens an account where registration is closed and others wait, with its role and groups', async () => {
    const [email, agent] = [somebody(), newBrowser()]
    const shut = await byEmail(agent, await atDoor(agent), email)
    assert.equal(shut.status, 403)
    const { id, link } = await invited(email, { role: 'manager', groups: ['imaging'], note: 'Hello <b>you</b>' })
    const fresh = newBrowser()
    const page = await fresh.open(link)
    assert.match(textOf(page), /You will be a manager here.*The imaging/s)
    assert.match(page.text, /Hello &lt;b&gt;you/)
    assert.match(String(page.headers.get('cache-control')), /no-store/)
    assert.match(String(page.headers.get('referrer-policy')), /no-referrer|same-origin/)
    const account = await byEmail(fresh, await accept(fresh, link), email)
    assert.equal(account.url.pathname, '/account')
    assert.match(textOf(account), /You have accepted the invitation/)
    const made = await accountOf(email)
    assert.deepEqual([made?.state, made?.role, made?.groups], ['active', 'manager', ['imaging']])
    assert.deepEqual((await rooms().get('groups').members('imaging', { limit: 10 })).rows[0]?.sources, ['admin'])
    const kept = await rooms().get('invitations').find(house, id)
    assert.deepEqual([kept?.state, kept?.acceptedBy], ['accepted', made?.id])
    const [line] = await rooms().get('storage').audit.list({ type: 'account.invitation-accepted', limit: 1 })
    assert.equal(line?.account, made?.id)
    assert.deepEqual(line?.detail, { invitation: id, after: { groups: ['imaging'] } })
  })

  test('leads to any way to sign in, the stand-in for a university included', async () => {
    const agent = newBrowser()
    const { link } = await invited(somebody(), { groups: ['tracers'] })
    const page = await signInAs(agent, 'bob', await accept(agent, link))
    assert.equal(page.url.pathname, '/account', page.text)
    assert.deepEqual((await accountOf('bob@example.org'))?.groups, ['tracers'])
  })

  test('never gets around the rule of the way to sign in', async () => {
    const agent = newBrowser()
    const { id, link } = await invited('dora@example.net', { groups: ['tracers'] })
    const page = await signInAs(agent, 'dora', await accept(agent, link))
    assert.equal(page.status, 403)
    assert.match(textOf(page), /example\.org/)
    assert.equal(await stateOf(id), 'open')
    assert.equal(await accountOf('dora@example.net'), undefined)
  })

  test('counts in the browser that accepted it only', async () => {
    const [email, one, other] = [somebody(), newBrowser(), newBrowser()]
    const { id, link } = await invited(email)
    await accept(one, link)
    // The other has even looked at the page, and has not pressed its button.
    await other.open(link)
    assert.equal((await byEmail(other, await atDoor(other), email)).status, 403)
    assert.equal(await stateOf(id), 'open')
  })

  test('is not used up by looking, by HEAD, or by posting without the page’s own token', async () => {
    const [email, agent] = [somebody(), newBrowser()]
    const { id, link } = await invited(email)
    for (const method of ['GET', 'HEAD', 'GET', 'OPTIONS']) await fetch(link, { method })
    assert.equal((await fetch(link, { method: 'HEAD' })).status, 200)
    for (const headers of [{}, { origin: world.site.issuer }, { origin: 'https://evil.example' }])
      assert.equal((await fetch(link, { method: 'POST', body: new URLSearchParams(), headers })).status, 403)
    // A token of this browser's page of another invitation is none for this one.
    const another = await invited(somebody())
    const [theirs, mine] = [await agent.open(another.link), await agent.open(link)]
    const crossed = await agent.submit(mine, theirs.forms[0], {}, new URL(link).pathname)
    assert.equal(crossed.status, 403)
    // Nor is a token of another browser's page.
    const stolen = await newBrowser().submit(mine, (await newBrowser().open(link)).forms[0], {}, new URL(link).pathname)
    assert.equal(stolen.status, 403)
    assert.equal(await stateOf(id), 'open')
    assert.equal((await byEmail(agent, await accept(agent, link), email)).url.pathname, '/account')
  })

  test('works for one of twenty who accept it at once', async () => {
    const { id, link } = await invited(somebody())
    const guests = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const [agent, email] = [newBrowser(), somebody()]
        const chooser = await accept(agent, link)
        const form = chooser.forms.find(({ fields }) => 'email' in fields)
        const action = form?.buttons.find(({ action }) => action?.endsWith('/m/email'))?.action
        const step = await agent.submit(chooser, form, { email }, action)
        return { agent, email, step, code: (await world.site.mail(email)).code }
      }),
    )
    const pages = await Promise.all(
      guests.map(({ agent, step, code }) =>
        agent.submit(
          step,
          step.forms.find(({ fields }) => 'code' in fields),
          { code },
        ),
      ),
    )
    assert.equal(pages.filter(({ url }) => url.pathname === '/account').length, 1)
    assert.equal(pages.filter(({ status }) => status === 403).length, 19)
    const made = await Promise.all(guests.map(({ email }) => accountOf(email)))
    assert.equal(made.filter((account) => account !== undefined).length, 1)
    assert.equal(await stateOf(id), 'accepted')
  })

  test('tells strangers the same of links that are unknown, used, ended, replaced or over', async () => {
    const look = async (link: string) => {
      const page = await newBrowser().open(link)
      return [page.status, titleOf(page), textOf(page).replace(/Reference.*/, '')]
    }
    const room = rooms().get('invitations')
    const unknown = await look(`${world.site.issuer}/invited/${'x'.repeat(43)}`)
    assert.equal(unknown[0], 404)
    const used = await invited(somebody())
    const agent = newBrowser()
    const [waiting, late] = [await accept(newBrowser(), used.link), newBrowser()]
    assert.ok(waiting)
    const held = await late.open(used.link)
    await byEmail(agent, await accept(agent, used.link), somebody())
    const ended = await invited(somebody())
    await room.end(house, ended.id)
    const replaced = await invited(somebody())
    const again = await room.resend(house, replaced.id)
    const over = await invited(somebody(), { days: 1 })
    clock.advance(86_401)
    for (const { link } of [used, ended, replaced, over]) assert.deepEqual(await look(link), unknown)
    assert.deepEqual(await look(`${world.site.issuer}/invited/short`), unknown)
    // Who had it open finds out alike.
    const tooLate = await late.press(held, 'Accept and sign in')
    assert.equal(tooLate.status, 404)
    assert.equal((await look(again.link))[0], 200)
    assert.equal(await stateOf(over.id), 'over')
  })

  test('that was replaced or ended counts no more in a browser that holds it', async () => {
    for (const act of ['resend', 'end'] as const) {
      const [email, agent] = [somebody(), newBrowser()]
      const { id, link } = await invited(email)
      const chooser = await accept(agent, link)
      await rooms().get('invitations')[act](house, id)
      assert.equal((await byEmail(agent, chooser, email)).status, 403, act)
      assert.equal(await accountOf(email), undefined)
    }
  })

  test('makes an admin only of whoever proves the invited address (S19)', async () => {
    const [email, agent] = [somebody(), newBrowser()]
    const { id, link } = await invited(email, { role: 'admin', groups: ['secret'] })
    assert.match(textOf(await agent.open(link)), new RegExp(email))
    const other = somebody()
    const refused = await byEmail(agent, await accept(agent, link), other)
    assert.equal(refused.status, 403)
    assert.match(textOf(refused), /your invitation is for another e-mail address/)
    assert.deepEqual([await accountOf(other), await stateOf(id)], [undefined, 'open'])
    // Somebody who has an account signs in with it as ever, and gets nothing.
    const known = await invited(other)
    await byEmail(agent, await accept(agent, known.link), other)
    const page = await byEmail(agent, await accept(agent, link), other)
    assert.match(textOf(page), /The invitation was not used/)
    assert.deepEqual([(await accountOf(other))?.role, (await accountOf(other))?.groups], ['user', []])
    // And the address itself, in the same browser.
    const right = await byEmail(agent, await accept(agent, link), email)
    assert.equal(right.url.pathname, '/account', right.text)
    assert.deepEqual([(await accountOf(email))?.role, (await accountOf(email))?.groups], ['admin', ['secret']])
  })

  test('gives nothing when another one was opened after it in the same browser (S19)', async () => {
    const [email, agent] = [somebody(), newBrowser()]
    const first = await invited(email, { role: 'admin', groups: ['secret'] })
    const second = await invited(somebody(), { groups: ['tracers'] })
    const chooser = await accept(agent, first.link)
    await accept(agent, second.link)
    await byEmail(agent, chooser, email)
    const made = await accountOf(email)
    assert.deepEqual([made?.role, made?.groups], ['user', ['tracers']])
    assert.deepEqual([await stateOf(first.id), await stateOf(second.id)], ['open', 'accepted'])
  })

  test('lets an account that exists join the groups, once it has proved itself anew; its role stays', async () => {
    const [email, agent] = [somebody(), newBrowser()]
    const first = await invited(email)
    await byEmail(agent, await accept(agent, first.link), email)
    const second = await invited(email, { role: 'manager', groups: ['imaging', 'tracers'] })
    const page = await agent.open(second.link)
    assert.match(textOf(page), /You are signed in here as/)
    const chooser = await accept(agent, second.link)
    assert.deepEqual((await accountOf(email))?.groups, [], 'not by the button alone')
    await byEmail(agent, chooser, email)
    const made = await accountOf(email)
    assert.deepEqual([made?.role, made?.groups], ['user', ['imaging', 'tracers']])
    // Held no longer: signing in again uses nothing.
    const third = await invited(email, { groups: ['secret'] })
    await byEmail(agent, await agent.open(`${world.site.issuer}/oidc/auth?${signInAgain()}`), email)
    assert.equal(await stateOf(third.id), 'open')
  })

  test('lets in somebody who waits, and nobody who was shut out', async () => {
    for (const state of ['pending', 'deactivated'] as const) {
      const [email, agent] = [somebody(), newBrowser()]
      const first = await invited(email)
      await byEmail(agent, await accept(agent, first.link), email)
      const { id } = (await accountOf(email)) ?? assert.fail()
      await rooms().get('accounts').setState(id, state)
      const second = await invited(email, { groups: ['tracers'] })
      const again = newBrowser()
      const page = await byEmail(again, await accept(again, second.link), email)
      const expected = state === 'pending' ? ['active', ['tracers'], 'accepted'] : ['deactivated', [], 'open']
      const found = await accountOf(email)
      assert.deepEqual([found?.state, found?.groups, await stateOf(second.id)], expected, page.text)
    }
  })

  test('is forgotten by the browser after half an hour', async () => {
    const [email, agent] = [somebody(), newBrowser()]
    const { link } = await invited(email)
    await accept(agent, link)
    clock.advance(1801)
    assert.equal((await byEmail(agent, await atDoor(agent), email)).status, 403)
  })

  test('waits twenty minutes for a mail that is slow, and what became of it stays so at the next sign-in', async () => {
    const [email, agent] = [somebody(), newBrowser()]
    const { id, link } = await invited(email)
    await accept(agent, link)
    clock.advance(1200)
    assert.equal((await byEmail(agent, await atDoor(agent), email)).url.pathname, '/account')
    assert.equal(await stateOf(id), 'accepted')
    await byEmail(agent, await agent.open(`${world.site.issuer}/oidc/auth?${signInAgain()}`), email)
    assert.match(textOf(await agent.open(`${world.site.issuer}/invited`)), /You have accepted the invitation/)
  })

  test('is told of alike whether or not its address is known (S18)', async () => {
    const known = somebody()
    const agent = newBrowser()
    await byEmail(agent, await accept(agent, (await invited(known)).link), known)
    const manager = await rooms()
      .get('storage')
      .transaction((em) =>
        rooms()
          .get('accounts')
          .createIn(em, { facts: [] as Fact[], state: 'active', role: 'user' }),
      )
    await rooms().get('groups').setManager(house, 'tracers', { account: manager, is: 'manager' })
    const actor = { kind: 'account', account: manager } as const
    const answers = await Promise.all(
      [known, somebody()].map(async (email) => {
        const { invitation, mailed } = await rooms()
          .get('invitations')
          .invite(actor, { email, groups: ['tracers'] })
        const { id: _id, email: _email, createdAt: _at, endsAt: _until, ...rest } = invitation
        const { subject, text } = await world.site.mail(email)
        return { rest, mailed, subject, text: text.replaceAll(/\/invited\/\S+/g, '') }
      }),
    )
    assert.deepEqual(answers[0], answers[1])
  })

  test('leaves its link in no log and no row', async () => {
    const [email, agent] = [somebody(), newBrowser()]
    const { link } = await invited(email)
    const token = new URL(link).pathname.split('/').at(-1) ?? assert.fail()
    await byEmail(agent, await accept(agent, link), email)
    const { folder } = world.site
    const log = await readFile(join(folder, 'labgate.log'), 'utf8')
    assert.ok(log.includes('/invited/:token'), 'the log was read')
    assert.ok(!log.includes(token))
    assert.ok(!log.includes(Buffer.from(`/invited/${token}`).toString('base64url')))
    const rows = await rooms().get('storage').em().execute('select * from account_invitation')
    assert.ok(!JSON.stringify(rows).includes(token))
  })
})

function signInAgain(): string {
  const query = { client_id: 'labgate', response_type: 'none', scope: 'openid', prompt: 'login', state: 'x' }
  return new URLSearchParams({ ...query, redirect_uri: `${world.site.issuer}/sign-in/return` }).toString()
}

describe('the letter of an invitation', () => {
  test('carries no markup and no line break of whoever invites', async () => {
    const site = await startWorld()
    try {
      const { get } = site.site.labgate.rooms
      const name = 'Eve\r\nBcc: all@example.org <script>'
      const facts: Fact[] = [{ claim: 'name', value: name, trust: 'asserted' }]
      const eve = await get('storage').transaction((em) =>
        get('accounts').createIn(em, { facts, state: 'active', role: 'admin' }),
      )
      const note = '<a href="https://evil.example">Click</a>'
      await get('invitations').invite({ kind: 'account', account: eve }, { email: 'you@example.org', note })
      const outbox = join(site.site.folder, 'outbox')
      const { readdir } = await import('node:fs/promises')
      const [file] = (await readdir(outbox)).filter((one) => one.endsWith('.eml'))
      const { simpleParser } = await import('mailparser')
      const letter = await simpleParser(await readFile(join(outbox, file ?? '')))
      assert.equal(letter.bcc, undefined)
      assert.doesNotMatch(String(letter.html), /<a |<script/)
      assert.match(letter.text ?? '', /Eve Bcc: all@example\.org/)
    } finally {
      await site.close()
    }
  })
})
