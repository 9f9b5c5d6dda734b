import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Fault } from '@labgate/contract'
import { allowFormTo } from '../../../core/http/headers.ts'
import { answering, startApp } from '../../support/outer-app.ts'

const html = { accept: 'text/html' }

describe('the outer app', () => {
  let server: Awaited<ReturnType<typeof startApp>>
  before(async () => {
    server = await startApp()
    const { app } = server
    app.use(async (ctx, next) => {
      ctx.set('X-Step', 'ran')
      await next()
    })
    app.routes.add(
      {
        method: 'GET',
        path: '/items/:id',
        handler: (ctx) => {
          ctx.body = `item ${ctx.params.id}`
        },
      },
      { method: 'GET', path: '/items/new', handler: answering('the form') },
      {
        method: 'POST',
        path: '/items/new',
        body: { type: 'form' },
        handler: (ctx) => {
          ctx.body = ctx.state.form?.get('a')
        },
      },
      {
        method: 'POST',
        path: '/guarded',
        guard: (ctx) => {
          ctx.redirect('/sign-in')
          return 'answered'
        },
        handler: answering('inside'),
      },
      {
        method: 'GET',
        path: '/broken',
        handler: (ctx) => {
          ctx.set({ 'X-Kept': 'yes', ETag: '"x"' })
          throw new Error('the inside of the house')
        },
      },
      {
        method: 'GET',
        path: '/operator',
        handler: () => {
          throw new Fault('ERR_MAIL', 'mail.internal answered 535', { detail: { host: 'mail.internal' } })
        },
      },
      {
        method: 'GET',
        path: '/form',
        handler: (ctx) => {
          allowFormTo(ctx, 'https://upstream.example/authorize?x=1')
          ctx.body = 'page'
        },
      },
      { method: 'GET', path: '/limited', rate: { count: 2, seconds: 60 }, handler: answering('ok') },
      { method: 'GET', path: '/open', cors: 'any', handler: answering('ok') },
      { method: 'POST', path: '/open', cors: 'any', handler: answering('ok') },
      { method: 'PUT', path: '/listed', cors: ['https://app.example'], handler: answering('ok') },
      {
        method: 'PUT',
        path: '/dialect',
        cors: 'any',
        csrf: 'off',
        onError: (fault, ctx) => {
          ctx.body = { dialect: fault.code }
        },
        handler: () => {
          throw new Fault('ERR_FORBIDDEN', 'no')
        },
      },
      { host: 'other.example', method: 'GET', path: '/items/new', handler: answering('elsewhere') },
    )
  })
  after(() => server.close())

  test('runs the route whose pattern has fewer parameters', async () => {
    assert.equal((await server.send({ path: '/items/7' })).text, 'item 7')
    assert.equal((await server.send({ path: '/items/new' })).text, 'the form')
  })

  test('serves each host its own routes only', async () => {
    const there = await server.send({ path: '/items/new', headers: { host: 'other.example' } })
    assert.equal(there.text, 'elsewhere')
    assert.equal((await server.send({ path: '/items/7', headers: { host: 'other.example' } })).status, 404)
  })

  test('refuses every other Host with 421', async () => {
    for (const host of ['evil.example', 'localhost', `localhost:${server.port + 1}`, `a@localhost:${server.port}`, ''])
      assert.equal((await server.send({ path: '/items/new', headers: { host } })).status, 421, host)
  })

  test('tells a person at another spelling of this machine which address to use, without the query', async () => {
    const reply = await server.send({ path: '/items/7?code=x', headers: { ...html, host: `127.0.0.1:${server.port}` } })
    assert.equal(reply.status, 421)
    assert.match(reply.text, new RegExp(`href="http://localhost:${server.port}/items/7"`))
  })

  test('gives a stranger host no address', async () => {
    const reply = await server.send({ path: '/items/7', headers: { ...html, host: 'evil.example' } })
    assert.match(reply.text, /href=""/)
  })

  test('makes the request id itself', async () => {
    const reply = await server.send({ path: '/items/7', headers: { 'x-request-id': 'mine' } })
    assert.match(String(reply.headers['x-request-id']), /^[\w-]{16}$/)
  })

  test('sets the security headers on pages and on errors', async () => {
    for (const path of ['/items/7', '/none', '/broken']) {
      const { headers } = await server.send({ path, headers: html })
      assert.equal(headers['x-content-type-options'], 'nosniff', path)
      assert.equal(headers['referrer-policy'], 'same-origin', path)
      assert.equal(headers['cross-origin-opener-policy'], 'same-origin', path)
      assert.equal(headers['cache-control'], 'no-store', path)
      const csp = String(headers['content-security-policy'])
      assert.match(csp, /default-src 'none'.*form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/, path)
      assert.doesNotMatch(csp, /unsafe/)
    }
  })

  test('gives each response another nonce', async () => {
    const nonce = async () =>
      /nonce-([\w-]{22})'/.exec(String((await server.send({ path: '/form' })).headers['content-security-policy']))?.[1]
    const [one, two] = [await nonce(), await nonce()]
    assert.ok(one)
    assert.notEqual(one, two)
  })

  test('lets forms lead to the origin that the page named', async () => {
    const { headers } = await server.send({ path: '/form' })
    assert.match(String(headers['content-security-policy']), /form-action 'self' https:\/\/upstream\.example;/)
  })

  test('sends HSTS only when the issuer is https', async () => {
    assert.equal((await server.send({ path: '/form' })).headers['strict-transport-security'], undefined)
    const secure = await startApp({ issuer: 'https://labgate.example' })
    const { headers } = await secure.send({ path: '/' })
    await secure.close()
    assert.equal(headers['strict-transport-security'], 'max-age=31536000')
  })

  test('a path without parameters comes before a pattern that fits it, for HEAD as for GET', async () => {
    assert.equal((await server.send({ path: '/items/new' })).text, 'the form')
    assert.equal((await server.send({ path: '/items/newer' })).text, 'item newer')
    const head = await server.send({ method: 'HEAD', path: '/items/new' })
    assert.deepEqual([head.status, head.headers['content-length']], [200, String('the form'.length)])
    for (const path of ['/items/new/', '/ITEMS/new', '/items/new%20', '//items/new'])
      assert.notEqual((await server.send({ path })).text, 'the form', path)
  })

  test('answers 404, 405 with Allow, and OPTIONS', async () => {
    assert.equal((await server.send({ path: '/none' })).status, 404)
    const wrong = await server.send({ method: 'DELETE', path: '/items/new' })
    assert.equal(wrong.status, 405)
    assert.deepEqual(String(wrong.headers.allow).split(', ').sort(), ['GET', 'HEAD', 'OPTIONS', 'POST'])
    assert.equal((await server.send({ method: 'OPTIONS', path: '/items/new' })).status, 204)
  })

  test('shows nothing of an error that nobody foresaw, and keeps all of it in the log under the same id', async () => {
    const reply = await server.send({ path: '/broken' })
    assert.equal(reply.status, 500)
    const requestId = reply.headers['x-request-id']
    assert.deepEqual(JSON.parse(reply.text), { error: 'ERR_INTERNAL', request_id: requestId })
    const line = server.kept.lines().find((entry) => entry.level === 'error' && entry.requestId === requestId)
    assert.match(JSON.stringify(line), /the inside of the house/)
  })

  test('keeps the headers set before an error, but not those of the body', async () => {
    const { headers } = await server.send({ path: '/broken' })
    assert.equal(headers['x-kept'], 'yes')
    assert.equal(headers['x-step'], 'ran')
    assert.equal(headers.etag, undefined)
  })

  test('shows no message that is for the operator', async () => {
    const reply = await server.send({ path: '/operator', headers: html })
    assert.equal(reply.status, 502)
    assert.doesNotMatch(reply.text, /mail\.internal/)
  })

  test('answers a page to a browser and JSON to anybody else', async () => {
    assert.match(String((await server.send({ path: '/none', headers: html })).headers['content-type']), /^text\/html/)
    assert.match(String((await server.send({ path: '/none' })).headers['content-type']), /^application\/json/)
  })

  test('refuses a change that the browser does not vouch for (S13)', async () => {
    const post = (headers: Record<string, string>) =>
      server.send({
        method: 'POST',
        path: '/items/new',
        body: 'a=1',
        headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      })
    assert.equal((await post({ origin: server.issuer })).text, '1')
    assert.equal((await post({ 'sec-fetch-site': 'same-origin' })).status, 200)
    for (const headers of [
      {},
      { origin: 'null' },
      { origin: 'https://evil.example' },
      { origin: `http://127.0.0.1:${server.port}` },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: server.issuer, 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    ])
      assert.equal((await post(headers as Record<string, string>)).status, 403, JSON.stringify(headers))
  })

  test('does not run a handler whose guard has answered', async () => {
    const reply = await server.send({ method: 'POST', path: '/guarded', headers: { origin: server.issuer } })
    assert.equal(reply.status, 302)
    assert.equal(reply.headers.location, '/sign-in')
  })

  test('limits a route by address and says when to come back', async () => {
    const statuses: number[] = []
    for (let time = 0; time < 3; time++) statuses.push((await server.send({ path: '/limited' })).status)
    assert.deepEqual(statuses, [200, 200, 429])
    const { headers } = await server.send({ path: '/limited' })
    assert.ok(Number(headers['retry-after']) > 50)
  })

  test('gives CORS headers where a route says so, and to listed origins only', async () => {
    const preflight = (path: string, origin: string) =>
      server.send({ method: 'OPTIONS', path, headers: { origin, 'access-control-request-method': 'PUT' } })
    assert.equal(
      (await server.send({ path: '/items/7', headers: { origin: 'https://app.example' } })).headers[
        'access-control-allow-origin'
      ],
      undefined,
    )
    assert.equal((await server.send({ path: '/open' })).headers['access-control-allow-origin'], '*')
    const listed = await preflight('/listed', 'https://app.example')
    assert.equal(listed.headers['access-control-allow-origin'], 'https://app.example')
    assert.equal(listed.headers['access-control-allow-credentials'], 'true')
    const stranger = await preflight('/listed', 'https://evil.example')
    assert.equal(stranger.headers['access-control-allow-origin'], undefined)
    const put = (origin: string) =>
      server.send({ method: 'PUT', path: '/listed', headers: { origin, 'sec-fetch-site': 'cross-site' } })
    assert.equal((await put('https://app.example')).status, 200)
    assert.equal((await put('https://evil.example')).status, 403)
  })

  test('answers errors in the dialect of a route, CORS headers included', async () => {
    const reply = await server.send({ method: 'PUT', path: '/dialect' })
    assert.equal(reply.status, 403)
    assert.deepEqual(JSON.parse(reply.text), { dialect: 'ERR_FORBIDDEN' })
    assert.equal(reply.headers['access-control-allow-origin'], '*')
  })

  test('CORS for everybody is for reading: a sibling host cannot act with the cookies of a person', async () => {
    const post = (headers: Record<string, string>) => server.send({ method: 'POST', path: '/open', headers })
    const sibling = { origin: 'https://notebooks.id.example.org', 'sec-fetch-site': 'same-site' }
    assert.equal((await post(sibling)).status, 403)
    assert.equal((await post({ 'sec-fetch-site': 'same-origin' })).status, 200)
  })

  test('logs the pattern of a known route and never its path or a query', async () => {
    await server.send({ path: '/items/a-secret-link?code=another-secret' })
    assert.doesNotMatch(server.kept.text(), /a-secret-link|another-secret/)
    assert.ok(server.kept.lines().some((line) => line.route === '/items/:id' && line.status === 200))
  })
})
