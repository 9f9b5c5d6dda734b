import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import {
  atUpstream,
  hasButton,
  leaveUpstream,
  movableClock,
  newBrowser,
  type Party,
  party,
  people,
  signInAs,
  startWorld,
  textOf,
  titleOf,
  type World,
} from '../support/flow.ts'
import { callback, signInByEmail } from '../support/labgate.ts'
import { type Page, UserAgent } from '../support/user-agent.ts'

const users = [
  ...people,
  ...['ann', 'ben', 'cat', 'dan', 'gil', 'hal', 'ian', 'kim', 'lea', 'may', 'ned'].map((sub) => ({
    sub,
    name: `Name ${sub}`,
    preferred_username: sub,
    email: `${sub}@example.org`,
    email_verified: true,
  })),
  { sub: 'str', name: 'Str', email: 'str@example.org', email_verified: 'true' },
  { sub: 'chief', name: 'Chief', email: 'chief@example.org', email_verified: true },
  { sub: 'squat', name: 'Squat', email: 'owned@example.org' },
  { sub: 'fake', name: 'Fake', email: 'chief2@example.org' },
]
const unruly = join(import.meta.dirname, '../support/plugins/unruly.ts')
const labels = { second: 'Second', members: 'Members', staff: 'Staff', waiting: 'Waiting' }

