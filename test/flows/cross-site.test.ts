import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { leaveUpstream, newBrowser, type Party, party, signInAs, startWorld, type World } from '../support/flow.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

/** Every POST of the route table, and the Provider's own forms, met by a browser that is signed in (S13). */
describe('requests that change something', () => {
  let world: World
  let web: Party
  let agent: UserAgent
  let chooser: Page
  const at = (path: string) => new URL(path, world.site.issuer)
  before(async () => {
    world = await startWorld()
    web = await party(world.site)
    agent = newBrowser()
    await signInAs(agent, 'alice', at('/account'))
    leaveUpstream(agent)
    chooser = await agent.open((await web.request({ prompt: 'login' })).url)
  })
  after(() => world.close())

  /** The table's own pattern, with an open interaction and likely values in place of its parameters. */
  const filledIn = (path: string): string => {
    const uid = chooser.url.pathname.split('/')[2] ?? ''
    const values: Readonly<Record<string, string>> = { uid, instance: 'uni', client: 'third', handle: '00', id: 'x' }
    return path.replace(/:(\w+)/g, (_all, name: string) => values[name] ?? 'a'.repeat(43))
  }
  const routes = (method: string) => world.site.labgate.app.routes.list().filter((route) => route.method === method)
  const send = (path: string, init: { headers?: Record<string, string>; body?: string; method?: string } = {}) => {
    const url = at(path)
    return fetch(url, {
      method: init.method ?? 'POST',
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        cookie: agent.cookieHeader(url),
        'content-type': 'application/x-www-form-urlencoded',
        ...init.headers,
      },
      ...(init.method === 'GET' ? {} : { body: init.body ?? 'displayName=Mallory&decision=allow' }),
    })
  }
  const untouched = async () => {
    assert.ok((await web.silent(agent)).code, 'still signed in')
    const alice = await world.site.labgate.rooms.get('accounts').findByUsername('alice')
    assert.deepEqual([alice?.displayName, alice?.role], ['Alice Liddell', 'user'])
    const ways = await world.site.labgate.rooms.get('identities').list(alice?.id ?? '')
    assert.equal(ways.length, 1)
  }

  test('the table has the routes that this is about', () => {
    const paths = routes('POST').map(({ path }) => path)
    for (const path of [
      '/interaction/:uid/consent',
      '/account/sign-out',
      '/account/name',
      '/interaction/:uid/m/:instance',
    ])
      assert.ok(paths.includes(path), path)
  })

  test('a form of another site, or of a sibling host, is refused by every POST route', async () => {
    const origins = [
      { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' },
      { origin: 'http://notebooks.localhost:1', 'sec-fetch-site': 'same-site' },
      { origin: 'null', 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'cross-site' },
    ]
    for (const route of routes('POST').filter(({ csrf }) => csrf !== 'off'))
      for (const headers of origins) {
        const response = await send(filledIn(route.path), { headers })
        assert.equal(response.status, 403, `${route.path} ${JSON.stringify(headers)}`)
        assert.match(await response.text(), /ERR_CSRF/)
      }
    await untouched()
  })

  test('a form of our own without its token is refused, too', async () => {
    const own = { origin: world.site.issuer, 'sec-fetch-site': 'same-origin' }
    for (const route of routes('POST').filter(({ csrf }) => csrf !== 'off')) {
      const response = await send(filledIn(route.path), { headers: own })
      assert.ok([403, 400, 401, 404, 429].includes(response.status), `${route.path} ${response.status}`)
      if (typeof route.csrf === 'object') assert.equal(response.status, 403, route.path)
    }
    await untouched()
  })

  test("a token of one person's page is worth nothing in another's browser", async () => {
    const other = newBrowser()
    const page = await signInAs(other, 'bob', at('/account'))
    const token = page.forms.find(({ action }) => action === '/account/name')?.fields._csrf ?? ''
    assert.match(token, /^[\w-]{43}$/)
    const own = { origin: world.site.issuer, 'sec-fetch-site': 'same-origin' }
    const response = await send('/account/name', { headers: own, body: `_csrf=${token}&displayName=Mallory` })
    assert.equal(response.status, 403)
    await untouched()
  })

  test("a cross-site form does not sign out at the Provider's own address", async () => {
    const headers = { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }
    for (const path of ['/oidc/logout', '/oidc/logout/confirm'])
      assert.ok((await send(path, { headers, body: 'logout=yes&xsrf=x' })).status >= 400, path)
    await untouched()
  })

  test('nothing changes by GET: an address that only takes POST says so, and the others leave all as it was', async () => {
    const readable = new Set(routes('GET').map(({ path }) => path))
    for (const { path } of routes('POST').filter((route) => !readable.has(route.path))) {
      const response = await send(filledIn(path), { method: 'GET' })
      assert.ok([404, 405].includes(response.status), `${path} ${response.status}`)
    }
    for (const { path } of routes('GET')) {
      const response = await send(filledIn(path), { method: 'GET' })
      assert.ok(response.status < 500, `${path} ${response.status}`)
      await response.arrayBuffer()
    }
    await untouched()
  })

  test('a body above the cap is refused by every POST route and by the Provider', async () => {
    const own = { origin: world.site.issuer, 'sec-fetch-site': 'same-origin' }
    const body = `x=${'a'.repeat(70_000)}`
    // Behind these a guard asks first who it is: nobody else gets so far that a body is read.
    const guarded = (path: string) => path.startsWith('/console') || path.startsWith('/api/admin/')
    for (const route of routes('POST').filter(({ body: rule, path }) => rule !== undefined && !guarded(path))) {
      const { status } = await send(filledIn(route.path), { headers: own, body })
      assert.ok([413, 429].includes(status), `${route.path} ${status}`)
    }
    assert.equal((await send('/oidc/token', { body })).status, 413)
    await untouched()
  })

  test('a compressed body, a field sent twice and another media type are refused', async () => {
    const own = { origin: world.site.issuer, 'sec-fetch-site': 'same-origin' }
    const tries = [
      { status: 415, headers: { ...own, 'content-encoding': 'gzip' } },
      { status: 400, headers: own, body: 'displayName=a&displayName=b' },
      { status: 415, headers: { ...own, 'content-type': 'text/plain' } },
      { status: 415, headers: { ...own, 'content-type': 'application/json' }, body: '{"displayName":"Mallory"}' },
    ]
    for (const { status, ...one } of tries) assert.equal((await send('/account/name', one)).status, status)
    await untouched()
  })

  test('guessing is slowed down: the routes where secrets are typed have limits, and say how long to wait', async () => {
    const limited = routes('POST').filter(({ rate }) => rate !== undefined)
    for (const path of ['/account/first-admin', '/interaction/:uid/m/:instance/:state', '/sign-in/:instance/visit'])
      assert.ok(
        limited.some((route) => route.path === path),
        path,
      )
    const [strictest] = limited.toSorted((a, b) => (a.rate?.count ?? 0) - (b.rate?.count ?? 0))
    assert.ok(strictest?.rate)
    let last: Response | undefined
    for (let tries = 0; tries <= strictest.rate.count; tries++) last = await send(filledIn(strictest.path))
    assert.equal(last?.status, 429)
    assert.ok(Number(last?.headers.get('retry-after')) > 0)
    await untouched()
  })
})
