/**
 * The short way of dialects against the long one: each request is asked of two apps, one of which sends everything through
 * Koa, and whatever can be seen of the answers (status, headers, body, the line in the log, the sample, who was asked) is compared.
 * @module
 */
import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { type AuthzAdapter, Fault, type Handler, type Principal, type RouteClaim } from '@labgate/contract'
import type { AppNeeds } from '../../../core/http/app.ts'
import { dialectRoute } from '../../../core/http/dialect.ts'
import type { DialectNeeds } from '../../../core/http/dialect-place.ts'
import { createLog } from '../../../core/observe/log.ts'
import { type Reply, type Request, startApp } from '../../support/outer-app.ts'

const listed = 'https://viewer.example'

const person: Principal = {
  ...{ kind: 'person', via: 'token', scopes: ['use'], authenticatedAt: new Date(0), amr: [] },
  account: {
    ...{ id: 'ada', numericId: 1, state: 'active', role: 'user', username: 'ada', displayName: 'Ada', groups: [] },
    ...{ email: undefined, emailVerified: false, kind: 'person', parent: undefined, createdAt: new Date(0) },
  },
}
const json = Object.freeze({ 'Content-Type': 'application/json' })
const words = Object.freeze({ 'Content-Type': 'text/plain; charset=utf-8' })

/** Each route, its claim and what it answers. */
const routes: Readonly<Record<string, Partial<RouteClaim> & { readonly answer: Handler }>> = {
  json: {
    cors: 'any',
    answer: async ({ principal }) => ({ status: 200, headers: json, json: [principal?.account.id ?? null] }),
  },
  untyped: { answer: async () => ({ status: 203, json: { ä: '€' } }) },
  words: {
    cors: [listed],
    guard: 'public',
    answer: async ({ method }) => ({ status: 202, headers: words, body: `${method} ü` }),
  },
  mixed: {
    cors: { credentials: [/^(?:https:\/\/[a-z]+\.example)$/], others: 'any' },
    guard: 'public',
    answer: async () => ({
      status: 200,
      headers: { ...words, 'Cache-Control': 'max-age=60', vary: 'Accept' },
      body: 'x',
    }),
  },
  scoped: { guard: { token: { scopes: ['admin'] } }, cors: 'any', answer: async () => ({ status: 200, json: 1 }) },
  signed: {
    guard: { token: {}, withoutToken: 'signed-in' },
    answer: async ({ principal }) => ({ status: 200, json: principal?.via ?? '' }),
  },
  anyone: {
    guard: { token: {}, withoutToken: 'anyone' },
    answer: async ({ owes }) => ({ status: 200, json: owes ?? null }),
  },
  query: {
    guard: { token: { query: ['t'], cookies: ['c'], doubtful: 'refuse' } },
    answer: async ({ url }) => ({ status: 200, json: url.search }),
  },
  post: {
    method: 'POST',
    guard: 'public',
    cors: [listed],
    crossSiteCookie: 'read',
    bodyBytes: 10,
    answer: async ({ body, principal }) => ({
      status: 200,
      json: [Buffer.from(body).toString(), principal?.account.id ?? null],
    }),
  },
  limited: {
    guard: 'public',
    cors: 'any',
    rate: { count: 1, seconds: 60 },
    answer: async () => ({ status: 200, json: 'in time' }),
  },
  kept: { guard: 'public', opener: 'kept', answer: async () => ({ status: 200, json: 'opened' }) },
  html: {
    guard: 'public',
    answer: async () => ({ status: 200, headers: { 'Content-Type': 'text/html; charset=utf-8' }, body: '<p>' }),
  },
  guessed: { guard: 'public', answer: async () => ({ status: 200, body: 'text' }) },
  either: {
    guard: 'public',
    answer: async ({ url }) => (url.search === '' ? { status: 200, json: 1 } : { status: 200, body: 'text' }),
  },
  bytes: { guard: 'public', answer: async () => ({ status: 200, headers: json, body: Buffer.from('[2]') }) },
  empty: { guard: 'public', answer: async () => ({ status: 204 }) },
  nothing: { guard: 'public', answer: async () => ({ status: 200 }) },
  cookie: {
    guard: 'public',
    answer: async () => ({ status: 200, json: 1, cookies: [{ name: 'seen', value: '1', sameSite: 'lax' }] }),
  },
  own: {
    guard: 'public',
    answer: async () => ({ status: 200, headers: { ...json, 'Set-Cookie': 'a=b', 'X-Request-Id': 'mine' }, json: 1 }),
  },
  policy: {
    guard: 'public',
    answer: async () => ({
      status: 200,
      headers: { ...json, 'Content-Security-Policy': "default-src 'self'" },
      json: 1,
    }),
  },
  split: { guard: 'public', answer: async () => ({ status: 200, headers: { ...json, 'X-Name': 'a\r\nb' }, json: 1 }) },
  away: { guard: 'public', answer: async () => ({ status: 302, headers: { Location: 'https://other.example/' } }) },
  page: {
    guard: 'public',
    answer: async () => ({ status: 200, page: { title: 'A page', text: ['of words'], tone: 'info' } }),
  },
  enter: { guard: 'public', answer: async () => ({ status: 200, signIn: { back: '/own' } }) },
  leave: {
    guard: { token: {}, withoutToken: 'signed-in' },
    answer: async () => ({ status: 200, json: 'bye', signOut: true }),
  },
  no: {
    cors: 'any',
    answer: async () => {
      throw new Fault('ERR_FORBIDDEN', 'Not you.', { detail: { dataset: 'fish' } })
    },
  },
  broken: {
    guard: 'public',
    cors: 'any',
    answer: async () => {
      throw new Error('the inside of the house')
    },
  },
  late: {
    guard: 'public',
    answer: async () => {
      await new Promise((done) => setImmediate(done))
      return { status: 200, json: 'late' }
    },
  },
}

