/** A service that knows nothing of Labgate, behind real nginx and Caddy as docs/gateway.md configures them. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { connect } from 'node:tls'
import { textOf } from '../support/flow.ts'
import type { Front } from '../support/front.ts'
import { type EchoService, plainFetch, type Seen, startEcho, startGatewayFront, twoPorts } from '../support/guarded.ts'
import { freePort, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { send } from '../support/outer-app.ts'
import { UserAgent } from '../support/user-agent.ts'

const house = { kind: 'system', name: 'test' } as const
const proxySecret = 'known to the proxy of this test alone'
const serviceKey = 'key-of-ada-at-the-service'
const person = (name: string) => `${name}@example.org`

const ledger = {
  groups: { staff: { title: 'Staff', members: [`email:${person('ada')}`] } },
  datasets: { fish: { title: 'Fish' }, open: { title: 'Open' } },
  grants: [
    { to: `name:email:${person('ada')}`, dataset: 'fish', level: 'edit', why: 'works on it' },
    { to: `name:email:${person('ben')}`, dataset: 'fish', level: 'view', why: 'looks at it' },
    { to: 'anyone', dataset: 'open', level: 'view', why: 'published' },
  ],
}

const rules = [
  { path: '/public/**', allow: 'public' },
  { path: '/admin/**', groups: ['staff'] },
  { path: '/data/:dataset/**', methods: ['GET', 'HEAD'], allow: 'public', dataset: ':dataset' },
  { path: '/data/:dataset/**', dataset: ':dataset', verb: 'edit' },
  { path: '/closed/**', allow: 'nobody' },
  { path: '/**' },
]

for (const kind of ['nginx', 'caddy'] as const) {
  describe(`a service behind ${kind} and Labgate`, { skip: needs(kind, 'openssl') }, () => {
    let site: TestLabgate
    let echo: EchoService
    let front: Front
    let fetchPlainly: typeof fetch
    let ports: { labgate: number; issuer: number; service: number }
    let origin: string
    const clock = { shift: 0, now: () => new Date(Date.now() + clock.shift) }
    const room = () => site.labgate.rooms.get
    const part = (key: object) => ({
      ...ledger,
      issuer: `https://localhost:${ports.issuer}`,
      proxies: ['127.0.0.1'],
      plugins: {
        email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } },
        maps: {
          use: '@labgate/authz-gateway',
          host: `127.0.0.1:${ports.service}`,
          prefix: '/.labgate',
          config: { title: 'Maps', rules, ...key },
        },
        // Of the same Labgate, and open to everybody.
        wiki: {
          use: '@labgate/authz-gateway',
          host: 'wiki.lab.example',
          prefix: '/.labgate',
          config: { rules: [{ path: '/**', allow: 'public' }], ...key },
        },
      },
    })

    before(async () => {
      const [issuer, service] = await twoPorts()
      ports = { labgate: await freePort(), issuer, service }
      origin = `https://127.0.0.1:${service}`
      echo = await startEcho()
      site = await startLabgate(part({ proxySecret }), { port: ports.labgate, replaced: { clock } })
      await startFront({ keys: false })
    })
    async function startFront({ keys }: { keys: boolean }): Promise<void> {
      front = await startGatewayFront({
        ...{ kind, keys, proxySecret, labgatePort: ports.labgate, echoPort: echo.port },
        ...{ issuerPort: ports.issuer, servicePort: ports.service },
      })
      fetchPlainly = plainFetch(front.ca ?? assert.fail('no certificate'))
    }
    after(async () => {
      await front?.close()
      await site?.stop()
      await echo?.close()
    })
    beforeEach(() => {
      clock.shift = 0
    })

    const newBrowser = () =>
      new UserAgent({ fetch: (...how) => fetchPlainly(...how), headers: { 'sec-fetch-mode': 'navigate' } })
    async function signedIn(name: string): Promise<UserAgent> {
      const agent = newBrowser()
      const page = await signInByEmail(site, agent, { at: `${origin}/first?a=1&b=%20`, email: person(name) })
      assert.equal(page.url.href, `${origin}/first?a=1&b=%20`, textOf(page))
      return agent
    }
    const cookieOf = (agent: UserAgent) => ({ cookie: agent.cookieHeader(new URL(origin)) })
    const ask = (path: string, init: RequestInit = {}) => fetchPlainly(origin + path, init)
    async function seen(path: string, init: RequestInit = {}): Promise<Seen> {
      const reply = await ask(path, init)
      const text = await reply.text()
      assert.equal(reply.headers.get('x-service'), 'echo', `${path}: ${reply.status} ${text}`)
      return JSON.parse(text) as Seen
    }
    /** The answer of whoever did not let it through. */
    async function refused(path: string, init: RequestInit = {}) {
      const count = echo.seen.length
      const reply = await ask(path, init)
      assert.equal(echo.seen.length, count, `${path} reached the service`)
      return { status: reply.status, location: reply.headers.get('location'), text: await reply.text() }
    }
    const idOf = async (name: string) =>
      (await room()('accounts').findByVerifiedEmail(person(name)))?.id ?? assert.fail(name)

    test('a person signs in on the way, comes back to where they went, and the service knows who it is', async () => {
      const agent = await signedIn('ada')
      const { headers, url } = await seen('/x?y=1', { headers: cookieOf(agent) })
      const account = await room()('accounts').find(await idOf('ada'))
      assert.equal(url, '/x?y=1')
      assert.equal(headers['x-labgate-user'], account?.id)
      assert.equal(headers['x-labgate-username'], account?.username)
      assert.equal(headers['x-labgate-email'], person('ada'))
      assert.equal(headers['x-labgate-groups'], 'staff')
      assert.equal(headers['x-labgate-kind'], 'person')
    })

    test('nothing of Labgate reaches the service, and the rest of the cookies does', async () => {
      const { cookie } = cookieOf(await signedIn('ada'))
      assert.match(cookie, /labgate_session=/)
      const { headers, names } = await seen('/x', { headers: { cookie: `a=1; ${cookie}; b="2"`, 'x-test': 'kept' } })
      assert.equal(headers.cookie, 'a=1; b="2"')
      assert.equal(headers['x-test'], 'kept')
      assert.ok(!JSON.stringify(headers).includes(proxySecret))
      for (const inner of ['x-labgate-proxy', 'x-labgate-cookie', 'x-original-uri']) assert.ok(!names.includes(inner))
      const bare = await seen('/x', { headers: { cookie } })
      assert.equal(bare.headers.cookie ?? '', '')
    })

    test('identity headers from outside are gone, in every spelling', async () => {
      const { cookie } = cookieOf(await signedIn('ada'))
      const forged = {
        'X-Labgate-User': 'evil',
        X_Labgate_User: 'evil',
        'X-Labgate_User': 'evil',
        'x-labgate-email': 'evil',
        'X-Labgate-Groups': 'evil',
        'X-Labgate-Cookie': 'evil',
        'X-Labgate-Authorization': 'evil',
        'X-Labgate-Name': 'evil',
        'DATALAB-API-KEY': 'evil',
        DATALAB_API_KEY: 'evil',
        'X-Original-URI': '/public/evil',
        'X-Original-Method': 'EVIL',
        'X-Forwarded-Uri': '/public/evil',
        'X-Forwarded-Method': 'EVIL',
      }
      const known = await seen('/x', { headers: { ...forged, cookie } })
      assert.equal(known.headers['x-labgate-user'], await idOf('ada'))
      const identity = known.names.filter((name) => /labgate|datalab/i.test(name))
      for (const name of identity) assert.ok(!String(known.headers[name.toLowerCase()]).includes('evil'), name)
      const nobody = await seen('/public/x', { headers: forged })
      for (const name of nobody.names.filter((one) => /labgate|datalab/i.test(one)))
        assert.equal(nobody.headers[name.toLowerCase()], '', name)
      assert.equal((await refused('/x', { headers: forged })).status, 401)
    })

    test('browsers are sent to sign in, programs are told, and nobody gets through', async () => {
      const way = await refused('/x?y=1&z=2', { headers: { accept: 'text/html' } })
      assert.equal(way.status, 303)
      assert.equal(way.location, `${origin}/.labgate/enter?back=${encodeURIComponent('/x?y=1&z=2')}`)
      const program = await refused('/x', { headers: { accept: 'application/json' } })
      assert.equal(program.status, 401)
      assert.equal(JSON.parse(program.text).error, 'ERR_UNAUTHENTICATED')
      for (const init of [
        { method: 'POST', body: 'a=1', headers: { accept: 'text/html' } },
        { headers: { accept: 'text/html', 'sec-fetch-mode': 'cors' } },
        { method: 'OPTIONS' },
        { method: 'DELETE' },
      ])
        assert.equal((await refused('/x', init)).status, 401)
      assert.equal((await refused('/x', { method: 'HEAD', headers: { accept: 'text/html' } })).status, 303)
    })

    test('rules by group and dataset hold, by method, and a refusal has a code that is explained', async () => {
      const [ada, ben] = [cookieOf(await signedIn('ada')), cookieOf(await signedIn('ben'))]
      const status = async (path: string, init: RequestInit) => (await ask(path, init)).status
      const post = (headers: Record<string, string>) => ({ method: 'POST', body: 'x', headers })
      assert.equal(await status('/admin/x', { headers: ada }), 200)
      assert.equal(await status('/admin/x', { headers: ben }), 403)
      assert.equal(await status('/data/fish/x', { headers: ben }), 200)
      assert.equal(await status('/data/fish/x', post(ben)), 403)
      assert.equal(await status('/data/fish/x', post(ada)), 200)
      assert.equal(await status('/data/fish/x', {}), 401)
      assert.equal(await status('/data/open/x', {}), 200)
      assert.equal(await status('/data/open/x', post(ada)), 403)
      assert.equal(await status('/data/none/x', { headers: ada }), 403)
      assert.equal(await status('/closed/x', { headers: ada }), 403)
      const page = await refused('/data/open/x', { ...post({ ...ada, accept: 'text/html' }) })
      assert.equal(page.status, 403)
      assert.match(page.text, /“open”.*“edit” is needed/)
      assert.match(page.text, /\/account\/access/)
      const code = /Code[^:]*: ([\w-]+)/.exec(page.text)?.[1] ?? assert.fail(page.text)
      const events = await room()('storage').audit.list({ requestId: code, limit: 5 })
      assert.deepEqual(
        events.map(({ type, detail }) => [type, detail]),
        [['access.refused', { service: 'maps', dataset: 'open', verb: 'edit' }]],
      )
    })

    test('the answers of the service are its own', async () => {
      const ada = cookieOf(await signedIn('ada'))
      for (const [path, status] of [
        ['/wrong', 401],
        ['/forbidden', 403],
      ] as const) {
        const reply = await ask(path, { headers: ada })
        assert.equal(reply.status, status)
        assert.equal(reply.headers.get('x-service'), 'echo')
      }
    })

    test('paths that are read in more than one way do not get through', async () => {
      const ben = cookieOf(await signedIn('ben'))
      const traps = [
        '/public/%2e%2e%2fadmin/x',
        '/public/..%2fadmin',
        '/public/..;/admin',
        '/Admin/x',
        '/admin;x',
        '/a%00',
      ]
      // RFC 9112 §3.2.2: a request line may name a host, and be about its path all the same.
      for (const path of [
        ...traps,
        `${origin}/admin/x`,
        '/public//../admin',
        '/%2e%2e/admin/x',
        '/public/..\\admin',
        '//admin/x',
      ]) {
        // As it stands: `fetch` would tidy it up.
        const { status } = await raw(path, ben)
        assert.ok(status >= 400 && status < 500, `${path}: ${status}`)
        assert.ok(!echo.seen.some(({ url }) => url === path), path)
      }
      // Another host is another site to Caddy, which has nothing there.
      const count = echo.seen.length
      await raw('http://evil.example/admin/x', ben)
      assert.equal(echo.seen.length, count)
      for (const headers of [{ 'x-http-method-override': 'DELETE' }, { 'x-http-method': 'PUT' }])
        assert.notEqual((await ask('/data/fish/x', { headers: { ...ben, ...headers } })).status, 200)
      assert.notEqual((await ask('/data/fish/x?_method=PUT', { headers: ben })).status, 200)
    })

    test('is judged by its own rules, whatever host a request names', async () => {
      const count = echo.seen.length
      for (const target of ['/x', `${origin}/x`]) {
        const { text } = await raw(target, { host: 'wiki.lab.example' })
        assert.equal(echo.seen.length, count, `${target}: ${text}`)
      }
    })

    test('no other way to tell a path reaches the service', async () => {
      const told = {
        ...{ 'X-Original-URL': '/admin/x', X_Original_URL: '/admin/x', 'X-Rewrite-URL': '/public/y' },
        ...{ 'X-Forwarded-Prefix': '/public', 'X-Forwarded_Prefix': '/public', X_Forwarded_Prefix: '/public' },
        ...{ 'X-Forwarded-Host': 'evil', Forwarded: 'host=evil', 'X-Real-IP': '192.0.2.1' },
      }
      const { names, headers } = await seen('/public/admin/x', { headers: told })
      assert.doesNotMatch(names.join(), /original|prefix|rewrite/i)
      assert.doesNotMatch(JSON.stringify(headers), /evil|192\.0\.2\.1/)
      assert.equal((await refused('/public/admin/x', { headers: { 'X-Script-Name': '/public' } })).status, 400)
    })

    test('a token of the scope gets in, and stays with Labgate; others do not', async () => {
      await signedIn('ada')
      const make = async (scopes: readonly string[]) =>
        (await room()('tokens').create(house, { account: await idOf('ada'), name: 'script', scopes })).value
      const [good, other] = [await make(['gateway']), await make(['admin'])]
      const { headers } = await seen('/x', { headers: { authorization: `Bearer ${good}` } })
      assert.equal(headers['x-labgate-user'], await idOf('ada'))
      assert.equal(headers.authorization ?? '', '')
      assert.ok(!JSON.stringify(echo.seen).includes(good))
      assert.equal((await refused('/x', { headers: { authorization: `Bearer ${other}` } })).status, 403)
      assert.equal((await refused('/x', { headers: { authorization: 'Bearer lgp_nothing' } })).status, 401)
      const basic = await seen('/public/x', { headers: { authorization: 'Basic YTpi' } })
      assert.equal(basic.headers.authorization, 'Basic YTpi')
    })

    test('the end of a session, of a grant and of an account counts at the next request', async () => {
      const agent = await signedIn('cleo')
      const cleo = cookieOf(agent)
      const account = await idOf('cleo')
      const grant = await room()('ledger').grants.add(house, {
        subject: { kind: 'account', account },
        dataset: 'fish',
        level: 'view',
      })
      assert.equal((await ask('/data/fish/x', { headers: cleo })).status, 200)
      await room()('ledger').grants.end(house, grant.id)
      assert.equal((await ask('/data/fish/x', { headers: cleo })).status, 403)
      assert.equal((await ask('/x', { headers: cleo })).status, 200)
      await room()('accounts').setState(account, 'deactivated')
      assert.equal((await refused('/x', { headers: cleo })).status, 401)
      await room()('accounts').setState(account, 'active')
      const again = cookieOf(await signedIn('cleo'))
      assert.equal((await ask('/x', { headers: again })).status, 200)
      await room()('sessions').endAll(account)
      assert.equal((await refused('/x', { headers: again })).status, 401)
    })

    test('a WebSocket passes for who may, and not for a page of another site or for nobody', async () => {
      const { cookie } = cookieOf(await signedIn('ada'))
      assert.match(await webSocket({ cookie, origin }), /^HTTP\/1\.1 101 [\s\S]*hello[\s\S]*ping$/)
      assert.equal(echo.seen.at(-1)?.headers['x-labgate-user'], await idOf('ada'))
      assert.doesNotMatch(String(echo.seen.at(-1)?.headers.cookie), /labgate/)
      const count = echo.seen.length
      assert.match(await webSocket({ cookie, origin: 'https://evil.example' }), /^HTTP\/1\.1 403 /)
      assert.match(await webSocket({ origin }), /^HTTP\/1\.1 401 /)
      assert.equal(echo.seen.length, count)
    })

    test('no connection is handed over but to a WebSocket: what follows would pass by unasked', async () => {
      const count = echo.seen.length
      for (const connection of ['Upgrade', 'Upgrade, HTTP2-Settings'])
        for (const upgrade of ['h2c', 'h2c, websocket', 'h2c\r\nUpgrade: websocket', 'websocket\r\nUpgrade: h2c'])
          for (const settings of [{}, { 'http2-settings': 'AAMAAABkAAQAAP__' }])
            await onWire('/public/x', { connection, upgrade, ...settings }, 'ping')
      for (const { headers } of echo.seen.slice(count)) {
        assert.match(headers.upgrade ?? 'websocket', /^websocket$/)
        assert.equal(headers['http2-settings'], undefined)
      }
    })

    test('no header that a request names in `Connection` is lost on the way', async () => {
      const { cookie } = cookieOf(await signedIn('ada'))
      const lost = 'X-Labgate-User, X-Labgate-Groups, X-Labgate-Cookie, X-Labgate-Proxy, X-Forwarded-Uri, Cookie'
      for (const [connection, more] of [
        [`close, ${lost}`, {}],
        [`Upgrade, ${lost}`, { upgrade: 'websocket', 'sec-websocket-version': '13', origin }],
      ] as const) {
        await onWire('/x', { cookie: `a=1; ${cookie}`, connection, ...more }, 'ping')
        const { headers } = echo.seen.at(-1) ?? assert.fail('nothing came')
        assert.equal(headers['x-labgate-user'], await idOf('ada'))
        assert.equal(headers['x-labgate-groups'], 'staff')
        assert.equal(headers.cookie, 'a=1')
      }
    })

    test('a page of another site changes nothing in the name of a visitor', async () => {
      const ada = cookieOf(await signedIn('ada'))
      const post = (headers: Record<string, string>) => ({ method: 'POST', body: 'x', headers: { ...ada, ...headers } })
      assert.equal((await refused('/x', post({ origin: 'https://notebooks.lab.example' }))).status, 403)
      assert.equal((await refused('/x', post({ 'sec-fetch-site': 'same-site' }))).status, 403)
      assert.equal((await ask('/x', post({ origin, 'sec-fetch-site': 'same-origin' }))).status, 200)
    })

    test('a large upload goes to the service alone', async () => {
      const ada = cookieOf(await signedIn('ada'))
      const body = new Uint8Array(3 * 1024 * 1024)
      const { bytes } = await seen('/upload', { method: 'POST', body, headers: ada })
      assert.equal(bytes, body.length)
      assert.equal((await refused('/upload', { method: 'POST', body })).status, 401)
    })

    test('the questions of the proxy are for the proxy', async () => {
      const ada = cookieOf(await signedIn('ada'))
      for (const path of ['check', 'status', 'refused', '%63heck', './status'])
        assert.equal((await raw(`/.labgate/${path}`, ada)).status, 404, path)
      // Past the proxy: from its address without its secret, and from elsewhere with it.
      const host = `127.0.0.1:${ports.service}`
      const told = {
        ...{ host, 'x-forwarded-proto': 'https', ...ada },
        ...{ 'x-forwarded-uri': '/x', 'x-forwarded-method': 'GET', 'x-original-uri': '/x', 'x-original-method': 'GET' },
      }
      for (const path of ['/.labgate/check', '/.labgate/status', '/.labgate/refused']) {
        const without = await send(ports.labgate, { path, headers: told })
        assert.equal(without.status, 400)
        assert.equal(without.headers['x-labgate-user'], undefined)
        const wrong = await send(ports.labgate, { path, headers: { ...told, 'x-labgate-proxy': 'wrong' } })
        assert.equal(wrong.status, 400)
        const from = { headers: { ...told, 'x-labgate-proxy': proxySecret }, from: '127.0.0.9' }
        assert.equal((await send(ports.labgate, { path, ...from })).status, 421)
      }
    })

    test('terms of the service come before it, and are asked once', async () => {
      const agent = await signedIn('dan')
      const { terms } = room()('ledger')
      await terms.add(house, { id: 'maps-terms', title: 'Rules of Maps', markdown: '# Be kind', services: ['maps'] })
      assert.equal((await refused('/x', { headers: cookieOf(agent) })).status, 403)
      const page = await agent.open(`${origin}/x?y=1`)
      assert.match(textOf(page), /Be kind/)
      const back = await agent.press(page, /accept/i)
      assert.equal(back.url.href, `${origin}/x?y=1`, textOf(back))
      assert.equal(back.headers.get('x-service'), 'echo')
      await terms.retire(house, 'maps-terms')
    })

    describe('with a key of each person', () => {
      before(async () => {
        const folder = site.folder
        await site.labgate.stop()
        const config = { proxySecret, key: { header: 'DATALAB-API-KEY', help: 'On your page at the service.' } }
        site = await startLabgate(part(config), { port: ports.labgate, folder, replaced: { clock } })
        await front.close()
        await startFront({ keys: true })
      })

      test('a person enters it once, and it goes out with each request that is allowed', async () => {
        const agent = newBrowser()
        const page = await signInByEmail(site, agent, { at: `${origin}/x?y=1`, email: person('ada') })
        assert.equal(page.url.pathname, '/.labgate/key', textOf(page))
        assert.match(textOf(page), /On your page at the service\./)
        const wrong = await agent.submit(page, page.forms[0], { key: 'with space' })
        assert.equal(wrong.status, 400)
        const done = await agent.submit(page, page.forms[0], { key: serviceKey })
        assert.equal(done.url.href, `${origin}/x?y=1`, textOf(done))
        const { headers } = await seen('/x', { headers: { ...cookieOf(agent), 'datalab-api-key': 'evil' } })
        assert.equal(headers['datalab-api-key'], serviceKey)
        assert.equal((await ask('/closed/x', { headers: cookieOf(agent) })).headers.get('datalab-api-key'), null)
        const again = await agent.open(`${origin}/.labgate/key`)
        assert.match(textOf(again), /You entered a key/)
        assert.ok(!again.text.includes(serviceKey))
      })

      test('it is nobody else’s, lies in no file, and is gone when it is removed', async () => {
        const [agent, other] = [newBrowser(), newBrowser()]
        await signInByEmail(site, agent, { at: `${origin}/.labgate/key`, email: person('ada') })
        await signInByEmail(site, other, { at: `${origin}/.labgate/key`, email: person('ben') })
        assert.equal((await refused('/x', { headers: cookieOf(other) })).status, 403)
        assert.equal((await seen('/public/x', { headers: cookieOf(other) })).headers['datalab-api-key'] ?? '', '')
        for (const file of ['labgate.log', 'labgate.db', 'labgate.db-wal'])
          assert.ok(!(await readFile(join(site.folder, file)).catch(() => Buffer.alloc(0))).includes(serviceKey), file)
        const foreign = {
          method: 'POST',
          body: 'key=evil',
          headers: { ...cookieOf(agent), origin: 'https://evil.example' },
        }
        assert.ok((await ask('/.labgate/key', foreign)).status >= 400)
        assert.equal((await seen('/x', { headers: cookieOf(agent) })).headers['datalab-api-key'], serviceKey)
        const page = await agent.open(`${origin}/.labgate/key`)
        await agent.press(page, 'Remove the key')
        assert.equal((await refused('/x', { headers: { ...cookieOf(agent), accept: 'text/html' } })).status, 303)
      })

      test('a program keeps one with its token, and its owner’s data are told and erased', async () => {
        const account = await room()('serviceAccounts').create(house, { username: 'robot', displayName: 'Robot' })
        const { value } = await room()('tokens').create(house, { account: account.id, name: 'x', scopes: ['gateway'] })
        const headers = { authorization: `Bearer ${value}` }
        const missing = await refused('/x', { headers })
        assert.equal(missing.status, 403)
        assert.match(missing.text, /\/\.labgate\/key/)
        const keep = (body: string) => ask('/.labgate/key', { method: 'POST', body, headers })
        for (const body of [
          '',
          'null',
          '{}',
          '{"key":"a b"}',
          '{"key":"a\\r\\nX: y"}',
          `{"key":"${'x'.repeat(1025)}"}`,
        ])
          assert.equal((await keep(body)).status, 400, body)
        assert.equal((await keep('{"key":"of-the-robot"}')).status, 204)
        const { headers: got } = await seen('/x', { headers })
        assert.equal(got['datalab-api-key'], 'of-the-robot')
        assert.equal(got['x-labgate-kind'], 'service')
        const { adapter } = site.labgate.registry.authz()[0] ?? assert.fail()
        const told: unknown[] = []
        for await (const one of adapter.export?.(account.id) ?? []) told.push(one)
        assert.deepEqual(Object.keys(told[0] ?? {}), ['key', 'since', 'until'])
        assert.ok(!JSON.stringify(told).includes('of-the-robot'))
        await adapter.erase?.(account.id)
        assert.equal((await refused('/x', { headers })).status, 403)
      })
    })

    test('is closed while Labgate is down', async () => {
      const ada = cookieOf(await (async () => newBrowser())())
      await site.labgate.stop()
      for (const path of ['/x', '/public/x']) {
        const { status } = await refused(path, { headers: ada })
        assert.ok(status >= 500, `${path}: ${status}`)
      }
    })

    /** Sends a path as it stands. */
    async function raw(path: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
      const text = await onWire(path, { connection: 'close', ...headers })
      return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), text }
    }

    function webSocket(headers: Record<string, string>): Promise<string> {
      const upgrade = { upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-version': '13' }
      return onWire('/socket', { ...upgrade, 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', ...headers }, 'ping')
    }

    /** What comes back on a connection of its own until it is closed; `then` is said after the first answer. */
    function onWire(path: string, headers: Record<string, string>, then?: string): Promise<string> {
      return new Promise((done, fail) => {
        const socket = connect({ port: ports.service, host: '127.0.0.1', ca: front.ca })
        let text = ''
        socket.setEncoding('utf8')
        socket.on('error', fail)
        socket.on('close', () => done(text))
        socket.on('data', (chunk: string) => {
          text += chunk
          if (then !== undefined && text.endsWith('hello')) socket.write(then)
          else if (then !== undefined && !text.startsWith('HTTP/1.1 101')) socket.end()
        })
        const lines = Object.entries({ host: `127.0.0.1:${ports.service}`, ...headers }).map(
          ([name, value]) => `${name}: ${value}`,
        )
        socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
      })
    }
  })
}
