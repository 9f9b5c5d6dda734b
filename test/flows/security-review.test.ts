import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Assertion, Fact } from '@labgate/contract'
import {
  atUpstream,
  hasButton,
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
import {
  browser,
  callback,
  freePort,
  relyingParty,
  signInByEmail,
  startLabgate,
  type TestLabgate,
  testClients,
} from '../support/labgate.ts'
import { UserAgent } from '../support/user-agent.ts'

const users = [
  ...people,
  ...['ann', 'ian', 'max', 'ned', 'sel', 'two'].map((sub) => ({
    sub,
    name: `Name ${sub}`,
    preferred_username: sub,
    email: `${sub}@example.org`,
    email_verified: true,
  })),
]

describe('what a hostile review found', () => {
  const clock = movableClock()
  let world: World
  let web: Party
  const portal = () => `${world.site.issuer}/account`
  const room = () => world.site.labgate.rooms.get
  before(async () => {
    world = await startWorld({
      users,
      ids: ['groups', 'members'],
      options: { replaced: { clock } },
      part: (issuer) => ({
        plugins: {
          uni: atUpstream(issuer),
          groups: atUpstream(issuer, {
            config: {
              label: 'Groups',
              groups: { claim: 'groups' },
              scopes: ['openid', 'profile', 'email', 'groups'],
            },
          }),
          members: atUpstream(issuer, {
            config: { label: 'Members' },
            admission: { allow: { domains: ['example.net'] } },
          }),
          email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } },
        },
      }),
    })
    web = await party(world.site)
  })
  after(() => world.close())

  const byEmail = (agent: UserAgent, email: string, at: string | URL = portal()) =>
    signInByEmail(world.site, agent, { at, email })
  const via = async (agent: UserAgent, label: string, login: string) => {
    const page = await agent.press(await agent.open(portal()), label)
    return hasButton(page, /^(alice|deny)$/) ? agent.press(page, new RegExp(`^${login}$`)) : page
  }
  const accountOf = async (email: string) => {
    const found = await room()('accounts').findByVerifiedEmail(email)
    return found ?? assert.fail(`nobody has ${email}`)
  }

  test('an identity that waits is not joined by a proof in another browser, even with the cookies of its interaction (S2)', async () => {
    await byEmail(newBrowser(), 'ann@example.org')
    const attacker = newBrowser()
    const asked = await web.request()
    const offer = await signInAs(attacker, 'ann', asked.url)
    assert.equal(titleOf(offer), 'You may have an account already')
    const victim = newBrowser()
    // What a page on a sibling host can plant: cookies with a path, `__Secure-` ones too.
    for (const cookie of attacker.cookies) if (cookie.path !== '/') victim.adopt(cookie)
    await byEmail(victim, 'ann@example.org', offer.url.href.replace(/\/continue.*$/, ''))
    const { id } = await accountOf('ann@example.org')
    const ways = (await room()('identities').list(id)).map(({ instance }) => instance)
    assert.deepEqual(ways, ['email'])
  })

  test('choosing an account with an old sign-in is no answer to max_age asked beside it (OpenID Connect Core §3.1.2.1)', async () => {
    const agent = newBrowser()
    await web.signIn(agent, 'max')
    clock.advance(100)
    const { url } = await web.request({ prompt: 'select_account', max_age: '60' })
    const page = await agent.open(url)
    assert.ok(!hasButton(page, 'Continue as'), textOf(page))
    const forged = await agent.submit(page, page.forms[0], {}, `${page.url.pathname}/continue-as`)
    assert.ok(!forged.url.href.startsWith(callback), forged.url.href)
    const young = await agent.open((await web.request({ prompt: 'select_account', max_age: '3600' })).url)
    const done = await agent.submit(young, young.forms[0], {}, `${young.url.pathname}/continue-as`)
    assert.ok(done.url.href.startsWith(callback), textOf(done))
  })

  test('choosing an account is no answer to prompt=login asked beside it (OpenID Connect Core §3.1.2.1)', async () => {
    const agent = newBrowser()
    await web.signIn(agent, 'sel')
    const asked = await web.request({ prompt: 'select_account login' })
    const page = await agent.open(asked.url)
    const forged = await agent.submit(page, page.forms[0], {}, `${page.url.pathname}/continue-as`)
    assert.ok(!forged.url.href.startsWith(callback), forged.url.href)
    const anew = await web.request({ prompt: 'select_account login' })
    const done = await signInAs(agent, 'sel', anew.url)
    assert.ok((await anew.redeem(done.url)).id_token)
  })

  test("a visit answers no attempt of another way to sign in, whoever's page the form is of (S5, S10)", async () => {
    const agent = new UserAgent({ stopAt: [callback, world.upstream.issuer] })
    const asked = await web.request()
    const chooser = await agent.open(asked.url)
    const form = chooser.forms.find(({ fields }) => 'email' in fields)
    const button = form?.buttons.find(({ action }) => action?.endsWith('/m/email'))
    await agent.submit(chooser, form, { email: 'visit@example.org' }, button?.action)
    const { link } = await world.site.mail('visit@example.org')
    const visit = await agent.open(link)
    const upstream = await agent.press(await agent.open(asked.url), 'University')
    const state = upstream.url.searchParams.get('state')
    const page = await agent.submit(visit, visit.forms[0], {}, `/sign-in/email/visit?state=${state}`)
    assert.equal(page.url.pathname, '/sign-in/email/visit', textOf(page))
    assert.ok(await room()('storage').artifacts.find('Attempt', state ?? ''), 'it can still be finished')
  })

  test('claims that are asked for by name stand on the consent page before they are given (OpenID Connect Core §5.5)', async () => {
    const third = await party(world.site, { id: 'third', secret: testClients.third.secret })
    const claims = JSON.stringify({ userinfo: { email: null, groups: null } })
    const asked = await third.request({ scope: 'openid', claims })
    const agent = newBrowser()
    const page = await signInAs(agent, 'ned', asked.url)
    assert.equal(titleOf(page), 'Allow Third party?')
    assert.match(textOf(page), /E-mail address ned@example\.org/)
    assert.match(textOf(page), /Groups/)
    const tokens = await asked.redeem((await agent.press(page, /^Allow$/)).url)
    const info = (await (await third.userinfo(tokens.access_token)).json()) as Record<string, unknown>
    assert.equal(info.email, 'ned@example.org')
    assert.match(textOf(await agent.open(portal())), /May see: [^.]*Your e-mail address/)
  })

  test('a way that is removed takes its groups with it, and the sessions begun by it elsewhere', async () => {
    const agent = newBrowser()
    await byEmail(agent, 'grouped@example.com')
    await via(agent, 'Groups', 'dora')
    assert.deepEqual((await accountOf('grouped@example.com')).groups, ['groups:staff'])
    const other = newBrowser()
    await via(other, 'Groups', 'dora')
    assert.equal(titleOf(await other.open(portal())), 'Your account')
    const page = await agent.open(portal())
    const [, second] = page.forms.filter(({ action }) => action.endsWith('/unlink'))
    assert.equal(titleOf(await agent.submit(page, second)), 'Your account')
    assert.deepEqual((await accountOf('grouped@example.com')).groups, [])
    assert.equal(titleOf(await other.open(portal())), 'Sign in')
  })

  test('of two removals at once that would take the last two ways, one is refused', async () => {
    const agent = newBrowser()
    await byEmail(agent, 'two@example.com')
    await via(agent, 'University', 'two')
    const { id } = await accountOf('two@example.com')
    const identities = room()('identities')
    const mine = await identities.list(id)
    assert.equal(mine.length, 2)
    const outcomes = await Promise.allSettled(mine.map((one) => identities.unlink(id, one.id)))
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    assert.equal((await identities.list(id)).length, 1)
  })

  test('a way that does not admit a person is not linked to their account either (S31)', async () => {
    const agent = newBrowser()
    await byEmail(agent, 'outside@example.com')
    const page = await via(agent, 'Members', 'ian')
    assert.equal(page.status, 403, textOf(page))
    assert.match(textOf(page), /a verified e-mail address at example\.net/)
    const { id } = await accountOf('outside@example.com')
    assert.equal((await room()('identities').list(id)).length, 1)
  })

  describe('groups an instance stood for', () => {
    const assertionOf = (subject: string, facts: readonly Fact[]): Assertion => ({
      issuer: 'https://lab.example',
      subject,
      facts,
      amr: [],
      at: new Date(),
    })
    const inLab: readonly Fact[] = [{ claim: 'groups', value: ['lab'], trust: 'asserted' }]
    const arrive = async (ask: { instance: string; subject: string; facts: readonly Fact[] }) => {
      const { instance, subject, facts } = ask
      const allow = { claim: 'groups', contains: 'lab' } as const
      const admission = instance === 'strict' ? { state: 'active', allow } : { state: 'active' }
      return room()('people').arrive({
        source: { instance, realm: 'lab' },
        admission: admission as never,
        assertion: assertionOf(subject, facts),
        wantsNew: false,
      })
    }
    const groupsNow = async (id: string) => (await room()('accounts').find(id))?.groups

    test('end when it lets the person in no more', async () => {
      const welcome = await arrive({ instance: 'strict', subject: 'leaver', facts: inLab })
      assert.ok(welcome.kind === 'account')
      assert.deepEqual(await groupsNow(welcome.account.id), ['strict:lab'])
      assert.equal((await arrive({ instance: 'strict', subject: 'leaver', facts: [] })).kind, 'refused')
      assert.deepEqual(await groupsNow(welcome.account.id), [])
    })

    test('do not stay under its old name after it was renamed', async () => {
      const welcome = await arrive({ instance: 'before', subject: 'mover', facts: inLab })
      assert.ok(welcome.kind === 'account')
      await arrive({ instance: 'after', subject: 'mover', facts: [] })
      assert.deepEqual(await groupsNow(welcome.account.id), [])
    })
  })
})