describe('people and their accounts', () => {
  const clock = movableClock()
  let world: World
  let web: Party
  const portal = () => `${world.site.issuer}/account`
  const accounts = () => world.site.labgate.rooms.get('accounts')
  before(async () => {
    world = await startWorld({
      users,
      ids: Object.keys(labels),
      options: { replaced: { clock } },
      part: (issuer) => ({
        admins: ['email:boss@example.org', 'uni:chief@example.org', 'uni:chief2@example.org'],
        plugins: {
          uni: atUpstream(issuer),
          second: atUpstream(issuer, { config: { label: labels.second } }),
          members: atUpstream(issuer, {
            config: { label: labels.members },
            admission: { allow: { any: [{ domains: ['example.net'] }, { domains: ['*.example.com'] }] } },
          }),
          staff: atUpstream(issuer, {
            config: {
              label: labels.staff,
              groups: { claim: 'groups' },
              scopes: ['openid', 'profile', 'email', 'groups'],
            },
            admission: { allow: { claim: 'groups', contains: 'staff' } },
          }),
          waiting: atUpstream(issuer, { config: { label: labels.waiting }, admission: { state: 'pending' } }),
          liar: { use: unruly, config: { way: 'lie' } },
          thrower: { use: unruly, config: { way: 'throw' } },
          email: { use: '@labgate/auth-email' },
        },
      }),
    })
    web = await party(world.site)
  })
  after(() => world.close())

  /** Through an instance with another label than the University's. */
  const via = async (agent: UserAgent, label: string, ask: { login: string; at: string | URL }): Promise<Page> => {
    const page = await agent.press(await agent.open(ask.at), label)
    return hasButton(page, /^(alice|deny)$/) ? agent.press(page, new RegExp(`^${ask.login}$`)) : page
  }
  const byEmail = (agent: UserAgent, email: string, at: string | URL = portal()) =>
    signInByEmail(world.site, agent, { at, email })
  const subOf = async (redeem: (back: URL) => Promise<client.TokenEndpointResponseHelpers>, page: Page) => {
    assert.ok(page.url.href.startsWith(callback), `${page.url} ${textOf(page)}`)
    return (await redeem(page.url)).claims()?.sub
  }
  /** Where a person who is known by mail arrives when the University says the same address. */
  const atLinkPage = async (agent: UserAgent, login: string) => {
    const asked = await web.request()
    const page = await signInAs(agent, login, asked.url)
    assert.equal(titleOf(page), 'You may have an account already', textOf(page))
    return { ...asked, page, interaction: page.url.href.replace(/\/continue.*$/, '') }
  }

  describe('the same address by another way (S1)', () => {
    test('a verified address that is known does not match by itself: the person is asked', async () => {
      await byEmail(newBrowser(), 'ann@example.org')
      const agent = newBrowser()
      const { page } = await atLinkPage(agent, 'ann')
      assert.match(textOf(page), /University says that ann@example\.org is yours/)
      assert.equal((await web.silent(agent)).error, 'login_required')
    })

    test('proved in the same browser, the two ways open one account from then on', async () => {
      const first = await mailed('ann@example.org')
      const known = await subOf(first.redeem, first.page)
      const agent = newBrowser()
      const { page, redeem, interaction } = await atLinkPage(agent, 'ann')
      assert.equal(titleOf(await agent.press(page, 'Choose a way to sign in')), 'Sign in')
      const done = await byEmail(agent, 'ann@example.org', interaction)
      assert.equal(await subOf(redeem, done), known)
      const later = await web.request()
      assert.equal(await subOf(later.redeem, await signInAs(newBrowser(), 'ann', later.url)), known)
    })

    test('kept apart on request, there are two accounts', async () => {
      const known = await mailed('ben@example.org')
      const agent = newBrowser()
      const again = await atLinkPage(agent, 'ben')
      const done = await agent.press(again.page, 'Make a new account')
      const sub = await subOf(again.redeem, done)
      assert.notEqual(sub, await subOf(known.redeem, known.page))
    })

    test('a proof in another browser joins nothing', async () => {
      await byEmail(newBrowser(), 'cat@example.org')
      await atLinkPage(newBrowser(), 'cat')
      await byEmail(newBrowser(), 'cat@example.org')
      await atLinkPage(newBrowser(), 'cat')
    })

    test('whoever signs in with another address instead does not get the waiting identity (S2)', async () => {
      await byEmail(newBrowser(), 'dan@example.org')
      const agent = newBrowser()
      const { redeem, interaction } = await atLinkPage(agent, 'dan')
      const other = await subOf(redeem, await byEmail(agent, 'other@example.org', interaction))
      const identities = world.site.labgate.rooms.get('identities')
      assert.deepEqual(
        (await identities.list(other ?? '')).map(({ instance }) => instance),
        ['email'],
      )
      await atLinkPage(newBrowser(), 'dan')
    })

    test('an address whose flag is missing or not a boolean is never offered and never a claim (datalab 1.7.5)', async () => {
      await byEmail(newBrowser(), 'alice@example.org')
      await byEmail(newBrowser(), 'str@example.org')
      for (const login of ['carol', 'str']) {
        const tokens = await web.signIn(newBrowser(), login)
        const info = (await (await web.userinfo(tokens.access_token)).json()) as Record<string, unknown>
        assert.equal(info.email, undefined)
        assert.notEqual(info.email_verified, true)
      }
    })

    test('datalab 1.7.5: who names an address first without proof does not draw its owner into their account', async () => {
      const squatter = (await web.signIn(newBrowser(), 'squat')).claims()?.sub ?? ''
      const owner = await mailed('owned@example.org')
      assert.notEqual(await subOf(owner.redeem, owner.page), squatter)
      const ways = await world.site.labgate.rooms.get('identities').list(squatter)
      assert.deepEqual(
        ways.map(({ instance }) => instance),
        ['uni'],
      )
    })

    const mailed = async (email: string) => {
      const asked = await web.request()
      return { redeem: asked.redeem, page: await byEmail(newBrowser(), email, asked.url) }
    }
  })

  describe('linking and unlinking on the account page', () => {
    test('a way is added, opens the account, and is removed; the last one stays', async () => {
      const agent = newBrowser()
      await byEmail(agent, 'link@example.net')
      const linked = await via(agent, 'University', { login: 'gil', at: portal() })
      assert.match(textOf(linked), /University now opens this account/)
      const asked = await web.request()
      const own = await web.request({ prompt: 'none' })
      const other = newBrowser()
      const sub = await subOf(asked.redeem, await signInAs(other, 'gil', asked.url))
      assert.equal(sub, await subOf(own.redeem, await agent.open(own.url)))
      const page = await agent.open(portal())
      const unlink = page.forms.filter(({ action }) => action.endsWith('/unlink'))
      assert.equal(unlink.length, 2)
      const [first, second] = unlink
      const left = await agent.submit(page, second, {})
      assert.equal(titleOf(left), 'Your account')
      assert.ok(!left.forms.some(({ action }) => action.endsWith('/unlink')), 'the last has no button')
      const refused = await agent.submit(page, first, {})
      assert.equal(refused.status, 409)
      assert.match(textOf(refused), /only way into your account/)
    })

    test('a link that the upstream turns down says so on the account page', async () => {
      const agent = newBrowser()
      await byEmail(agent, 'undecided@example.net')
      const page = await via(agent, 'University', { login: 'deny', at: portal() })
      assert.equal(titleOf(page), 'Your account')
      assert.match(textOf(page), /the request was turned down/)
    })

    test('an identity of another account is refused', async () => {
      await web.signIn(newBrowser(), 'hal')
      const agent = newBrowser()
      await byEmail(agent, 'thief@example.net')
      const page = await via(agent, 'University', { login: 'hal', at: portal() })
      assert.equal(page.status, 409)
      assert.equal(titleOf(page), 'That sign-in belongs to another account')
    })

    test('a link begun by one account cannot end in another (datalab 1.7.6)', async () => {
      const agent = newBrowser()
      await byEmail(agent, 'first@example.net')
      const halted = new UserAgent({ stopAt: [`${world.site.issuer}/sign-in/uni/`] })
      for (const cookie of agent.cookies) halted.adopt(cookie)
      const back = await via(halted, 'University', { login: 'kim', at: portal() })
      const later = newBrowser()
      for (const cookie of halted.cookies) later.adopt(cookie)
      await later.press(await later.open(portal()), 'Sign out here')
      await byEmail(later, 'second@example.net')
      const page = await later.open(back.url)
      assert.equal(page.status, 400, textOf(page))
      assert.equal(titleOf(page), 'This belongs to another browser')
      const identities = world.site.labgate.rooms.get('identities')
      const second = await accounts().findByVerifiedEmail('second@example.net')
      assert.equal((await identities.list(second?.id ?? '')).length, 1)
    })

    test('a sign-in older than 15 minutes must be renewed before ways are changed', async () => {
      const agent = newBrowser()
      await byEmail(agent, 'stale@example.net')
      const page = await agent.open(portal())
      clock.advance(901)
      const asked = await agent.press(page, 'University')
      assert.equal(titleOf(asked), 'Sign in', textOf(asked))
      assert.ok(!hasButton(asked, 'Continue as'))
      const identities = world.site.labgate.rooms.get('identities')
      const stale = await accounts().findByVerifiedEmail('stale@example.net')
      assert.equal((await identities.list(stale?.id ?? '')).length, 1)
    })
  })

  describe('admission', () => {
    test('somebody to whom the rule does not apply is told the rule, and no account is made', async () => {
      const agent = newBrowser()
      const { url } = await web.request()
      const page = await via(agent, labels.members, { login: 'ian', at: url })
      assert.equal(page.status, 403)
      assert.equal(titleOf(page), 'You cannot come in this way')
      assert.match(
        textOf(page),
        /a verified e-mail address at example\.net or a verified e-mail address at \*\.example\.com/,
      )
      assert.equal(await accounts().findByUsername('ian'), undefined)
      const other = await agent.open(page.url.href.replace(/\/continue.*$/, ''))
      assert.equal(titleOf(other), 'Sign in', 'another way can be tried')
    })

    test('somebody to whom it applies comes in; groups of the upstream count', async () => {
      const { url, redeem } = await web.request()
      assert.ok(await subOf(redeem, await via(newBrowser(), labels.members, { login: 'dora', at: url })))
      const staff = await web.request()
      const refused = await via(newBrowser(), labels.staff, { login: 'ian', at: staff.url })
      assert.match(textOf(refused), /groups is staff/)
    })

    test('a new account can wait for approval: a page says so, admins get mail, and it comes in once approved', async () => {
      await byEmail(newBrowser(), 'boss@example.org')
      const agent = newBrowser()
      const asked = await web.request()
      const page = await via(agent, labels.waiting, { login: 'may', at: asked.url })
      assert.equal(page.status, 403)
      assert.equal(titleOf(page), 'Almost there')
      assert.equal((await web.silent(agent)).error, 'login_required')
      const mail = await world.site.mail('boss@example.org')
      assert.match(mail.text, /Name may/)
      const may = await accounts().findByUsername('may')
      assert.equal(may?.state, 'pending')
      await accounts().setState(may?.id ?? '', 'active')
      const again = await web.request()
      assert.equal(
        await subOf(again.redeem, await via(newBrowser(), labels.waiting, { login: 'may', at: again.url })),
        may?.id,
      )
    })

    test('admins named in the config are admins by a verified address of that instance only (launchpad 2.2)', async () => {
      assert.equal((await accounts().findByVerifiedEmail('boss@example.org'))?.role, 'admin')
      const chief = (await web.signIn(newBrowser(), 'chief')).claims()
      assert.equal((await accounts().find(chief?.sub ?? ''))?.role, 'admin')
      const fake = (await web.signIn(newBrowser(), 'fake')).claims()
      assert.equal((await accounts().find(fake?.sub ?? ''))?.role, 'user')
      await byEmail(newBrowser(), 'chief2@example.org')
      assert.equal((await accounts().findByVerifiedEmail('chief2@example.org'))?.role, 'user')
    })
  })

  test('usernames are unique and never change', async () => {
    const alice = (await web.signIn(newBrowser(), 'carol')).claims()
    const again = await accounts().find(alice?.sub ?? '')
    assert.match(again?.username ?? '', /^alice/)
    const agent = newBrowser()
    await signInAs(agent, 'carol', portal())
    const page = await agent.open(portal())
    const form = page.forms.find(({ action }) => action === '/account/name')
    await agent.submit(page, form, { displayName: 'Somebody Else', username: 'root' })
    const after = await accounts().find(alice?.sub ?? '')
    assert.equal(after?.displayName, 'Somebody Else')
    assert.equal(after?.username, again?.username)
    const names = (await accounts().list({ limit: 100, offset: 0 })).map(({ username }) => username)
    assert.equal(new Set(names).size, names.length)
  })

  test('an assertion of an issuer that the instance did not declare is refused', async () => {
    const agent = newBrowser()
    const { url } = await web.request()
    const page = await agent.press(await agent.open(url), 'Unruly lie')
    assert.doesNotMatch(textOf(page), /bank\.example/)
    assert.ok(!page.url.href.startsWith(callback))
    assert.equal((await web.silent(agent)).error, 'login_required')
  })

  test('a plugin that throws leaves a note with a reference, nothing of its inside, and the other ways', async () => {
    const agent = newBrowser()
    const asked = await web.request()
    const page = await agent.press(await agent.open(asked.url), 'Unruly throw')
    assert.equal(titleOf(page), 'Sign in')
    assert.match(textOf(page), /Unruly throw did not work just now.*Reference: [\w-]{16}/)
    assert.doesNotMatch(page.text, /the inside of the plugin/)
    assert.ok(await subOf(asked.redeem, await signInAs(agent, 'ned', page)))
  })

  test('a deactivated account is refused at every door at once, and comes back when it is active again (S11)', async () => {
    const agent = newBrowser()
    const tokens = await web.signIn(agent, 'lea')
    const id = tokens.claims()?.sub ?? ''
    const flight = await web.request({ prompt: 'none' })
    const inFlight = await agent.open(flight.url)
    assert.ok(inFlight.url.searchParams.get('code'))
    const before = await client.tokenIntrospection(web.config, tokens.access_token)
    assert.equal(before.active, true)
    await accounts().setState(id, 'deactivated')
    assert.equal((await web.silent(agent)).error, 'login_required', 'prompt=none')
    assert.ok(hasButton(await agent.open(portal()), 'University'), 'session')
    await assert.rejects(
      flight.redeem(inFlight.url),
      /invalid_grant|grant request is invalid|400|error/i,
      'a code in flight',
    )
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' }
    assert.deepEqual((await web.token(refresh)).body.error, 'invalid_grant', 'refresh')
    assert.equal((await web.userinfo(tokens.access_token)).status, 401, 'userinfo')
    assert.deepEqual(await client.tokenIntrospection(web.config, tokens.access_token), { active: false })
    leaveUpstream(agent)
    const page = await signInAs(agent, 'lea', (await web.request()).url)
    assert.equal(page.status, 403)
    assert.equal(titleOf(page), 'This account is switched off')
    await accounts().setState(id, 'active')
    assert.equal((await web.userinfo(tokens.access_token)).status, 401, 'old tokens stay dead')
    assert.equal((await web.signIn(newBrowser(), 'lea')).claims()?.sub, id)
  })
})

