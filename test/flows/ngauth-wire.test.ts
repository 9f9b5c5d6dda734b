import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type NgauthWorld, startNgauth, type Visitor, viewer } from '../support/ngauth-world.ts'

/** What a browser and Neuroglancer look at. */
interface Seen {
  readonly status: number
  readonly type: string | null
  readonly origin: string | null
  readonly credentials: string | null
  readonly vary: boolean
  readonly text: string
}

const plain = 'text/plain; charset=utf-8'
const browserSays = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }

describe('ngauth on the wire', () => {
  let world: NgauthWorld
  let visitor: Visitor
  let cookie: string
  before(async () => {
    const datasets = {
      open: { places: [{ bucket: 'gs://open-bucket' }] },
      shut: { places: [{ bucket: 'gs://shut-bucket' }] },
    }
    const grants = [{ to: 'name:email:ada@example.org', dataset: 'open', level: 'view' }]
    world = await startNgauth({ ledger: { datasets, grants }, buckets: ['open-bucket', 'shut-bucket'] })
    visitor = await world.signedIn('ada')
    cookie = visitor.agent.cookieHeader(new URL(world.server))
  })
  after(() => world?.stop())

  async function send(path: string, init: RequestInit = {}): Promise<Seen & { readonly headers: Headers }> {
    const answer = await fetch(world.server + path, { method: 'POST', redirect: 'manual', ...init })
    const { status, headers } = answer
    return {
      ...{ status, headers, type: headers.get('content-type') },
      origin: headers.get('access-control-allow-origin'),
      credentials: headers.get('access-control-allow-credentials'),
      vary: /\borigin\b/i.test(headers.get('vary') ?? ''),
      text: await answer.text(),
    }
  }
  const ask = (headers: Record<string, string>, method = 'POST') =>
    send('/token', { method, headers: { ...browserSays, ...headers } })
  const given = (body: string | object, headers: Record<string, string> = { origin: viewer }) =>
    send('/gcs_token', {
      headers: { ...browserSays, 'content-type': 'text/plain;charset=UTF-8', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const essence = ({ headers: _, ...seen }: Seen & { headers: Headers }): Seen => seen

  test('POST /token: an empty simple request with a cookie is answered the bare token, for its origin alone', async () => {
    const seen = await ask({ origin: viewer, cookie })
    assert.match(seen.text, /^[\w-]+\.[\w-]+\.[\w-]+$/)
    assert.deepEqual(essence({ ...seen, text: '' }), {
      ...{ status: 200, type: plain, origin: viewer, credentials: 'true', vary: true, text: '' },
    })
    assert.equal(seen.headers.get('x-frame-options'), 'DENY')
    assert.equal(seen.headers.get('cache-control'), 'no-store')
    assert.equal(seen.headers.get('x-content-type-options'), 'nosniff')
  })

  test('POST /token: 401, 403 and 400 are bare words; only a misshapen origin may not read its own', async () => {
    assert.deepEqual(essence(await ask({ origin: viewer })), {
      ...{ status: 401, type: plain, origin: viewer, credentials: 'true', vary: true, text: 'Not logged in' },
    })
    const stranger = 'https://stranger.example'
    assert.deepEqual(essence(await ask({ origin: stranger, cookie })), {
      ...{ status: 403, type: plain, origin: stranger, credentials: 'true', vary: true, text: 'Origin not allowed' },
    })
    for (const origin of [undefined, 'null', 'file://', 'https://viewer.lab.example/', 'https://Viewer.lab.example'])
      assert.equal((await ask({ cookie, ...(origin === undefined ? {} : { origin }) })).status, 400, origin)
    const odd = await ask({ origin: 'null', cookie })
    assert.deepEqual(essence(odd), {
      ...{ status: 400, type: plain, origin: null, credentials: null, vary: true, text: 'Invalid origin' },
    })
  })

  test('POST /gcs_token: plain text in, JSON out, for any origin and without cookies', async () => {
    const { token } = visitor
    for (const headers of [
      { origin: viewer },
      { origin: viewer, 'content-type': 'application/json' },
      { origin: viewer, 'content-type': 'application/octet-stream' },
      // No browser: nothing says that the token was carried away.
      {} as Record<string, string>,
    ]) {
      const seen = await given({ token, bucket: 'open-bucket' }, headers)
      assert.deepEqual(Object.keys(JSON.parse(seen.text) as object), ['token'])
      assert.deepEqual(essence({ ...seen, text: '' }), {
        ...{
          status: 200,
          type: 'application/json; charset=utf-8',
          origin: '*',
          credentials: null,
          vary: seen.vary,
          text: '',
        },
      })
      assert.equal(seen.headers.get('cache-control'), 'no-store')
    }
    const anonymous = await given({ token: '', bucket: 'open-bucket' }, { origin: viewer, cookie })
    assert.equal(anonymous.status, 401, 'a cookie says nothing here')
  })

  test('POST /gcs_token: every error is words that any origin may read', async () => {
    const { token } = visitor
    for (const [body, status, words] of [
      ['', 400, /^Invalid request$/],
      ['nonsense', 400, /^Invalid request$/],
      ['[]', 400, /^Invalid request$/],
      [{ token }, 400, /^Invalid request$/],
      [{ token: 'x', bucket: 'open-bucket' }, 401, /^Invalid authentication token$/],
      [{ token, bucket: 'shut-bucket' }, 403, /^Access denied \(\w+\)$/],
      [{ token, bucket: 'no-such-bucket' }, 403, /^Access denied \(\w+\)$/],
      [{ token, bucket: '' }, 403, /^Access denied \(\w+\)$/],
      [{ token, bucket: '../open-bucket' }, 403, /^Access denied \(\w+\)$/],
    ] as const) {
      const seen = await given(body)
      assert.deepEqual(
        [seen.status, seen.type, seen.origin, seen.credentials],
        [status, plain, '*', null],
        String(words),
      )
      assert.match(seen.text, words)
    }
    assert.equal((await given({ token, bucket: 'open-bucket' }, { origin: 'https://stranger.example' })).status, 401)
    // The code on a refusal is the operator's way to the reason.
    const { text } = await given({ token, bucket: 'shut-bucket' })
    const requestId = /\((\w+)\)/.exec(text)?.[1] ?? assert.fail(text)
    const trail = await world.site.labgate.rooms.get('storage').audit.list({ type: 'access.refused', limit: 10 })
    const line = trail.find((one) => one.requestId === requestId) ?? assert.fail('not written down')
    assert.equal((line.detail as { dataset?: string }).dataset, 'shut')
  })

  test('other methods and paths: 405 and 404 in words, and a preflight that nobody needs', async () => {
    for (const path of ['/token', '/gcs_token']) {
      const wrong = await send(path, { method: 'GET', headers: { origin: viewer } })
      assert.deepEqual([wrong.status, wrong.headers.get('allow')?.includes('POST')], [405, true])
      const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }
      const preflight = await send(path, { method: 'OPTIONS', headers: { origin: viewer, ...asked } })
      assert.equal(preflight.status, 204)
    }
    const stranger = await send('/token', {
      ...{
        method: 'OPTIONS',
        headers: { origin: 'https://stranger.example', 'access-control-request-method': 'POST' },
      },
    })
    assert.equal(stranger.origin, null)
    assert.equal((await send('/auth_redirect', { method: 'GET' })).status, 404)
    const health = await send('/health', { method: 'GET' })
    assert.deepEqual([health.status, health.text], [200, '{"status":"ok"}'])
    const home = await send('/', { method: 'GET' })
    assert.deepEqual([home.status, home.headers.get('x-frame-options')], [200, 'DENY'])
  })

  test('every answer says that it leaves the link between windows alone where a popup passes', async () => {
    for (const path of [
      '/login',
      `/login?origin=${viewer}`,
      '/login?origin=https://stranger.example',
      '/login?origin=odd',
    ])
      for (const headers of [{}, { cookie }] as Record<string, string>[]) {
        const seen = await send(path, { method: 'GET', headers })
        assert.equal(seen.headers.get('cross-origin-opener-policy'), 'unsafe-none', path)
        const next = seen.headers.get('location')
        if (next === null) continue
        const then = await fetch(next, { headers, redirect: 'manual' })
        assert.equal(then.headers.get('cross-origin-opener-policy'), 'unsafe-none', next)
      }
  })

  test('more than a network may ask is 429 with the time to wait, readable too', async () => {
    let seen = await ask({ origin: viewer })
    for (let count = 0; count < 15 && seen.status !== 429; count++)
      seen = (await Promise.all(Array.from({ length: 50 }, () => ask({ origin: viewer })))).at(-1) ?? seen
    assert.deepEqual([seen.status, seen.type, seen.origin, seen.credentials], [429, plain, viewer, 'true'])
    assert.ok(Number(seen.headers.get('retry-after')) > 0)
  })
})
