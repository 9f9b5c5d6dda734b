/** What passes between browsers and apps, and what does not. @module */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { freePort } from '../support/labgate.ts'
import {
  type Answer,
  type Ask,
  ask,
  enter,
  frame,
  join,
  type Person,
  signedIn,
  ticketFor,
} from '../support/workspace-visit.ts'
import { type WorkspaceWorld, workspaceWorld } from '../support/workspaces.ts'

suite('the way to an app', () => {
  let world: WorkspaceWorld
  let port: number
  let carol: Person
  let dave: Person
  let id: string
  let cookie: string
  const room = () => world.site.labgate.rooms.get('workspaces')
  const host = (of = id) => `${of}.localhost:${port}`
  const get = (path: string, more: Partial<Ask> = {}): Promise<Answer> =>
    ask({ port, host: host(), path, ...more, headers: { cookie, ...more.headers } })
  const echoed = async (more: Partial<Ask> = {}) => {
    const answer = await get('/echo', more)
    assert.equal(answer.status, 200, answer.body)
    return JSON.parse(answer.body) as { headers: Record<string, string>; url: string; length: number }
  }

  before(async () => {
    port = await freePort()
    world = await workspaceWorld({ workspaces: { origin: `http://*.localhost:${port}`, maxUpload: '300m' } }, { port })
    carol = await signedIn(world, 'carol@example.org')
    dave = await signedIn(world, 'dave@example.org')
    id = (await world.ready(carol.account)).id
    cookie = await enter(world, carol, { port, host: host() })
  })
  after(() => world.stop())

  test('the app gets no cookie of ours and nobody’s word for who they are, however it is spelt', async () => {
    const claims = ['X-Forwarded-User', 'x_forwarded_user', 'Remote-User', 'REMOTE_USER', 'X-Remote_User', 'X-Real-IP']
    const more = ['X-Auth-Request-Email', 'x_labgate_account', 'Forwarded', 'X-RStudio-UserIdentity', 'X-Original-URL']
    const { headers } = await echoed({
      headers: {
        ...Object.fromEntries([...claims, ...more].map((name) => [name, 'root'])),
        cookie: `theirs=1; ${cookie}; =labgate_session=x; LABGATE_other=2; more=3`,
        connection: 'keep-alive, X-Secret-Hop',
        'x-secret-hop': '1',
        'proxy-authorization': 'Basic eA==',
        te: 'trailers',
        authorization: 'Bearer of-the-browser',
      },
    })
    assert.ok(!Object.values(headers).includes('root'), JSON.stringify(headers))
    assert.equal(headers.cookie, 'theirs=1; more=3')
    for (const name of ['x-secret-hop', 'proxy-authorization', 'te']) assert.equal(headers[name], undefined, name)
    assert.match(headers.authorization ?? '', /^token /)
  })

  test('rsession-proxy#158: Host, Origin and address are the browser’s', async () => {
    const { headers } = await echoed({
      method: 'POST',
      headers: { origin: `http://${host()}`, 'x-forwarded-host': 'evil.example', 'x-forwarded-for': '6.6.6.6' },
    })
    assert.equal(headers.host, host())
    assert.equal(headers.origin, `http://${host()}`)
    assert.equal(headers['x-forwarded-host'], host())
    assert.equal(headers['x-forwarded-for'], '127.0.0.1')
    assert.equal(headers['x-forwarded-proto'], 'http')
  })

  test('a path comes to the app as it was sent', async () => {
    for (const path of ['/echo/a%2Fb//c/./d?x=1&y=%20?z', '/echo?a=1?b=2'])
      assert.equal(JSON.parse((await get(path)).body).url, path)
  })

  test('an app’s cookies stay at its host and take no name of ours; nobody else frames it', async () => {
    const { headers } = await get('/cookies')
    assert.deepEqual(headers['set-cookie'], ['theirs=1; Path=/', 'plain=2; Secure'])
    assert.match(String(headers['content-security-policy']), /frame-ancestors 'self'/)
    assert.equal(headers['x-frame-options'], 'SAMEORIGIN')
  })

  test('another workspace’s page neither acts nor reads here; a link leads here', async () => {
    const other = `http://w000000000000000.localhost:${port}`
    const refused = async (more: Partial<Ask>) =>
      assert.equal((await get('/echo', more)).status, 403, JSON.stringify(more))
    await refused({ method: 'POST', headers: { origin: other } })
    await refused({ method: 'POST', headers: { origin: 'null' } })
    await refused({ method: 'POST' })
    await refused({ method: 'DELETE', headers: { 'sec-fetch-site': 'same-site' } })
    await refused({ headers: { origin: other } })
    await refused({ method: 'OPTIONS', headers: { origin: other, 'access-control-request-method': 'PUT' } })
    const from = (site: string, mode: string, dest: string) => ({
      headers: { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest },
    })
    await refused(from('same-site', 'no-cors', 'script'))
    await refused(from('cross-site', 'no-cors', 'image'))
    await refused(from('same-site', 'navigate', 'iframe'))
    assert.equal((await get('/echo', from('same-site', 'navigate', 'document'))).status, 200)
    assert.equal((await get('/echo', from('same-origin', 'cors', 'empty'))).status, 200)
    const socket = { port, host: host(), path: '/socket' }
    assert.equal(await join({ ...socket, headers: { cookie, origin: other } }), 403)
    assert.equal(await join({ ...socket, headers: { cookie } }), 403)
    assert.equal(await join({ ...socket, headers: { origin: `http://${host()}` } }), 401)
    assert.equal(await join({ ...socket, headers: { cookie, origin: `http://${host()}`, upgrade: 'h2c' } }), 400)
  })

  test('launchpad 2.5: a workspace of somebody else is none, for whoever is signed in', async () => {
    const at = { port, host: host() }
    const { link } = await ticketFor(world, dave, at)
    assert.equal(link.href, `${world.site.issuer}/workspaces/${id}`)
    const mine = await world.ready(dave.account)
    const own = await enter(world, dave, { port, host: host(mine.id) })
    assert.equal((await ask({ ...at, path: '/echo', headers: { cookie: own } })).status, 401, 'a cookie is of one host')
    await room().invite(world.as(carol.account), id, dave.account)
    const guest = await enter(world, dave, at)
    assert.equal((await ask({ ...at, path: '/echo', headers: { cookie: guest } })).status, 200)
    await room().uninvite(world.as(carol.account), id, dave.account)
    assert.equal((await ask({ ...at, path: '/echo', headers: { cookie: guest } })).status, 404)
    await room().stop(world.as(dave.account), mine.id)
  })

  test('a ticket counts once, soon, at its host, in its browser, and leads nowhere else', async () => {
    const at = { port, host: host() }
    const come = async (link: URL, nonce: string, where = at) =>
      ask({ ...where, path: link.pathname + link.search, headers: { cookie: nonce } })
    const one = await ticketFor(world, carol, at)
    assert.equal((await come(one.link, 'labgate_session_enter=other')).status, 403)
    assert.equal((await come(one.link, one.nonce)).status, 403, 'it was shown in another browser')
    const two = await ticketFor(world, carol, at)
    assert.equal((await come(two.link, two.nonce, { port, host: host('w000000000000000') })).status, 403)
    const late = await ticketFor(world, carol, at)
    world.clock.forward(61)
    assert.equal((await come(late.link, late.nonce)).status, 403)
    for (const path of ['//evil.example/', '/\\evil.example', '/%2F/evil.example']) {
      const { link, nonce } = await ticketFor(world, carol, { ...at, path })
      const came = await come(link, nonce)
      if (came.status !== 303) continue
      assert.equal(new URL(String(came.headers.location), `http://${host()}`).host, host(), path)
    }
  })

  test('the issuer’s pages are not at a workspace’s host, nor apps at the issuer’s', async () => {
    const page = await get('/account')
    assert.equal(JSON.parse(page.body).url, '/account', 'the app’s own')
    const issuer = `localhost:${port}`
    const app = await ask({ port, host: issuer, path: '/echo', headers: { cookie, 'x-forwarded-host': host() } })
    assert.equal(app.status, 404)
    for (const strange of [
      `x.localhost:${port}`,
      `w1.localhost:${port}`,
      `${id}.localhost.evil.example`,
      `a.${host()}`,
    ])
      assert.ok((await ask({ port, host: strange, path: '/echo', headers: { cookie } })).status >= 400, strange)
    const absolute = await ask({ port, host: issuer, path: `http://${host()}/echo`, headers: { cookie } })
    assert.ok(absolute.status >= 400)
  })

  test('too much is refused, with a length and without; as much as may is passed on as it comes', async () => {
    const origin = `http://${host()}`
    const large = await get('/echo', {
      method: 'POST',
      headers: { origin, 'content-length': 301 * 1024 ** 2 },
      body: 'x',
    }).catch((error: Error) => error)
    assert.equal('status' in large ? large.status : large.message, 413)
    const send = (parts: number, headers = {}) =>
      new Promise<number>((resolve, reject) => {
        const part = Buffer.alloc(1024 * 1024)
        const asked = request({
          ...{ host: '127.0.0.1', port, path: '/echo', method: 'POST', agent: false },
          headers: { host: host(), cookie, origin, ...headers },
        })
        asked.on('response', (answer) => {
          answer.resume()
          resolve(answer.statusCode ?? 0)
        })
        asked.on('error', reject)
        let left = parts
        const more = (): void => {
          while (left-- > 0) if (!asked.write(part)) return void asked.once('drain', more)
          asked.end()
        }
        more()
      })
    assert.equal(await send(310).catch(() => 413), 413)
    const before = process.memoryUsage().rss
    assert.equal(await send(200), 200)
    const grown = (process.memoryUsage().rss - before) / 1024 ** 2
    assert.ok(grown < 120, `${grown} MB for an upload of 200`)
    assert.equal(
      (await get('/echo', { method: 'DELETE', headers: { origin, 'transfer-encoding': 'chunked' }, body: 'x' })).status,
      411,
    )
  })

  test('a slow reader makes the app wait, and not Labgate’s memory grow', async () => {
    const socket = connect(port, '127.0.0.1')
    const before = process.memoryUsage().rss
    socket.write(`GET /flood HTTP/1.1\r\nHost: ${host()}\r\nCookie: ${cookie}\r\n\r\n`)
    await once(socket, 'readable')
    await new Promise((done) => setTimeout(done, 1000))
    const grown = (process.memoryUsage().rss - before) / 1024 ** 2
    socket.destroy()
    assert.ok(grown < 60, `${grown} MB of the 200 that nobody reads`)
  })

  test('events pass at once, their head before the first of them', async () => {
    const asked = request({ host: '127.0.0.1', port, path: '/events', agent: false, headers: { host: host(), cookie } })
    asked.on('error', () => undefined)
    asked.end()
    const [answer] = await once(asked, 'response', { signal: AbortSignal.timeout(2000) })
    assert.equal(answer.headers['content-type'], 'text/event-stream')
    asked.destroy()
  })

  test('what breaks off at the app breaks off here; what takes long is waited for', async () => {
    await assert.rejects(get('/break'))
    assert.equal((await get('/slowly')).status, 200)
  })

  test('a browser that resets its WebSocket ends nothing but that', async () => {
    const socket = (await join({
      port,
      host: host(),
      path: '/socket',
      headers: { cookie, origin: `http://${host()}` },
    })) as Socket
    socket.write(frame('hello'))
    const [answer] = await once(socket, 'data')
    assert.equal(answer.subarray(2).toString(), 'hello')
    socket.resetAndDestroy()
    await new Promise((done) => setTimeout(done, 50))
    assert.equal((await get('/echo')).status, 200)
  })

  test('a session that ends takes its WebSockets and every further request with it, at once', async () => {
    const erin = await signedIn(world, 'erin@example.org')
    const { id: hers } = await world.ready(erin.account)
    const at = { port, host: host(hers) }
    const own = await enter(world, erin, at)
    const socket = (await join({ ...at, path: '/s', headers: { cookie: own, origin: `http://${at.host}` } })) as Socket
    const closed = once(socket, 'close', { signal: AbortSignal.timeout(3000) })
    socket.resume()
    await world.site.labgate.rooms.get('sessions').endAll(erin.account)
    await closed
    assert.equal((await ask({ ...at, path: '/echo', headers: { cookie: own } })).status, 401)
  })

  test('an app that is dead is 502, and one that was restarted is found anew', async () => {
    const before = await world.app(id, 'hello')
    assert.equal(before.status, 200)
    assert.equal((await get('/hello')).status, 200)
    for (const pid of world.processes()) process.kill(pid, 'SIGKILL')
    while (world.processes().length > 0) await new Promise((done) => setTimeout(done, 10))
    assert.equal((await get('/hello')).status, 502)
    await room().restart(world.as(carol.account), id)
    await world.until(id, 'stopping', 'reserved', 'starting')
    assert.equal((await get('/hello')).status, 404)
    await world.until(id, 'ready')
    assert.equal((await get('/hello')).status, 200)
  })
})
