/** Requests to the Provider past our Koa and through it: whatever can be seen of the answers is compared. @module */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, suite, test } from 'node:test'
import { Fault } from '@labgate/contract'
import type { ProviderApp } from '../../../core/http/provider.ts'
import { createLog } from '../../../core/observe/log.ts'
import { answering, type Reply, type Request, startApp } from '../../support/outer-app.ts'

/** Stands where the Provider stands: says what it was asked, and what was said before it. */
const provider: ProviderApp = {
  callback: () => async (req: IncomingMessage, res: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    const { host, 'x-forwarded-for': address, 'x-forwarded-proto': scheme } = req.headers
    res.statusCode = req.url?.startsWith('/oidc/auth') ? 303 : 200
    res.end(JSON.stringify({ url: req.url, host, address, scheme, body: Buffer.concat(chunks).toString() }))
  },
}

/** What is answered past the Provider. */
const quick = {
  status: 303,
  cookies: ['one=1; path=/', 'two=2; path=/oidc/auth'],
  ...{
    type: 'text/html; charset=utf-8',
    text: 'Redirecting – là-bas.',
    headers: { 'Cache-Control': 'no-store', Location: '/there' },
  },
}

const limits = {
  async take(_name: string, key: string) {
    if (key.includes('203.0.113.9')) throw new Fault('ERR_RATE', 'Too many requests.')
  },
}

async function start(way: 'short' | 'long') {
  const samples: object[] = []
  const lines: string[] = []
  const metrics = { request: ({ seconds: _, ...rest }: { seconds: number }) => void samples.push(rest) }
  const log = createLog({ clock: { now: () => new Date(0) }, level: 'debug', write: (line) => void lines.push(line) })
  const server = await startApp({ issuer: 'http://labgate.example', proxies: ['127.0.0.2'], log, metrics, limits })
  server.app.routes.add(
    { method: 'GET', path: '/', handler: answering('home') },
    { host: 'tool.example', method: 'GET', path: '/oidc/auth', handler: answering('its own'), opener: 'kept' },
  )
  server.app.mountProvider({
    current: () => provider,
    csp: ({ path }) => (path.startsWith('/oidc/auth') ? "default-src 'none'" : undefined),
    quick: async ({ req }) => (req.url?.endsWith('quick') ? quick : undefined),
  })
  if (way === 'long') server.app.use((_ctx, next) => next())
  return { ...server, samples, lines }
}

suite('the Provider, past our Koa and through it', async () => {
  const both = [await start('short'), await start('long')]
  after(() => Promise.all(both.map(({ close }) => close())))

  const compared = async (request: Request): Promise<Reply> => {
    const seen = []
    for (const { send, samples, lines } of both) {
      const reply = await send(request)
      // The line comes when the answer is over, a moment after it arrived.
      while (samples.length === 0) await new Promise((done) => setImmediate(done))
      const told = lines.splice(0).map((line) => withoutOwn(JSON.parse(line)))
      seen.push({ answer: visible(reply), told, samples: samples.splice(0), reply })
    }
    const [one, other] = seen.map(({ reply: _, ...rest }) => rest)
    assert.deepEqual(one, other)
    return seen[0]?.reply as Reply
  }

  for (const path of [
    ...[
      '/oidc/auth?a=1',
      '/oidc/auth/resumed',
      '/oidc/auth?quick',
      '/oidc/auth/quick',
      '/oidc/token',
      '/oidc/userinfo',
      '/oidc/introspection',
    ],
    ...['/oidc/jwks?x', '/.well-known/openid-configuration', '/oidc/register/AbC', '/oidc/device'],
    ...['/oidc/AUTH', '/oidc/auth/', '/oidc//auth', '/oidc/auth/a/b', '/oidc/auth/a%2Fb', '/oidc/auth#a', '/oidc'],
  ])
    test(`are one at ${path}`, async () => {
      for (const request of [
        {},
        ...['HEAD', 'OPTIONS', 'DELETE'].map((method) => ({ method })),
        { method: 'POST', body: 'a=b' },
        { method: 'POST', body: 'x'.repeat(65 * 1024) },
        { headers: { 'if-none-match': '"v1"' } },
        { headers: { host: 'evil.example' } },
        { headers: { host: 'tool.example' } },
        { headers: { 'x-forwarded-for': '198.51.100.7', 'x-forwarded-proto': 'https' } },
        { headers: { 'x-forwarded-for': '198.51.100.7', 'x-forwarded-host': 'evil.example' }, from: '127.0.0.2' },
        { headers: { cookie: 'labgate_opener=kept' } },
        { headers: { 'x-request-id': 'mine' } },
      ])
        await compared({ path, ...request })
    })

  test('leave the window alone that waits for a sign-in, refused or not', async () => {
    const path = `/oidc/auth?redirect_uri=${encodeURIComponent('http://tool.example/sign-in/return')}`
    const reply = await compared({ path })
    assert.equal(reply.headers['cross-origin-opener-policy'], 'unsafe-none')
    assert.equal(reply.headers['set-cookie']?.length, 1)
    const refused = await compared({ path, method: 'POST', body: 'x'.repeat(65 * 1024) })
    assert.equal(refused.status, 413)
    assert.equal(refused.headers['set-cookie']?.length, 1)
  })

  test('keep the same limit', async () => {
    const asked = { headers: { 'x-forwarded-for': '203.0.113.9' }, from: '127.0.0.2' }
    assert.equal((await compared({ path: '/oidc/par', ...asked })).status, 429)
    assert.equal((await compared({ path: '/oidc/token', ...asked })).status, 200)
  })
})

/** Without what is another one for each request. */
function visible({ status, headers, text }: Reply) {
  const { date: _, 'x-request-id': id, ...rest } = headers
  const shown = JSON.stringify([Object.entries(rest).toSorted(), text]).replaceAll(String(id), 'ID')
  return { status, shown: shown.replaceAll(/nonce-[\w-]+/g, 'nonce-N'), hasId: id !== undefined }
}

function withoutOwn(line: Record<string, unknown>): Record<string, unknown> {
  const { requestId, ms: _, err, ...rest } = line
  return { ...rest, hasId: requestId !== undefined, failed: err !== undefined }
}
