import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isFault } from '@labgate/contract'
import { listen } from '../../../core/http/listen.ts'
import { send } from '../../support/outer-app.ts'

const host = '127.0.0.1'

async function startHeld() {
  const held = Promise.withResolvers<ServerResponse>()
  const handler = (req: IncomingMessage, res: ServerResponse) => {
    if (req.url === '/slow') held.resolve(res)
    else res.end('quick')
  }
  return { held: held.promise, server: await listen({ handler, place: { host, port: 0 } }) }
}

test('close() finishes the request under way, closes idle connections and takes no new ones', async () => {
  const { held, server } = await startHeld()
  const port = server.port ?? 0
  const idle = connect(port, host)
  const idleGone = new Promise((resolve) => idle.once('close', resolve))
  idle.write('GET /quick HTTP/1.1\r\nHost: x\r\n\r\n')
  await new Promise((resolve) => idle.once('data', resolve))
  const slow = send(port, { path: '/slow' })
  const response = await held
  const closed = server.close({ graceSeconds: 5 })
  await idleGone
  await assert.rejects(send(port, { path: '/quick' }), { code: 'ECONNREFUSED' })
  response.end('finished')
  const reply = await slow
  assert.equal(reply.text, 'finished')
  assert.equal(reply.headers.connection, 'close')
  await closed
})

test('close() cuts off what still runs after the grace', async () => {
  const { held, server } = await startHeld()
  const slow = send(server.port ?? 0, { path: '/slow' })
  await held
  const started = performance.now()
  await Promise.all([assert.rejects(slow, { code: 'ECONNRESET' }), server.close({ graceSeconds: 0.1 })])
  assert.ok(performance.now() - started < 2000)
})

test('a request without a body has ended when it comes, can be read and passed on; who leaves is told by the response', async () => {
  const arrived = Promise.withResolvers<readonly [IncomingMessage, ServerResponse]>()
  const server = await listen({ handler: (req, res) => arrived.resolve([req, res]), place: { host, port: 0 } })
  try {
    const client = connect(server.port ?? 0, host)
    // As `curl -X POST` says it: neither a length nor pieces (RFC 9112 §6.3).
    client.write('POST /anything HTTP/1.1\r\nHost: x\r\n\r\n')
    const [req, res] = await arrived.promise
    assert.equal(req.readableEnded, true)
    const onwards = new PassThrough()
    req.pipe(onwards)
    assert.equal((await onwards.toArray()).length, 0)
    assert.equal((await req.toArray()).length, 0)
    const gone = new Promise((resolve) => res.once('close', resolve))
    client.destroy()
    await gone
    assert.equal(res.writableFinished, false)
  } finally {
    await server.close({ graceSeconds: 0 })
  }
})

test('close() may be called twice', async () => {
  const { server } = await startHeld()
  await Promise.all([server.close({ graceSeconds: 1 }), server.close({ graceSeconds: 1 })])
})

test('listen() says which place is taken', async () => {
  const { server } = await startHeld()
  const again = listen({ handler: (_req, res) => res.end(), place: { host, port: server.port ?? 0 } })
  await assert.rejects(
    again,
    (error) => isFault(error) && error.code === 'ERR_CONFIG' && error.message.includes(`${host}:${server.port}`),
  )
  await server.close({ graceSeconds: 0 })
})

function getBySocket(socketPath: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path: '/' }, (response) => resolve(response.resume().statusCode))
      .once('error', reject)
      .end()
  })
}

test('listen() on a unix socket replaces a dead one, keeps off a live one and off other files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-listen-'))
  const socket = join(folder, 'labgate.sock')
  const handler = (_req: IncomingMessage, res: ServerResponse) => void res.end()
  await writeFile(join(folder, 'file'), 'precious')
  await assert.rejects(listen({ handler, place: { socket: join(folder, 'file') } }), { code: 'ERR_CONFIG' })
  // A killed process leaves its socket behind.
  const { spawnSync } = await import('node:child_process')
  const script = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script])
  assert.ok((await stat(socket)).isSocket())
  const server = await listen({ handler, place: { socket } })
  assert.equal((await stat(socket)).mode & 0o777, 0o660)
  assert.equal(await getBySocket(socket), 200)
  await assert.rejects(listen({ handler, place: { socket } }), { code: 'ERR_CONFIG' })
  await server.close({ graceSeconds: 0 })
  await rm(folder, { recursive: true })
})

test('a connection that sends no headers does not hold up close()', async () => {
  const { server } = await startHeld()
  const silent = connect(server.port ?? 0, host)
  silent.on('error', () => undefined)
  await new Promise((resolve) => silent.once('connect', resolve))
  await sleep(20)
  const started = performance.now()
  await server.close({ graceSeconds: 0.2 })
  silent.destroy()
  assert.ok(performance.now() - started < 2000)
})

test('the port of a listener is free again after close()', async () => {
  const { server } = await startHeld()
  await server.close({ graceSeconds: 0 })
  const again = createServer().listen(server.port, host)
  await new Promise((resolve, reject) => again.once('listening', resolve).once('error', reject))
  again.close()
})

test('a body that does not come is cut off with 408, unless its route is patient', async () => {
  const server = await listen({
    handler(req, res) {
      req.resume().once('end', () => res.end('whole'))
      req.on('error', () => undefined)
    },
    place: { host, port: 0 },
    isPatient: ({ url }) => url === '/upload',
    bodySeconds: 0.2,
  })
  const slowly = (path: string) =>
    new Promise<number>((resolve, reject) => {
      const asked = request({ host, port: server.port, path, method: 'POST', headers: { 'content-length': 2 } })
      asked.on('response', (answer) => {
        answer.resume()
        resolve(answer.statusCode ?? 0)
      })
      asked.on('error', reject)
      asked.write('1')
      setTimeout(() => asked.end('2'), 600)
    })
  assert.deepEqual(await Promise.all([slowly('/ordinary').catch(() => 408), slowly('/upload')]), [408, 200])
  await server.close({ graceSeconds: 0 })
})

test('a place that cannot be had is told with what mends it', async () => {
  const handler = (_req: IncomingMessage, res: ServerResponse) => void res.end()
  for (const [place, wanted] of [
    [{ host: '203.0.113.7', port: 0 }, /203\.0\.113\.7:0: this machine has no such address; `host: 0\.0\.0\.0`/],
    [
      { socket: `/tmp/${'s'.repeat(120)}` },
      /: the system takes no such place; the path of a socket has at most 107 bytes$/,
    ],
    [{ socket: '/nowhere/labgate.sock' }, /\/nowhere\/labgate\.sock: that is not allowed; .*folder of a socket/],
  ] as const)
    await assert.rejects(listen({ handler, place }), { code: 'ERR_CONFIG', message: wanted })
})
