/** Apps and visitors who mean no good, at the hosts of workspaces. @module */
import assert from 'node:assert/strict'
import { type EventEmitter, once } from 'node:events'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join as joined } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { freePort } from '../support/labgate.ts'
import { type Answer, type Ask, ask, enter, join, type Person, signedIn } from '../support/workspace-visit.ts'
import { testProfiles, type WorkspaceWorld, workspaceWorld } from '../support/workspaces.ts'

const program = joined(import.meta.dirname, '../support/hostile-app.js')
const hostile = {
  preset: 'jupyter-notebook',
  runner: 'here',
  command: [process.execPath, program, '{bind}', '{port}', '{secrets}'],
}

suite('against what is hostile', () => {
  let world: WorkspaceWorld
  let port: number
  let carol: Person
  let id: string
  let cookie: string
  const room = () => world.site.labgate.rooms.get('workspaces')
  const host = (of = id) => `${of}.localhost:${port}`
  const get = (path: string, more: Partial<Ask> = {}): Promise<Answer> =>
    ask({ port, host: host(), path, ...more, headers: { cookie, ...more.headers } })
  /** The token that the proxy adds. */
  const token = async () => (await room().way(id, carol.account))?.headers.authorization?.split(' ')[1] ?? assert.fail()
  /** Says what it is given, byte by byte, and hears until the end. */
  const speak = async (words: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    let heard = ''
    socket.setEncoding('latin1').on('data', (part) => {
      heard += part
    })
    socket.write(words)
    await once(socket, 'close', { signal: AbortSignal.timeout(5000) }).finally(() => socket.destroy())
    return heard
  }

  const closed = (one: EventEmitter) =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('it stays open')), 3000)
      one
        .on('error', () => undefined)
        .once('close', () => {
          clearTimeout(timer)
          resolve()
        })
    })

  before(async () => {
    port = await freePort()
    world = await workspaceWorld(
      { workspaces: { origin: `http://*.localhost:${port}`, profiles: { ...testProfiles, hostile } } },
      { port },
    )
    carol = await signedIn(world, 'carol@example.org')
    id = (await world.ready(carol.account, 'hostile')).id
    cookie = await enter(world, carol, { port, host: host() })
  })
  after(() => world.stop())

  test('the token of an app comes to no browser: not in a page, in whatever pieces, not in a header, not in an address', async () => {
    const secret = await token()
    for (const path of ['/page', '/in-parts']) {
      const { status, body } = await get(path, { headers: { accept: 'text/html', 'accept-encoding': 'gzip' } })
      assert.equal(status, 200)
      assert.ok(!body.includes(secret), body)
      const blanks = ' '.repeat(secret.length)
      assert.equal(body, `<body data-jupyter-api-token="${blanks}"><a href="/tree?token=${blanks}">Home</a></body>`)
    }
    const { headers } = await get('/redirect')
    assert.equal(headers.location, '/lab?token=')
    assert.ok(!JSON.stringify(headers).includes(secret))
  })

  test('TRACE, which would echo it, is not done', async () => {
    assert.equal((await get('/heads', { method: 'TRACE', headers: { 'sec-fetch-site': 'same-origin' } })).status, 405)
  })

  test('an address that an app has inside becomes the one that browsers know; others are the app’s own business', async () => {
    assert.equal((await get('/inside')).headers.location, `http://${host()}/there?x=1#y`)
    assert.equal((await get('/outside')).headers.location, 'https://elsewhere.example/there')
  })

  test('an app gives no orders to proxies before us, nor to browsers beyond its own host', async () => {
    const { headers } = await get('/words')
    for (const name of ['clear-site-data', 'x-accel-redirect', 'x_accel_redirect', 'x-sendfile', 'alt-svc'])
      assert.equal(headers[name], undefined, name)
    assert.equal(headers['service-worker-allowed'], undefined)
    assert.equal(headers['x-accel-buffering'], 'no')
    assert.equal(headers['x-own'], 'kept')
  })

  test('no service worker of an app stands before the entrance, where tickets pass', async () => {
    const worker = { headers: { 'service-worker': 'script', 'sec-fetch-site': 'same-origin' } }
    assert.equal((await get('/page', worker)).status, 403)
    assert.equal((await get('/page?at=/a/b', worker)).status, 403)
    assert.equal((await get('/static/worker.js', worker)).status, 404, 'in a folder it is the app’s business')
  })

  test('odd answers neither hang nor hurt: 101 that nobody asked for, 103, 204 and 304 with bodies, garbage, two lengths, too much', async () => {
    for (const [path, ...wanted] of [
      ...[['/101', 502] as const, ['/103', 200] as const, ['/204', 204, 502] as const, ['/304', 304] as const],
      ...[['/garbage', 502] as const, ['/both', 502] as const, ['/huge', 502] as const, ['/nothing', 502] as const],
    ]) {
      const { status, body } = await get(path)
      assert.ok(
        wanted.some((one) => one === status),
        `${path}: ${status}`,
      )
      if (path === '/103') assert.equal(body, 'hinted')
      assert.equal((await get('/heads')).status, 200, `after ${path}`)
    }
  })

  test('requests that two readers could take for different ones are refused', async () => {
    const start = `GET /heads HTTP/1.1\r\nHost: ${host()}\r\nCookie: ${cookie}\r\n`
    const post = `POST /heads HTTP/1.1\r\nHost: ${host()}\r\nCookie: ${cookie}\r\nOrigin: http://${host()}\r\n`
    for (const words of [
      `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
      `${post}Content-Length: +5\r\n\r\nhello`,
      `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
      `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
      `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
      `${start}X: a\n b\r\nConnection: close\r\n\r\n`,
    ]) {
      const heard = await speak(words)
      assert.match(heard, /^HTTP\/1\.1 4\d\d /, JSON.stringify([words, heard]))
      assert.equal(heard.split('HTTP/1.1 ').length, 2, 'one answer')
    }
    const two = await speak(`${start}Host: localhost:${port}\r\nConnection: close\r\n\r\n`)
    assert.match(two, /^HTTP\/1\.1 4\d\d /, 'two hosts')
    const huge = await speak(`${start}X-Huge: ${'x'.repeat(20_000)}\r\n\r\n`)
    assert.match(huge, /^HTTP\/1\.1 431 /)
  })

  test('`Connection` takes away nothing that tells who asks, where to, or how much', async () => {
    const named = ['cookie', 'host', 'origin', 'content-length', 'x-forwarded-for', 'authorization'].join(', ')
    const { body } = await get('/heads', { headers: { connection: `close, ${named}`, cookie: `theirs=1; ${cookie}` } })
    const head: string = JSON.parse(body)
    assert.match(head, new RegExp(`^host: ${host()}$`, 'im'))
    assert.match(head, /^cookie: theirs=1$/im)
    assert.match(head, /^x-forwarded-for: 127\.0\.0\.1$/im)
    assert.match(head, new RegExp(`^authorization: token ${await token()}$`, 'im'))
  })

  test('a WebSocket that announces a body is refused: an app would take the next visitor’s request for it', async () => {
    const at = { port, host: host(), path: '/unread', headers: { cookie, origin: `http://${host()}` } }
    assert.equal(await join(at), 403, 'the app’s own answer')
    for (const body of [{ 'content-length': '40' }, { 'transfer-encoding': 'chunked' }])
      assert.equal(await join({ ...at, headers: { ...at.headers, ...body } }), 400)
    assert.equal((await get('/heads')).status, 200)
  })

  test('whoever is refused a WebSocket and keeps the connection loses it', async () => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => undefined).resume()
    const lines = ['GET / HTTP/1.1', `Host: ${host()}`, 'Connection: Upgrade', 'Upgrade: websocket', '', '']
    socket.write(lines.join('\r\n'))
    await once(socket, 'end', { signal: AbortSignal.timeout(3000) })
    // Nobody is there any more who would read.
    const more = setInterval(() => socket.write('still here'), 20)
    await closed(socket).finally(() => clearInterval(more))
  })

  test('what is open ends with its session: answers under way as well as WebSockets', async () => {
    const erin = await signedIn(world, 'erin@example.org')
    const { id: hers } = await world.ready(erin.account)
    const at = { port, host: host(hers) }
    const own = await enter(world, erin, at)
    const asked = request({
      host: '127.0.0.1',
      port,
      path: '/events',
      agent: false,
      headers: { host: at.host, cookie: own },
    })
    asked.on('error', () => undefined).end()
    const [events] = await once(asked, 'response')
    const socket = (await join({ ...at, path: '/s', headers: { cookie: own, origin: `http://${at.host}` } })) as Socket
    const ends = [events, socket].map((one) => closed(one.resume()))
    await world.site.labgate.rooms.get('accounts').setState(erin.account, 'deactivated')
    await Promise.all(ends)
    await world.until(hers, 'stopped')
  })

  test('a guest who is shut out loses what is open, at once; the owner does not', async () => {
    const frank = await signedIn(world, 'frank@example.org')
    const { id: shared } = await world.ready(carol.account)
    await room().invite(world.as(carol.account), shared, frank.account)
    const at = { port, host: host(shared), path: '/s' }
    const [theirs, hers] = await Promise.all(
      [frank, carol].map(async (who) => {
        const own = await enter(world, who, at)
        return (await join({ ...at, headers: { cookie: own, origin: `http://${at.host}` } })) as Socket
      }),
    )
    const gone = closed(theirs?.resume() ?? assert.fail())
    await room().uninvite(world.as(carol.account), shared, frank.account)
    await gone
    assert.equal(hers?.destroyed, false)
    hers?.destroy()
    await room().stop(world.as(carol.account), shared)
    await world.until(shared, 'stopped')
  })

  test('a lease that is over lets nobody in, however late it is ended', async () => {
    assert.equal((await get('/heads')).status, 200)
    const { leaseEndsAt } = (await room().find(id)) ?? assert.fail()
    world.clock.forward((leaseEndsAt.getTime() - world.clock.now().getTime()) / 1000 + 1)
    assert.equal((await get('/heads')).status, 404)
    assert.equal(await room().way(id, carol.account), undefined)
    assert.equal((await room().find(id))?.state, 'ready', 'nobody has looked yet')
    await room().extend(world.as(carol.account), id)
    assert.ok(await room().way(id, carol.account))
  })
})
