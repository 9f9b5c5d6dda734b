/** Apps behind sockets and tunnels, and connections that are kept. @module */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import type { Endpoint } from '@labgate/contract'
import { createForwarding } from '../../../core/workspaces/proxy.ts'
import type { Way } from '../../../core/workspaces/workspaces.ts'
import { ask } from '../../support/workspace-visit.ts'

/** An app that says its name and how often it was connected to. */
async function appAt(t: TestContext, name: string, path?: string): Promise<Server & { connections(): number }> {
  let connections = 0
  const app = createServer((_, res) => void res.end(name)).on('connection', () => {
    connections += 1
  })
  app.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path })
  await once(app, 'listening')
  t.after(() => app.close())
  return Object.assign(app, { connections: () => connections })
}

/** A front of nothing but the forwarding. */
async function frontTo(t: TestContext, way: () => Pick<Way, 'endpoint' | 'life'>) {
  const troubles: string[] = []
  const forwarding = createForwarding({
    ...{ ownCookies: ['labgate'], maxBytes: 1000 },
    onTrouble: (error) => void troubles.push(error.message),
    onTraffic: () => undefined,
  })
  const front = createServer((req, res) => {
    // Only what forwarding reads.
    const rest = { headers: {}, basePath: '/', workspace: { id: 'w' }, profile: { preset: 'command' } }
    const asked = { host: 'w.localhost', path: req.url ?? '/', scheme: 'http', address: '127.0.0.1' }
    forwarding.web(req, res, { ...asked, way: { ...rest, ...way() } as unknown as Way })
  })
  front.listen(0, '127.0.0.1')
  await once(front, 'listening')
  t.after(() => {
    forwarding.close()
    front.close()
  })
  const { port } = front.address() as AddressInfo
  return { troubles, ask: () => ask({ port, host: 'w.localhost', path: '/' }) }
}

/** A channel as libraries give it: a stream, and no socket. */
function channelTo(port: number): Duplex {
  const socket = connect(port, '127.0.0.1')
  return Duplex.from({ readable: socket, writable: socket })
}

test('an app at a socket of its machine answers', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'labgate-socket-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'app.sock')
  await appAt(t, 'by socket', path)
  const front = await frontTo(t, () => ({ endpoint: { kind: 'unix', path }, life: '1' }))
  assert.equal((await front.ask()).body, 'by socket')
})

test('an app at the end of a tunnel answers over a channel that is kept', async (t) => {
  const app = await appAt(t, 'by tunnel')
  const { port } = app.address() as AddressInfo
  let opened = 0
  const open = async () => {
    opened += 1
    return channelTo(port)
  }
  const front = await frontTo(t, () => ({ endpoint: { kind: 'tunnel', open }, life: '1' }))
  for (let times = 0; times < 3; times++) assert.equal((await front.ask()).body, 'by tunnel')
  assert.equal(opened, 1)
})

test('jupyterhub#3855: after a restart no channel of the life before is used', async (t) => {
  const [before, after] = [await appAt(t, 'before'), await appAt(t, 'after')]
  const tunnel = (app: Server): Endpoint => ({
    kind: 'tunnel',
    open: async () => channelTo((app.address() as AddressInfo).port),
  })
  let way: Pick<Way, 'endpoint' | 'life'> = { endpoint: tunnel(before), life: '1' }
  const front = await frontTo(t, () => way)
  assert.equal((await front.ask()).body, 'before')
  way = { endpoint: tunnel(after), life: '2' }
  assert.equal((await front.ask()).body, 'after')
})

test('a tunnel that cannot be opened is an app that does not answer', async (t) => {
  const open = () => Promise.reject(new Error('no route'))
  const front = await frontTo(t, () => ({ endpoint: { kind: 'tunnel', open }, life: '1' }))
  const { status, body } = await front.ask()
  assert.equal(status, 502)
  assert.ok(!body.includes('no route'))
  assert.deepEqual(front.troubles, ['no route'])
})

test('a kept connection that the app closes in the same moment costs no answer', async (t) => {
  const app = await appAt(t, 'again')
  // Each connection answers once, and is reset by the second request.
  app.on('connection', (socket) => {
    let requests = 0
    socket.on('data', () => {
      requests += 1
      if (requests > 1) socket.resetAndDestroy()
    })
  })
  const { port } = app.address() as AddressInfo
  const front = await frontTo(t, () => ({ endpoint: { kind: 'tcp', host: '127.0.0.1', port }, life: '1' }))
  for (let times = 0; times < 5; times++) assert.equal((await front.ask()).body, 'again')
  assert.deepEqual(front.troubles, [])
})