describe('who may be first, and who may come later', () => {
  test('the first-admin code works once, for a person who is signed in, and wrong ones are limited (launchpad 2.2)', async () => {
    const world = await startWorld({ users })
    try {
      const code = world.site.firstAdminCode ?? ''
      assert.match(code, /^\w{12,}$/)
      const accounts = world.site.labgate.rooms.get('accounts')
      const agent = newBrowser()
      const first = await signInAs(agent, 'alice', `${world.site.issuer}/account`)
      assert.equal((await accounts.findByUsername('alice'))?.role, 'user', 'never whoever comes first')
      assert.equal(titleOf(first), 'Your account')
      const page = await agent.open(`${world.site.issuer}/account/first-admin`)
      const form = page.forms.find(({ fields }) => 'code' in fields)
      const wrong = await agent.submit(page, form, { code: 'wrong' })
      assert.equal(wrong.status, 403)
      assert.match(textOf(wrong), /not right/)
      assert.match(textOf(await agent.submit(page, form, { code })), /You are an admin of this site now/)
      assert.equal((await accounts.findByUsername('alice'))?.role, 'admin')
      const other = newBrowser()
      await signInAs(other, 'bob', `${world.site.issuer}/account`)
      assert.equal((await other.open(`${world.site.issuer}/account/first-admin`)).status, 404)
      const account = await other.open(`${world.site.issuer}/account`)
      const own = account.forms.find(({ action }) => action === '/account/sign-out')
      const statuses = []
      for (let tries = 0; tries < 4; tries++)
        statuses.push((await other.submit(account, own, { code }, '/account/first-admin')).status)
      assert.deepEqual(statuses, [403, 403, 403, 429])
      assert.equal((await accounts.findByUsername('bob'))?.role, 'user')
    } finally {
      await world.close()
    }
  })

  test('with registration closed, known people come in and others are told why not; a renamed instance keeps its people', async () => {
    const world = await startWorld({ users, ids: ['campus'] })
    const known = (await (await party(world.site)).signIn(newBrowser(), 'alice')).claims()
    const plugins = { campus: { ...atUpstream(world.upstream.issuer), realm: 'uni' } }
    const closed = await world.restart({ registration: 'closed', plugins })
    try {
      const web = await party(closed.site)
      assert.equal((await web.signIn(newBrowser(), 'alice')).claims()?.sub, known?.sub)
      const page = await signInAs(newBrowser(), 'bob', (await web.request()).url)
      assert.equal(page.status, 403)
      assert.match(textOf(page), /makes no new accounts/)
      assert.equal(await closed.site.labgate.rooms.get('accounts').findByUsername('bob'), undefined)
    } finally {
      await closed.close()
    }
  })

  test('a renamed instance without its realm is another way to sign in, and takes nobody over', async () => {
    const world = await startWorld({ users, ids: ['campus'] })
    const known = (await (await party(world.site)).signIn(newBrowser(), 'alice')).claims()
    const renamed = await world.restart({ plugins: { campus: atUpstream(world.upstream.issuer) } })
    try {
      const web = await party(renamed.site)
      const page = await signInAs(newBrowser(), 'alice', (await web.request()).url)
      assert.equal(titleOf(page), 'You may have an account already')
      assert.ok(known?.sub)
    } finally {
      await renamed.close()
    }
  })
})