describe('tokens at a dialect', () => {
  const clock = movableClock()
  const resource = 'https://data.example.org'
  let site: TestLabgate
  let host: string
  before(async () => {
    const port = await freePort()
    host = `127.0.0.1:${port}`
    const plugins = {
      email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } },
      probe: { use: '../support/plugins/authz-probe.ts', host },
    }
    const resources = { [resource]: { scopes: ['probe'] }, [`http://${host}/`]: { scopes: ['probe'] } }
    site = await startLabgate({ plugins, resources, session: { idle: '5m' } }, { port, replaced: { clock } })
  })
  after(() => site.stop())

  const tokenFor = async (parameters: Readonly<Record<string, string>> = {}) => {
    const rp = await relyingParty(site.issuer)
    const { url, redeem } = await rp.request({ scope: 'openid probe', ...parameters })
    const page = await signInByEmail(site, browser(), { at: url, email: 'grace@example.org' })
    return (await redeem(page.url)).access_token
  }
  const me = async (token: string) =>
    (await fetch(`http://${host}/api/me`, { headers: { authorization: `Bearer ${token}` } })).status

  test('one in a cookie does nothing when another site made the browser send it (S13)', async () => {
    const cookie = `probe_token=${await tokenFor()}`
    const echo = async (headers: Readonly<Record<string, string>>) =>
      (await fetch(`http://${host}/api/echo`, { method: 'POST', headers: { cookie, ...headers }, body: 'x' })).status
    assert.equal(await echo({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }), 401)
    assert.equal(await echo({ origin: 'http://127.0.0.1:9', 'sec-fetch-site': 'same-site' }), 401)
    assert.equal(await echo({ origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }), 200)
    assert.equal(await echo({}), 200)
  })

  test('the cookies of Labgate itself are not shown to a dialect', async () => {
    const cookie = 'labgate_session=s; __Host-labgate_session=s; probe_seen=yes; labgate_door=d'
    const answer = await fetch(`http://${host}/cookies`, { headers: { cookie } })
    assert.deepEqual(await answer.json(), { cookies: { probe_seen: 'yes' }, header: 'probe_seen=yes' })
  })

  test('one that was made for another service is not taken (RFC 8707 §2)', async () => {
    assert.equal(await me(await tokenFor({ resource })), 401)
    assert.equal(await me(await tokenFor({ resource: `http://${host}/` })), 200)
  })

  test('one whose session is over is not taken (S27)', async () => {
    const token = await tokenFor()
    assert.equal(await me(token), 200)
    clock.advance(301)
    assert.equal(await me(token), 401)
  })
})
