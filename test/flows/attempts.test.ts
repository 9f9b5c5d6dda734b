import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  atUpstream,
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
import { callback, signInByEmail, testClients } from '../support/labgate.ts'
import { type Page, UserAgent } from '../support/user-agent.ts'

/** A page that says what went wrong, what to do, and where to start over; never a mistake of ours. */
function assertHelps(page: Page, expected: { status: number; title: RegExp; restart?: string }): void {
  assert.equal(page.status, expected.status, textOf(page))
  assert.match(titleOf(page), expected.title)
  const restart = /<a class="button primary" href="([^"]+)"/.exec(page.text)?.[1]
  assert.equal(restart, expected.restart ?? '/')
  assert.match(textOf(page), /Reference/)
}

describe('an attempt to sign in', () => {
  const clock = movableClock()
  let world: World
  let web: Party
  before(async () => {
    world = await startWorld({
      ids: ['second'],
      part: (issuer) => ({
        plugins: {
          uni: atUpstream(issuer),
          second: atUpstream(issuer, { config: { label: 'Second' } }),
          email: { use: '@labgate/auth-email' },
        },
        clients: { ...testClients, home: { ...testClients.web, homepage: 'http://127.0.0.1:9/start' } },
      }),
      options: { replaced: { clock } },
    })
    web = await party(world.site)
  })
  after(() => world.close())

  /** Walks to the upstream's callback without opening it. */
  const toCallback = async (agent: UserAgent, login = 'alice', button = 'University') => {
    const asked = await web.request()
    const chooser = await agent.open(asked.url)
    const step = await agent.submit(
      chooser,
      chooser.forms[0],
      {},
      `${chooser.url.pathname}/m/${button === 'University' ? 'uni' : 'second'}`,
    )
    const page = await agent.press(step, new RegExp(`^${login}$`))
    return { asked, chooser, page }
  }
  /** A browser that stops before the callback. */
  const stopping = () => new UserAgent({ stopAt: [callback, `${world.site.issuer}/sign-in/`] })

  test('two tabs at once both finish, each with its own request', async () => {
    const agent = newBrowser()
    const [one, two] = [await web.request(), await web.request()]
    const [first, second] = [await agent.open(one.url), await agent.open(two.url)]
    const done = await signInAs(agent, 'alice', first)
    const also = await signInAs(agent, 'alice', second)
    assert.ok((await one.redeem(done.url)).access_token)
    assert.ok((await two.redeem(also.url)).access_token)
    assert.ok((await web.silent(agent)).code)
  })

  test('two tabs with two people end in one of them being signed in, not in a mix', async () => {
    const agent = newBrowser()
    const [one, two] = [await web.request(), await web.request()]
    const [first, second] = [await agent.open(one.url), await agent.open(two.url)]
    const alice = (await one.redeem((await signInAs(agent, 'alice', first)).url)).claims()
    leaveUpstream(agent)
    let page = await signInAs(agent, 'bob', second)
    if (page.status === 200) page = await agent.submit(page, page.forms[0])
    const bob = (await two.redeem(page.url)).claims()
    assert.notEqual(alice?.sub, bob?.sub)
    const asked = await web.request({ prompt: 'none' })
    const { url } = await agent.open(asked.url)
    assert.equal((await asked.redeem(url)).claims()?.sub, bob?.sub)
  })

  test('the back button leads to an old form that says that it is over', async () => {
    const agent = newBrowser()
    const asked = await web.request()
    const chooser = await agent.open(asked.url)
    await signInAs(agent, 'alice', chooser)
    const page = await agent.press(chooser, 'University')
    assertHelps(page, { status: 400, title: /^This sign-in (took too long|is over)$/ })
  })

  test('an old form of a client with a home page leads back there', async () => {
    const agent = newBrowser()
    const home = await party(world.site, { id: 'home', secret: testClients.web.secret })
    const asked = await home.request()
    const chooser = await agent.open(asked.url)
    agent.forget('labgate_interaction')
    assertHelps(await agent.open(chooser.url), {
      status: 400,
      title: /^This sign-in took too long$/,
      restart: 'http://127.0.0.1:9/start',
    })
  })

  test('an attempt that took longer than ten minutes is over', async () => {
    const agent = stopping()
    const { page } = await toCallback(agent)
    clock.advance(601)
    assertHelps(await newBrowserWith(agent).open(page.url), { status: 400, title: /^This sign-in took too long$/ })
  })

  test('without cookies the page says so', async () => {
    const agent = newBrowser()
    const chooser = await agent.open((await web.request()).url)
    agent.forgetAll()
    const page = await agent.open(chooser.url)
    assertHelps(page, { status: 400, title: /^This sign-in took too long$/ })
    assert.match(textOf(page), /Allow cookies/)
    agent.forgetAll()
    const posted = await agent.press(chooser, 'University')
    assertHelps(posted, { status: 400, title: /^This sign-in took too long$/ })
  })

  test('a callback that is replayed is refused (S4)', async () => {
    const agent = stopping()
    const { page } = await toCallback(agent)
    const same = newBrowserWith(agent)
    assert.equal((await same.open(page.url)).url.origin, new URL(callback).origin)
    assertHelps(await same.open(page.url), { status: 400, title: /^This sign-in (took too long|is over)$/ })
  })

  test('two callbacks at once: one goes on, the other is refused', async () => {
    const agent = stopping()
    const { page } = await toCallback(agent)
    const cookie = agent.cookieHeader(page.url)
    const answers = await Promise.all(
      [1, 2, 3].map(() => fetch(page.url, { redirect: 'manual', headers: { cookie, accept: 'text/html' } })),
    )
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [303, 400, 400])
  })

  test('a callback opened in another browser is refused, and still good in its own (S6)', async () => {
    const agent = stopping()
    const { page, asked } = await toCallback(agent)
    const stranger = newBrowser()
    assertHelps(await stranger.open(page.url), { status: 400, title: /^This belongs to another browser$/ })
    await stranger.open((await web.request()).url)
    assertHelps(await stranger.open(page.url), { status: 400, title: /^This belongs to another browser$/ })
    const own = await newBrowserWith(agent).open(page.url)
    assert.ok((await asked.redeem(own.url)).access_token)
  })

  test('the bounce after a callback is worth nothing in another browser (login CSRF, S12)', async () => {
    const agent = new UserAgent({ stopAt: [callback, `${world.site.issuer}/interaction/none`] })
    const asked = await web.request()
    const chooser = await agent.open(asked.url)
    const halted = stopping()
    for (const cookie of agent.cookies) halted.adopt(cookie)
    const step = await halted.submit(chooser, chooser.forms[0], {}, `${chooser.url.pathname}/m/uni`)
    const back = await halted.press(step, /^alice$/)
    const cookie = halted.cookieHeader(back.url)
    const response = await fetch(back.url, { redirect: 'manual', headers: { cookie, accept: 'text/html' } })
    const bounce = new URL(response.headers.get('location') ?? '', back.url)
    assert.match(bounce.pathname, /^\/interaction\/[^/]+\/continue$/)
    const victim = newBrowser()
    assertHelps(await victim.open(bounce), { status: 400, title: /^This sign-in took too long$/ })
    const started = await victim.open((await web.request()).url)
    const other = new URL(`${started.url.pathname}/continue${bounce.search}`, bounce)
    assertHelps(await victim.open(other), { status: 400, title: /^This belongs to another browser$/ })
    assert.equal((await web.silent(victim)).error, 'login_required')
  })

  test("the state of one instance is refused at another's callback (S5)", async () => {
    const agent = stopping()
    const { page } = await toCallback(agent)
    const crossed = new URL(page.url.href.replace('/sign-in/uni/', '/sign-in/second/'))
    assertHelps(await newBrowserWith(agent).open(crossed), { status: 400, title: /^This sign-in took too long$/ })
  })

  test('an unknown, empty or missing state is refused', async () => {
    for (const query of [
      '?state=nonsense&code=x',
      `?state=${'a'.repeat(43)}&code=x`,
      '?state=',
      '',
      '?state=a&state=b',
    ])
      assertHelps(await newBrowser().open(`${world.site.issuer}/sign-in/uni/callback${query}`), {
        status: 400,
        title: /^This sign-in took too long$/,
      })
  })

  test('odd addresses and empty forms at each step are refusals, never a 500 (S10)', async () => {
    const agent = newBrowser()
    const chooser = await agent.open((await web.request()).url)
    const base = chooser.url.pathname
    const [form] = chooser.forms
    const tries = await Promise.all([
      agent.submit(chooser, form, {}, `${base}/m/nobody`),
      agent.submit(chooser, form, {}, `${base}/new`),
      agent.submit(chooser, form, {}, `${base}/consent`),
      agent.submit(chooser, form, {}, `${base}/continue-as`),
      agent.submit(chooser, form, {}, `${base}/m/email/nothing`),
      agent.open(new URL(`${base}/continue`, chooser.url)),
      agent.open(new URL(`${base}/continue?o=${'a'.repeat(43)}`, chooser.url)),
      agent.open(new URL(`${base}/m/email/${'a'.repeat(43)}`, chooser.url)),
      agent.open(new URL('/interaction/unknown', chooser.url)),
      agent.open(new URL('/sign-in/nobody/callback?state=a', chooser.url)),
      agent.open(new URL('/sign-in/email/visit', chooser.url)),
      agent.open(new URL('/sign-in/uni/visit', chooser.url)),
    ])
    for (const page of tries) {
      assert.ok(page.status < 500 || page.status === 503, `${page.url}: ${page.status} ${textOf(page)}`)
      assert.notEqual(titleOf(page), '', String(page.url))
    }
  })

  test('cancelling tells the relying party access_denied', async () => {
    const agent = newBrowser()
    const chooser = await agent.open((await web.request()).url)
    const page = await agent.press(chooser, 'Back to Test application')
    assert.equal(page.url.searchParams.get('error'), 'access_denied')
  })

  test('an upstream that says no leads back to the chooser with a note, once', async () => {
    const agent = newBrowser()
    const asked = await web.request()
    const page = await signInAs(agent, 'deny', asked.url)
    assert.equal(titleOf(page), 'Sign in')
    assert.match(textOf(page), /You did not sign in: University told us that the request was turned down/)
    assert.doesNotMatch(textOf(await agent.open(page.url)), /turned down/)
    const done = await signInAs(agent, 'alice', page)
    assert.ok((await asked.redeem(done.url)).access_token)
  })

  test('an upstream that breaks in the middle leads back with a reference, and other ways remain', async () => {
    const agent = newBrowser()
    const asked = await web.request()
    world.faults.fail = { token: '500' }
    const page = await signInAs(agent, 'alice', asked.url)
    world.faults.fail = {}
    assert.equal(titleOf(page), 'Sign in')
    const reference = /Reference: ([\w-]{16})/.exec(textOf(page))?.[1]
    assert.ok(reference, textOf(page))
    assert.ok(hasButton(page, 'Second'))
    const done = await signInByEmail(world.site, agent, { at: page.url, email: 'gus@example.org' })
    assert.ok((await asked.redeem(done.url)).access_token)
  })

  test('an upstream that is down: the chooser says so, e-mail, sessions and refresh go on', async () => {
    const down = await startWorld()
    try {
      const rp = await party(down.site)
      const before = newBrowser()
      const kept = await rp.signIn(before, 'alice')
      await down.upstream.close()
      const stranger = newBrowser()
      const again = await down.restart({})
      const asked = await rp.request()
      const chooser = await stranger.open(asked.url)
      const note = hasButton(chooser, 'University') ? await stranger.press(chooser, 'University') : chooser
      assert.ok(!hasButton(note, 'University'), 'its button is gone for a while')
      assert.equal(titleOf(note), 'Sign in')
      assert.match(textOf(note), /University does not answer at the moment/)
      assert.ok((await rp.silent(before)).code, 'sessions go on')
      assert.equal((await rp.userinfo(kept.access_token)).status, 200)
      const refreshed = await rp.token({ grant_type: 'refresh_token', refresh_token: kept.refresh_token ?? '' })
      assert.equal(refreshed.status, 200, JSON.stringify(refreshed.body))
      const done = await signInByEmail(again.site, stranger, { at: note.url, email: 'hal@example.org' })
      assert.ok((await asked.redeem(done.url)).access_token)
      await again.site.stop()
    } finally {
      await down.site.labgate.stop()
    }
  })
})

/** Another browser with the same cookies, that does not stop at ours. */
function newBrowserWith(agent: UserAgent): UserAgent {
  const copy = newBrowser()
  for (const cookie of agent.cookies) copy.adopt(cookie)
  return copy
}
