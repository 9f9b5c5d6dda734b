/** What a reverse proxy is answered, asked as each of the three asks: the questions alone, without a proxy between. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { freePort, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import { type Reply, send } from '../support/outer-app.ts'
import { UserAgent } from '../support/user-agent.ts'

const house = { kind: 'system', name: 'test' } as const
const email = 'ada@example.org'

describe('a gateway', () => {
  let site: TestLabgate
  let port: number
  let host: string
  let cookie: string
  let agent: UserAgent
  const room = () => site.labgate.rooms.get

  before(async () => {
    port = await freePort()
    host = `127.0.0.1:${port}`
    site = await startLabgate(
      {
        proxies: ['127.0.0.1'],
        datasets: { fish: { title: 'Fish' } },
        grants: [{ to: `name:email:${email}`, dataset: 'fish', level: 'view', why: 'looks at it' }],
        profile: { questions: [{ id: 'lab', label: 'Which lab?', type: 'text', required: true }] },
        plugins: {
          email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } },
          maps: {
            use: '@labgate/authz-gateway',
            host,
            prefix: '/.labgate',
            config: {
              tokenHeader: 'X-Gate-Token',
              scope: 'maps',
              origins: ['https://app.example'],
              headers: { user: 'Remote-User', kind: '' },
              rules: [
                { path: '/public/**', allow: 'public' },
                { path: '/data/:dataset/**', methods: ['GET', 'HEAD'], dataset: ':dataset' },
                { path: '/data/:dataset/**', dataset: ':dataset', verb: 'edit' },
                { path: '/**' },
              ],
            },
          },
        },
      },
      { port },
    )
    agent = new UserAgent()
    const page = await signInByEmail(site, agent, { at: `http://${host}/.labgate/enter?back=/.labgate/key`, email })
    const asked = await agent.submit(
      page,
      page.forms.find(({ fields }) => 'answer-lab' in fields),
      {
        'answer-lab': 'Ours',
      },
    )
    assert.equal(asked.url.host, host, asked.text)
    cookie = agent.cookieHeader(new URL(`http://${host}`))
    assert.match(cookie, /labgate_session/)
  })
  after(() => site?.stop())

  const forwarded = (target: string, headers: Record<string, string | string[]> = {}, method = 'GET'): Promise<Reply> =>
    send(port, {
      path: '/.labgate/check',
      headers: { host, 'x-forwarded-uri': target, 'x-forwarded-method': method, ...headers },
    })
  const original = (path: 'status' | 'refused', target: string, headers: Record<string, string> = {}, method = 'GET') =>
    send(port, {
      path: `/.labgate/${path}`,
      headers: { host, 'x-original-uri': target, 'x-original-method': method, ...headers },
    })

  test('answers with every header that it may set, and with what the service may see of the request', async () => {
    const { status, headers } = await forwarded('/x', { cookie: `a=1; ${cookie}`, authorization: 'Basic YTpi' })
    assert.equal(status, 200)
    const account = await room()('accounts').findByVerifiedEmail(email)
    assert.equal(headers['remote-user'], account?.id)
    assert.equal(headers['x-labgate-kind'], undefined)
    for (const name of ['x-labgate-cookie', 'cookie']) assert.equal(headers[name], 'a=1')
    for (const name of ['x-labgate-authorization', 'authorization']) assert.equal(headers[name], 'Basic YTpi')
    assert.match(String(headers['cache-control']), /no-store/)
    const nobody = await forwarded('/public/x')
    assert.equal(nobody.status, 200)
    for (const name of ['remote-user', 'x-labgate-email', 'x-labgate-cookie']) assert.equal(nobody.headers[name], '')
    for (const name of ['cookie', 'authorization']) assert.equal(nobody.headers[name], undefined)
  })

  test('believes a request that is told once, in the words of its endpoint, and nothing else', async () => {
    const words = { 'x-original-uri': '/public/x', 'x-original-method': 'GET' }
    assert.equal((await send(port, { path: '/.labgate/check', headers: { host, ...words } })).status, 400)
    const nobody = await forwarded('/x', words)
    assert.deepEqual([nobody.status, nobody.headers['www-authenticate']], [401, 'Bearer'])
    assert.equal((await original('status', '/x', { 'x-forwarded-uri': '/public/x' })).status, 401)
    const twice = { 'x-forwarded-uri': ['/public/x', '/x'] }
    assert.equal((await forwarded('/x', twice)).status, 400)
    assert.equal((await forwarded('/x', { cookie }, '')).status, 400)
    const elsewhere = { path: '/.labgate/check', headers: { host, 'x-forwarded-uri': '/public/x' }, from: '127.0.0.9' }
    assert.equal((await send(port, elsewhere)).status, 400)
  })

  test('refuses a header in a spelling that some services take for one of ours', async () => {
    for (const name of ['Remote_User', 'X_Labgate-Email', 'x-labgate_email', 'Remote.User'])
      assert.equal((await forwarded('/public/x', { [name]: 'evil' })).status, 400, name)
    assert.equal((await forwarded('/public/x', { X_Other: 'kept' })).status, 200)
  })

  test('another method is judged however it is told', async () => {
    const statusOf = async (target: string, headers: Record<string, string>) =>
      (await forwarded(target, { cookie, ...headers })).status
    for (const name of ['X-HTTP-Method-Override', 'X_HTTP_Method_Override', 'X-Http_Method', 'x_method_override']) {
      assert.equal(await statusOf('/data/fish/x', { [name]: 'PUT' }), 400, name)
      assert.equal(await statusOf('/data/fish/x', { [name]: 'head' }), 200, name)
      assert.equal(await statusOf('/x', { [name]: 'PUT' }), 200, name)
    }
    for (const query of ['_method=PUT', 'a=1;_method=PUT', 'a=1&%5fmethod=put;b'])
      assert.equal(await statusOf(`/data/fish/x?${query}`, {}), 400, query)
  })

  test('another path is judged that a header names, or that is left when a header’s prefix is taken away', async () => {
    const statusOf = async (target: string, headers: Record<string, string | string[]>) =>
      (await forwarded(target, headers)).status
    for (const path of ['/x', 'http://elsewhere.example/data/fish/x', '/public/../x', 'x', '/%', ''])
      assert.equal(await statusOf('/public/x', { 'X-Rewrite-URL': path }), path === '' ? 200 : 400, path)
    assert.equal(await statusOf('/public/x', { 'X-Rewrite-URL': '/public/y' }), 200)
    for (const name of ['SCRIPT_NAME', 'X-Script-Name', 'X_Script_Name']) {
      for (const [target, prefix] of [
        ['/public/data/fish/x', '/public'],
        ['/public/data/fish/x', '/public/'],
        ['/public/data/fish/x', 'c'],
        ['/public/a%20b/x', '/a b'],
        ['/pub%6cic/x', '/public'],
        ['/public/', '/public/'],
        ['/public/x', '/elsewhere, /public'],
      ] as const)
        assert.equal(await statusOf(target, { [name]: prefix }), 400, `${name}: ${prefix} of ${target}`)
      assert.equal(await statusOf('/public/x', { [name]: ['/public', '/elsewhere'] }), 400)
      for (const [target, prefix] of [
        ['/public/x', '/elsewhere'],
        ['/public/public/a%20b', '/public'],
        ['/public/x', ''],
      ] as const)
        assert.equal(await statusOf(target, { [name]: prefix }), 200, `${name}: ${prefix} of ${target}`)
      assert.equal(await statusOf('/maps/x/a%20b?c=d', { cookie, [name]: '/maps' }), 200)
    }
  })

  test('takes a token where its config says, and leaves Authorization to the service', async () => {
    const account = (await room()('accounts').findByVerifiedEmail(email))?.id ?? assert.fail()
    const { value } = await room()('tokens').create(house, { account, name: 'x', scopes: ['maps'] })
    const good = await forwarded('/x', { 'x-gate-token': value, authorization: 'Bearer of-the-service' })
    assert.equal(good.headers['remote-user'], account)
    assert.equal(good.headers['x-labgate-authorization'], 'Bearer of-the-service')
    assert.equal((await forwarded('/x', { authorization: `Bearer ${value}` })).status, 401)
  })

  test('knows the pages of listed origins, and drops the person where another site asks for a public part', async () => {
    const post = (origin: string, path = '/x') => forwarded(path, { cookie, origin }, 'POST')
    assert.equal((await post(`http://${host}`)).status, 200)
    assert.equal((await post('https://app.example')).status, 200)
    assert.equal((await post('null')).status, 403)
    assert.equal((await post('https://evil.example')).status, 403)
    const open = await post('https://evil.example', '/public/x')
    assert.deepEqual([open.status, open.headers['remote-user']], [200, ''])
    const read = await forwarded('/x', { cookie, origin: 'https://evil.example' })
    assert.equal(read.status, 200)
    // A link is followed with the cookie, too, and some services let it say what it does.
    const link = { cookie, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    assert.equal((await forwarded('/x?_method=get', link)).status, 200)
    assert.equal((await forwarded('/x?_method=DELETE', link)).status, 403)
    assert.equal((await forwarded('/x?_method=DELETE', { ...link, 'sec-fetch-site': 'none' })).status, 200)
  })

  test('leads nobody off its own host, whatever they were on the way to', async () => {
    for (const target of ['//evil.example/x', '/\\evil.example', '/%2f/evil.example', `/${'x'.repeat(3000)}`]) {
      const { status, headers } = await forwarded(target, { accept: 'text/html' })
      const location = headers.location === undefined ? undefined : new URL(headers.location)
      assert.ok(status === 400 || location?.host === host, target)
      const back = location?.searchParams.get('back')
      assert.ok(back === undefined || back === null || new URL(back, `http://${host}`).host === host, target)
    }
    for (const back of [
      '//evil.example',
      'https://evil.example',
      '/\\evil.example',
      '/\t/evil.example',
      '/.//evil.example',
    ]) {
      const { headers } = await send(port, {
        path: `/.labgate/enter?back=${encodeURIComponent(back)}`,
        headers: { host, cookie },
      })
      assert.equal(new URL(headers.location ?? '').host, host, back)
    }
  })

  test('sends on who is let in since nginx heard no', async () => {
    const { status, headers } = await original('refused', '/x?y=1', { cookie, accept: 'text/html' })
    assert.deepEqual([status, headers.location], [303, `http://${host}/x?y=1`])
    assert.equal((await original('refused', '/x', { cookie }, 'POST')).status, 409)
    // An address without a scheme is another host to a browser.
    for (const target of ['//evil.example/x', '///evil.example', '/.//evil.example/', '//evil.example@x/'])
      for (const path of ['refused', 'status'] as const) {
        const { headers } = await original(path, target, { cookie, accept: 'text/html' })
        assert.equal(new URL(headers.location ?? '/', `http://${host}`).host, host, target)
      }
  })

  test('a page about terms leads to them, and back', async () => {
    const { terms } = room()('ledger')
    await terms.add(house, { id: 'cite', title: 'Cite us', markdown: '# Cite us', dataset: 'fish' })
    assert.equal((await original('status', '/data/fish/x', { cookie })).status, 403)
    const page = await original('refused', '/data/fish/x', { cookie, accept: 'text/html' })
    assert.equal(page.status, 403)
    assert.match(page.text, /\/terms\/for\/maps\?terms=cite&amp;back=%2Fdata%2Ffish%2Fx/)
    await terms.retire(house, 'cite')
    assert.equal((await original('status', '/data/fish/x', { cookie })).status, 200)
  })

  test('questions that are not answered yet stand before it', async () => {
    const other = new UserAgent()
    const page = await signInByEmail(site, other, {
      at: `http://${host}/.labgate/enter?back=/x`,
      email: 'ben@example.org',
    })
    assert.ok(
      page.forms.some(({ fields }) => 'answer-lab' in fields),
      page.text,
    )
  })

  test('answers two hundred at once, each as itself', async () => {
    const asked = Array.from({ length: 200 }, (_, index) => forwarded('/x', index % 2 === 0 ? { cookie } : {}))
    const got = await Promise.all(asked)
    assert.deepEqual(
      got.map(({ status }) => status),
      got.map((_, index) => (index % 2 === 0 ? 200 : 401)),
    )
  })
})
