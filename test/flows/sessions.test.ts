import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import {
  hasButton,
  leaveUpstream,
  movableClock,
  newBrowser,
  type Party,
  party,
  signInAs,
  startWorld,
  textOf,
  titleOf,
  type World,
} from '../support/flow.ts'
import { signInByEmail, testClients } from '../support/labgate.ts'
import { type RelyingPartyServer, startRelyingPartyServer } from '../support/relying-party-server.ts'
import type { UserAgent } from '../support/user-agent.ts'

const sessionCookie = (agent: UserAgent) => agent.cookies.find(({ name }) => name === 'labgate_session')

describe('who is signed in', () => {
  const clock = movableClock()
  let world: World
  let web: Party
  let other: RelyingPartyServer
  let told: Party
  const account = () => `${world.site.issuer}/account`
  before(async () => {
    other = await startRelyingPartyServer(() => ({ issuer: world.site.issuer, audience: 'told' }))
    const { backchannelLogoutUri } = other
    const secret = 'a-secret-of-the-test-client-told0'
    world = await startWorld({
      part: () => ({ clients: { ...testClients, told: { ...testClients.web, secret, backchannelLogoutUri } } }),
      options: { replaced: { clock } },
    })
    web = await party(world.site)
    told = await party(world.site, { id: 'told', secret })
  })
  after(async () => {
    await world.close()
    await other.close()
  })

  test('after a sign-in at the portal, prompt=none gives a relying party a code', async () => {
    const agent = newBrowser()
    assert.equal((await web.silent(agent)).error, 'login_required')
    const page = await signInAs(agent, 'alice', account())
    assert.equal(titleOf(page), 'Your account', textOf(page))
    assert.ok((await web.silent(agent)).code)
  })

  test('signing out at the portal makes prompt=none answer login_required and calls the back-channel URL', async () => {
    const agent = newBrowser()
    const tokens = await told.signIn(agent, 'alice')
    const before = other.received().length
    const signedOut = await agent.press(await agent.open(account()), 'Sign out here')
    assert.equal(titleOf(signedOut), 'You are signed out')
    assert.equal((await told.silent(agent)).error, 'login_required')
    assert.deepEqual(other.failures(), [])
    const [token, ...more] = other.received().slice(before)
    assert.equal(more.length, 0)
    assert.equal(token?.sub, tokens.claims()?.sub)
    assert.ok(typeof token?.sid === 'string' && token.sid !== '')
    assert.equal((await told.userinfo(tokens.access_token)).status, 401)
  })

  test('a logout of the relying party asks, ends our session, and returns to its registered address', async () => {
    const agent = newBrowser()
    const tokens = await told.signIn(agent, 'alice')
    const before = other.received().length
    const url = client.buildEndSessionUrl(told.config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'http://127.0.0.1:9/bye',
      state: 'xyz',
    })
    const ask = await agent.open(url)
    assert.equal(titleOf(ask), 'Sign out?', textOf(ask))
    assert.ok((await told.silent(agent)).code, 'nothing has ended before the answer')
    const bye = await agent.press(await agent.open(url), 'Sign out')
    assert.equal(bye.url.href, 'http://127.0.0.1:9/bye?state=xyz')
    assert.equal(other.received().length, before + 1)
    assert.equal((await web.silent(agent)).error, 'login_required')
    const portal = await agent.open(account())
    assert.ok(hasButton(portal, 'University'), 'the portal asks to sign in')
  })

  test('a logout with an address that is not registered is refused and ends nothing', async () => {
    const agent = newBrowser()
    const tokens = await told.signIn(agent, 'alice')
    const url = client.buildEndSessionUrl(told.config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'http://127.0.0.1:9/elsewhere',
    })
    const page = await agent.open(url)
    assert.equal(page.status, 400)
    assert.match(textOf(page), /post_logout_redirect_uri/)
    assert.ok((await told.silent(agent)).code)
  })

  test('a logout without a client goes nowhere else, whatever address is asked for', async () => {
    const agent = newBrowser()
    await web.signIn(agent, 'alice')
    const url = `${world.site.issuer}/oidc/logout?post_logout_redirect_uri=${encodeURIComponent('http://127.0.0.1:9/bye')}`
    const page = await agent.press(await agent.open(url), 'Sign out')
    assert.equal(page.url.origin, world.site.issuer)
    assert.equal(titleOf(page), 'You are signed out')
    assert.equal((await web.silent(agent)).error, 'login_required')
  })

  test('a logout of a browser that is not signed in ends in the signed-out page', async () => {
    const agent = newBrowser()
    const first = await agent.open(`${world.site.issuer}/oidc/logout`)
    const page = titleOf(first) === 'You are signed out' ? first : await agent.submit(first, first.forms[0])
    assert.equal(titleOf(page), 'You are signed out')
  })

  test('prompt=login asks again although the person is signed in, and auth_time is new', async () => {
    const agent = newBrowser()
    const first = (await web.signIn(agent, 'alice')).claims()
    await new Promise((done) => setTimeout(done, 1100))
    const asked = await web.request({ prompt: 'login' })
    const chooser = await agent.open(asked.url)
    assert.equal(titleOf(chooser), 'Sign in')
    assert.ok(!hasButton(chooser, 'Continue as'), 'no way around')
    const upstream = await agent.press(chooser, 'University')
    assert.ok(hasButton(upstream, /^alice$/), 'the upstream asks again, too')
    const page = await agent.press(upstream, /^alice$/)
    const claims = (await asked.redeem(page.url)).claims()
    assert.equal(claims?.sub, first?.sub)
    assert.ok((claims?.auth_time as number) > (first?.auth_time as number))
  })

  test('max_age asks again when the sign-in is older, and not when it is younger', async () => {
    const agent = newBrowser()
    await web.signIn(agent, 'alice')
    const young = await agent.open((await web.request({ max_age: '600' })).url)
    assert.ok(young.url.searchParams.get('code'))
    await new Promise((done) => setTimeout(done, 2100))
    const old = await agent.open((await web.request({ max_age: '1' })).url)
    assert.equal(titleOf(old), 'Sign in')
    assert.ok(!hasButton(old, 'Continue as'))
  })

  test('a forged continue-as is refused where a new sign-in is asked for', async () => {
    const agent = newBrowser()
    await web.signIn(agent, 'alice')
    const chooser = await agent.open((await web.request({ prompt: 'login' })).url)
    const page = await agent.submit(chooser, chooser.forms[0], {}, `${chooser.url.pathname}/continue-as`)
    assert.equal(page.status, 400)
    assert.equal(titleOf(page), 'This sign-in took too long')
  })

  test('prompt=select_account offers to continue as the person who is signed in', async () => {
    const agent = newBrowser()
    const first = (await web.signIn(agent, 'alice')).claims()
    const asked = await web.request({ prompt: 'select_account' })
    const ask = await agent.open(asked.url)
    assert.equal(titleOf(ask), 'Continue with your account?')
    const page = await agent.press(ask, 'Continue as Alice Liddell')
    assert.equal((await asked.redeem(page.url)).claims()?.sub, first?.sub)
  })

  test('another account can be taken at prompt=select_account, and then it is the one that is signed in everywhere', async () => {
    const agent = newBrowser()
    const first = (await web.signIn(agent, 'alice')).claims()
    const asked = await web.request({ prompt: 'select_account' })
    const chooser = await agent.press(await agent.open(asked.url), 'Use another account')
    leaveUpstream(agent)
    const page = await signInAs(agent, 'bob', chooser)
    assert.equal(page.status, 0, 'straight to the relying party, without a page that posts itself')
    const claims = (await asked.redeem(page.url)).claims()
    assert.notEqual(claims?.sub, first?.sub)
    assert.match(textOf(await agent.open(account())), /Bob Builder/)
    const silent = await web.silent(agent)
    assert.ok(silent.code)
  })

  test('a session revoked between chooser and finish ends the attempt with a page that says so; a new one works', async () => {
    for (const when of ['at the chooser', 'at the upstream']) {
      const [agent, elsewhere] = [newBrowser(), newBrowser()]
      await web.signIn(agent, 'alice')
      await signInAs(elsewhere, 'alice', account())
      let page = await agent.open((await web.request({ prompt: 'login' })).url)
      if (when === 'at the upstream') page = await agent.press(page, 'University')
      await elsewhere.press(await elsewhere.open(account()), 'Sign out everywhere')
      const ended = await signInAs(agent, 'alice', page)
      assert.equal(ended.status, 400, when)
      assert.equal(titleOf(ended), 'This sign-in took too long', when)
      assert.match(textOf(ended), /Start again/)
      assert.equal((await web.silent(agent)).error, 'login_required', when)
      assert.ok((await web.signIn(agent, 'alice')).access_token, when)
    }
  })

  test('continue-as after the session was revoked elsewhere is refused with a page', async () => {
    const [agent, elsewhere] = [newBrowser(), newBrowser()]
    await web.signIn(agent, 'alice')
    await signInAs(elsewhere, 'alice', account())
    const ask = await agent.open((await web.request({ prompt: 'select_account' })).url)
    await elsewhere.press(await elsewhere.open(account()), 'Sign out everywhere')
    const page = await agent.press(ask, 'Continue as')
    assert.equal(page.status, 400)
    assert.match(textOf(page), /Start again/)
  })

  test('a session is listed on the account page and revoked from another browser at the very next request', async () => {
    const [agent, elsewhere] = [newBrowser(), newBrowser()]
    const bound = await web.signIn(agent, 'bob')
    await signInAs(elsewhere, 'bob', account())
    const portal = await elsewhere.open(account())
    assert.match(textOf(portal), /This device/)
    await elsewhere.press(portal, /^Sign out /)
    assert.equal((await web.silent(agent)).error, 'login_required')
    assert.equal((await web.userinfo(bound.access_token)).status, 401)
    const refreshed = await web.token({ grant_type: 'refresh_token', refresh_token: bound.refresh_token ?? '' })
    assert.deepEqual([refreshed.status, refreshed.body.error], [400, 'invalid_grant'])
    assert.equal(titleOf(await elsewhere.open(account())), 'Your account', 'the other browser stays')
  })

  test('one person cannot revoke the session of another', async () => {
    const [agent, elsewhere] = [newBrowser(), newBrowser()]
    await web.signIn(agent, 'alice')
    const sessions = world.site.labgate.rooms.get('sessions')
    const accounts = world.site.labgate.rooms.get('accounts')
    const alice = await accounts.findByUsername('alice')
    const handles = (await sessions.list(alice?.id ?? '')).map(({ handle }) => handle)
    await signInAs(elsewhere, 'bob', account())
    const portal = await elsewhere.open(account())
    const form = portal.forms.find(({ action }) => action === '/account/sign-out')
    for (const handle of handles) await elsewhere.submit(portal, form, {}, `/account/sessions/${handle}/revoke`)
    assert.ok((await web.silent(agent)).code)
  })

  test('signing out everywhere ends every browser and every token', async () => {
    const [one, two] = [newBrowser(), newBrowser()]
    const first = await web.signIn(one, 'dora', {})
    await signInAs(two, 'dora', account())
    const page = await two.press(await two.open(account()), 'Sign out everywhere')
    assert.equal(titleOf(page), 'You are signed out')
    for (const agent of [one, two]) assert.equal((await web.silent(agent)).error, 'login_required')
    assert.equal((await web.userinfo(first.access_token)).status, 401)
    const refreshed = await web.token({ grant_type: 'refresh_token', refresh_token: first.refresh_token ?? '' })
    assert.equal(refreshed.status, 400)
  })

  test('the session id changes at every sign-in, and an id planted before is worth nothing (S12)', async () => {
    const agent = newBrowser()
    await web.signIn(agent, 'alice')
    const before = sessionCookie(agent)
    assert.ok(before)
    const chooser = await agent.open((await web.request({ prompt: 'login' })).url)
    await signInAs(agent, 'alice', chooser)
    const now = sessionCookie(agent)
    assert.ok(now)
    assert.notEqual(now.value, before.value)
    const sessions = world.site.labgate.rooms.get('sessions')
    assert.equal(await sessions.of(before.value), undefined)
    assert.ok(await sessions.of(now.value))
    const planted = 'A'.repeat(43)
    const victim = newBrowser()
    victim.adopt({ ...now, value: planted })
    await web.signIn(victim, 'alice')
    assert.notEqual(sessionCookie(victim)?.value, planted)
    assert.equal(await sessions.of(planted), undefined)
    const response = await fetch(account(), { redirect: 'manual', headers: { cookie: `${now.name}=${planted}` } })
    assert.equal(response.status, 303)
  })

  test("our row and the Provider's session are bound by uid", async () => {
    const agent = newBrowser()
    await web.signIn(agent, 'alice')
    const sessions = world.site.labgate.rooms.get('sessions')
    const ours = await sessions.of(sessionCookie(agent)?.value)
    assert.ok(ours?.providerUid)
    const theirs = await world.site.labgate.provider().Session.findByUid(ours.providerUid)
    assert.equal(theirs?.accountId, ours.account)
  })

  test("a Provider's session with another browser's session of ours counts for nothing", async () => {
    const [one, two] = [newBrowser(), newBrowser()]
    await web.signIn(one, 'alice')
    await web.signIn(two, 'alice')
    const stolen = sessionCookie(one)
    const theirs = sessionCookie(two)
    assert.ok(stolen && theirs)
    const { url } = await web.request({ prompt: 'none' })
    const cookie = two.cookieHeader(url).replace(`${theirs.name}=${theirs.value}`, `${stolen.name}=${stolen.value}`)
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } })
    assert.match(response.headers.get('location') ?? '', /error=login_required/)
  })

  test('a session without "keep me signed in" has a cookie of the browser session, one with it lasts 7 days', async () => {
    const [short, long] = [newBrowser(), newBrowser()]
    await signInByEmail(world.site, short, { at: account(), email: 'eve@example.org' })
    assert.match(sessionCookie(short)?.attributes ?? '', /httponly/i)
    assert.match(sessionCookie(short)?.attributes ?? '', /samesite=lax/i)
    assert.doesNotMatch(sessionCookie(short)?.attributes ?? '', /expires|max-age/i)
    await signInByEmail(world.site, long, { at: account(), email: 'eve@example.org', remember: true })
    const expires = Date.parse(/expires=([^;]+)/i.exec(sessionCookie(long)?.attributes ?? '')?.[1] ?? '')
    assert.ok(Math.abs(expires - Date.now() - 7 * 86_400_000) < 60_000, sessionCookie(long)?.attributes)
  })

  describe('as time goes by', () => {
    test('a session ends 12 idle hours after its last use, not before', async () => {
      const agent = newBrowser()
      await web.signIn(agent, 'alice')
      clock.advance(11 * 3600)
      assert.ok((await web.silent(agent)).code, 'used within the idle time')
      clock.advance(11 * 3600)
      assert.ok((await web.silent(agent)).code, 'each use counts')
      clock.advance(12 * 3600 + 1)
      assert.equal((await web.silent(agent)).error, 'login_required')
    })

    test('a session ends 24 hours after it began, however much it is used', async () => {
      const agent = newBrowser()
      await web.signIn(agent, 'alice')
      for (const _ of [1, 2]) {
        clock.advance(10 * 3600)
        assert.ok((await web.silent(agent)).code)
      }
      clock.advance(4 * 3600 + 1)
      assert.equal((await web.silent(agent)).error, 'login_required')
    })

    test('a remembered session lasts 7 days and no longer', async () => {
      const agent = newBrowser()
      await signInByEmail(world.site, agent, { at: account(), email: 'finn@example.org', remember: true })
      clock.advance(6 * 86_400)
      assert.ok((await web.silent(agent)).code)
      clock.advance(86_400 + 1)
      assert.equal((await web.silent(agent)).error, 'login_required')
      const asked = await web.request()
      assert.equal(titleOf(await agent.open(asked.url)), 'Sign in')
    })
  })
})
