import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { type Prepared, type ProviderApp, providerRoute } from '../../../core/http/provider.ts'
import { answering, startApp } from '../../support/outer-app.ts'

/** Stands where the Provider stands and says what it was asked. */
function echo(name: string): ProviderApp & { made: number } {
  const app = {
    made: 0,
    callback() {
      app.made += 1
      return (req: IncomingMessage, res: ServerResponse) =>
        res.end(JSON.stringify({ name, url: req.url, headers: req.headers }))
    },
  }
  return app
}

describe('mountProvider()', () => {
  const [first, second] = [echo('first'), echo('second')]
  let current: ProviderApp = first
  let prepared: Prepared | undefined
  let server: Awaited<ReturnType<typeof startApp>>
  before(async () => {
    server = await startApp({ issuer: 'https://labgate.example', proxies: ['127.0.0.1'] })
    server.app.routes.add(
      { method: 'GET', path: '/', handler: answering('home') },
      { host: 'other.example', method: 'GET', path: '/oidc/auth', handler: answering('a dialect of its own') },
    )
    server.app.mountProvider({
      current: () => current,
      csp: (ctx) => (ctx.path === '/oidc/logout' ? "default-src 'self'" : undefined),
      prepared: () => prepared,
    })
  })
  after(() => server.close())
  const ask = (path: string, headers: Record<string, string> = {}, more: { method?: string; body?: string } = {}) =>
    server.send({ path, ...more, headers: { 'x-forwarded-proto': 'https', ...headers } })
  const nameAt = async (path: string) => JSON.parse((await ask(path)).text).name

  test('hands on /oidc/ and the two documents, and nothing else', async () => {
    for (const path of [
      '/oidc/auth?x=1',
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
    ])
      assert.equal(JSON.parse((await ask(path)).text).url, path)
    assert.equal((await ask('/')).text, 'home')
    for (const path of ['/oidc', '/oidcx/auth', '/.well-known/other']) assert.equal((await ask(path)).status, 404, path)
  })

  test('lets one address begin only so many requests, where each is kept for a while', async () => {
    const client = { 'x-forwarded-for': '198.51.100.7' }
    let refused = 0
    for (let count = 0; count < 1210; count++)
      if ((await ask('/oidc/auth?client_id=x', client)).status === 429) refused += 1
    assert.equal(refused, 10)
    assert.notEqual((await ask('/oidc/auth/resumed', client)).status, 429, 'what was begun can be finished')
    assert.notEqual((await ask('/oidc/auth', { 'x-forwarded-for': '198.51.100.8' })).status, 429)
  })

  test('hands on the host of the issuer only', async () => {
    assert.equal((await ask('/oidc/auth', { host: 'other.example' })).text, 'a dialect of its own')
    assert.equal((await ask('/oidc/auth', { host: 'evil.example' })).status, 421)
  })

  test("shows the Provider the issuer's host and scheme and no other forwarded header", async () => {
    const { headers } = JSON.parse(
      (await ask('/oidc/auth', { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' })).text,
    )
    assert.equal(headers.host, 'labgate.example')
    assert.equal(headers['x-forwarded-proto'], 'https')
    assert.doesNotMatch(JSON.stringify(headers), /evil/)
  })

  test('sets our headers beforehand, and the CSP the mount asks for', async () => {
    const auth = await ask('/oidc/auth')
    assert.match(String(auth.headers['content-security-policy']), /frame-ancestors 'none'/)
    assert.equal(auth.headers['x-content-type-options'], 'nosniff')
    assert.equal((await ask('/oidc/logout')).headers['content-security-policy'], "default-src 'self'")
  })

  test('asks at each request which Provider is current, and builds its callback once', async () => {
    assert.equal(await nameAt('/oidc/auth'), 'first')
    current = second
    assert.equal(await nameAt('/oidc/auth'), 'second')
    current = first
    assert.equal(await nameAt('/oidc/auth'), 'first')
    assert.deepEqual([first.made, second.made], [1, 1])
  })

  test('refuses a body over 64 KiB before the Provider sees it', async () => {
    const reply = await ask('/oidc/token', {}, { method: 'POST', body: 'x'.repeat(65 * 1024) })
    assert.equal(reply.status, 413)
  })

  test('answers a prepared document itself, with 304 for a known one', async () => {
    prepared = { type: 'application/json', body: Buffer.from('{"keys":[]}'), etag: '"v1"' }
    const fresh = await ask('/oidc/jwks')
    assert.equal(fresh.text, '{"keys":[]}')
    assert.equal(fresh.headers.etag, '"v1"')
    assert.equal((await ask('/oidc/jwks', { 'if-none-match': '"v1"' })).status, 304)
    assert.equal(JSON.parse((await ask('/oidc/jwks', {}, { method: 'POST' })).text).name, 'first')
    prepared = undefined
  })
})

test('providerRoute() has few values, whatever the path', () => {
  assert.equal(providerRoute('/oidc/auth/some-uid'), '/oidc/auth')
  assert.equal(providerRoute('/oidc/token'), '/oidc/token')
  assert.equal(providerRoute('/oidc/anything-else'), '/oidc/*')
})