/** The answers of two ways cannot be told apart. */
suite('the short way and the long way', async () => {
  const make = async (options: Partial<AppNeeds> = {}) => {
    const ways = []
    for (const way of ['short', 'long'] as const) {
      const samples: object[] = []
      const asked: string[] = []
      const metrics = {
        request: ({ seconds, ...rest }: { seconds: number }) => void samples.push({ ...rest, isTimed: seconds > 0 }),
      }
      const lines: string[] = []
      const log = createLog({
        clock: { now: () => new Date(0) },
        level: 'debug',
        write: (line) => void lines.push(line),
      })
      const server = await startApp({
        log,
        issuer: 'http://labgate.example',
        proxies: ['127.0.0.2'],
        ...options,
        metrics,
      })
      const origin = new URL(server.issuer).origin
      for (const [id, { answer, ...claim }] of Object.entries(routes)) {
        for (const [renders, renderError] of [
          ['plain', undefined],
          ['own', render],
        ] as const) {
          const adapter = {
            handlers: { [id]: answer },
            project: () => null,
            ...(renderError && { renderError }),
          } as AuthzAdapter
          const path = `/${renders}/${id}`
          const full: RouteClaim = { id, method: 'GET', path, guard: { token: { scopes: ['use'] } }, ...claim }
          const place = { instance: 'probe', host: undefined, origin, path, claim: full, adapter }
          server.app.routes.add(dialectRoute(place, needsOf(asked)))
        }
      }
      if (way === 'long') server.app.use((_ctx, next) => next())
      ways.push({ ...server, samples, asked, lines })
    }
    return ways
  }
  const both = await make()
  after(() => Promise.all(both.map(({ close }) => close())))

  const compared = async (request: Request, ways = both): Promise<Reply> => {
    const seen = []
    for (const { send, lines, samples, asked } of ways) {
      const reply = await send(request)
      // The line comes when the answer is over, a moment after it arrived.
      while (samples.length === 0) await new Promise((done) => setImmediate(done))
      seen.push({
        answer: visible(reply),
        lines: lines.splice(0).map((line) => withoutOwn(JSON.parse(line))),
        samples: samples.splice(0),
        asked: asked.splice(0),
        reply,
      })
    }
    const [one, other] = seen.map(({ reply: _, ...rest }) => rest)
    assert.deepEqual(one, other)
    return seen[0]?.reply as Reply
  }

  const requests: Request[] = [
    {},
    { method: 'HEAD' },
    { method: 'OPTIONS' },
    { method: 'DELETE' },
    { headers: { authorization: 'Bearer good' } },
    { headers: { authorization: 'bearer  good', accept: 'text/html' } },
    { headers: { authorization: 'Bearer bad' } },
    { headers: { authorization: 'Basic good' } },
    { headers: { authorization: 'Bearer good', cookie: 'c=other' } },
    { headers: { cookie: 'session=1; labgate_opener=kept' } },
    { headers: { cookie: 'session=1; cross=1', origin: listed, 'sec-fetch-site': 'cross-site' } },
    { headers: { cookie: 'session=1', origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' } },
    { headers: { authorization: 'Bearer good', 'x-forwarded-for': '198.51.100.7', 'x-forwarded-proto': 'https' } },
    { headers: { authorization: 'Bearer good', 'x-forwarded-for': '198.51.100.7' }, from: '127.0.0.2' },
    { headers: { authorization: 'Bearer good', host: 'evil.example' } },
    { headers: { origin: 'null', authorization: 'Bearer good' } },
    { method: 'OPTIONS', headers: { origin: listed, 'access-control-request-method': 'GET' } },
  ].map((request) => ({ path: '', ...request }))

  for (const id of Object.keys(routes))
    test(`are one for ${id}`, async () => {
      const method = routes[id]?.method ?? 'GET'
      for (const before of ['plain', 'own'])
        for (const request of requests) await compared({ method, ...request, path: `/${before}/${id}` })
      await compared({ method, path: `/plain/${id}?t=good&more` })
    })

  test('read the same bodies', async () => {
    const ask = (more: Omit<Request, 'path'>) => compared({ method: 'POST', path: '/plain/post', ...more })
    assert.equal((await ask({ body: 'é' })).text, '["é",null]')
    assert.equal((await ask({ headers: { 'content-length': '0' } })).text, '["",null]')
    assert.equal((await ask({ body: 'x'.repeat(11) })).status, 413)
    assert.equal((await ask({ body: 'x', headers: { 'content-encoding': 'gzip' } })).status, 415)
    assert.equal((await ask({ body: 'x'.repeat(11), headers: { 'transfer-encoding': 'chunked' } })).status, 413)
    const headers = { origin: listed, cookie: 'cross=1', 'sec-fetch-site': 'cross-site' }
    assert.equal((await ask({ body: 'x', headers })).text, '["x","ada"]')
  })

  test('keep the same limits, and say so to a page of another site', async () => {
    const ask = () =>
      compared({
        path: '/plain/limited',
        headers: { 'x-forwarded-for': '203.0.113.9', origin: listed },
        from: '127.0.0.2',
      })
    assert.equal((await ask()).status, 200)
    const refused = await ask()
    assert.equal(refused.status, 429)
    assert.equal(refused.headers['access-control-allow-origin'], '*')
  })

  test('refuse what is not https alike', async () => {
    const secure = await make({ issuer: 'https://labgate.example' })
    after(() => Promise.all(secure.map(({ close }) => close())))
    const reply = await compared({ path: '/plain/json', headers: { authorization: 'Bearer good' } }, secure)
    assert.equal(reply.status, 421)
    const headers = { authorization: 'Bearer good', 'x-forwarded-proto': 'https' }
    const there = await compared({ path: '/plain/json', headers, from: '127.0.0.2' }, secure)
    assert.equal(there.headers['strict-transport-security'], 'max-age=31536000')
  })

  test('are two: a plain answer never meets Koa, any other one does', async () => {
    const met: string[] = []
    for (const { app } of both) {
      const koa = app.koa as unknown as { handleRequest(ctx: { url: string }, step: unknown): Promise<void> }
      const handle = koa.handleRequest.bind(koa)
      koa.handleRequest = (ctx, step) => {
        met.push(ctx.url)
        return handle(ctx, step)
      }
    }
    const headers = { authorization: 'Bearer good' }
    for (const id of ['json', 'untyped', 'words', 'late', 'policy']) await compared({ path: `/plain/${id}`, headers })
    assert.deepEqual(
      met,
      ['json', 'untyped', 'words', 'late', 'policy'].map((id) => `/plain/${id}`),
    )
    met.length = 0
    const others = [
      'kept',
      'html',
      'guessed',
      'bytes',
      'cookie',
      'own',
      'split',
      'page',
      'enter',
      'leave',
      'no',
      'broken',
    ]
    for (const id of others) await compared({ path: `/plain/${id}`, headers })
    assert.deepEqual(
      met,
      others.flatMap((id) => [`/plain/${id}`, `/plain/${id}`]),
    )
  })
})

const render: AuthzAdapter['renderError'] = (fault, { requestId, headers }) => ({
  ...{ status: fault.status, headers: { ...words, 'X-Dialect': 'yes' } },
  body: `${fault.code} ${requestId} ${headers.accept ?? ''}`,
})

/** What the core does for dialects, in small; whoever is asked for what is written down. */
function needsOf(asked: string[]): DialectNeeds {
  const note = (...words: readonly unknown[]) => void asked.push(words.join(' '))
  const has = (cookie: string | undefined, name: string) => cookie?.includes(name) === true
  return {
    bySession: async ({ req }) =>
      has(req.headers.cookie, 'session=') ? { ...person, via: 'session', scopes: ['*'] } : undefined,
    byCrossSite: async ({ req }) => (has(req.headers.cookie, 'cross=') ? person : undefined),
    giveCrossSite: async () => note('gave'),
    async byToken({ value, origin, address }) {
      note('token', value, origin, address)
      return value === 'good' ? person : undefined
    },
    toSignIn: (ctx) => ctx.redirect('/sign-in'),
    beginSignIn: (ctx, _place, { back }) => ctx.redirect(`/sign-in?back=${back}`),
    owesAnswers: async () => false,
    toQuestions: (ctx) => ctx.redirect('/questions'),
    owesTerms: async () => true,
    toTerms: (ctx) => ctx.redirect('/terms'),
    async signOut(ctx) {
      note('out')
      ctx.set('X-Signed', 'out')
    },
    noteRefusal: async (ctx, { principal, detail }) =>
      note('refused', principal?.account.id, JSON.stringify(detail), ctx.state.address),
    text: (_ctx, key) => key,
    showPage(ctx, { title }) {
      ctx.type = 'html'
      ctx.body = `<title>${title}</title><style nonce="${ctx.state.nonce}">`
    },
    locale: () => 'en',
  }
}

/** An answer without what is another one each time: the time, ids and nonces. */
function visible({ status, headers, text }: Reply) {
  const { date: _, 'retry-after': wait, ...rest } = headers
  const id = String(headers['x-request-id'])
  assert.ok(/^\w{16}$/.test(id) || id === 'mine', id)
  const sorted = Object.entries(rest).toSorted(([one], [other]) => (one < other ? -1 : 1))
  const bare = JSON.stringify({ status, headers: sorted, text, waits: wait !== undefined })
  return bare.replaceAll(id, 'ID').replaceAll(/nonce[-="\\]+[\w-]{22}/g, 'NONCE')
}

function withoutOwn({ requestId, ms, error, ...line }: Readonly<Record<string, unknown>>) {
  return { ...line, hasId: typeof requestId === 'string', isTimed: typeof ms, hasError: error !== undefined }
}
