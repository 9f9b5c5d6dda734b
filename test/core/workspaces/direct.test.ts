/** Ways past the proxy: ports that are really bound, credentials shown once, and nothing that outlives its workspace. @module */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { after, before, suite, test } from 'node:test'
import type { Workspace } from '../../../core/workspaces/model.ts'
import { freePort } from '../../support/labgate.ts'
import { testProfiles, type WorkspaceWorld, workspaceWorld } from '../../support/workspaces.ts'

const { notebook, crashing } = testProfiles
/** Somebody else on this machine. */
async function squatter(port: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy())
  await once(server.listen(port, '127.0.0.1'), 'listening')
  return server
}

async function connection(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

const portOf = ({ direct }: Workspace) => Number(direct?.address?.split(':')[1] ?? assert.fail('it has no port'))
const isShut = (port: number) => assert.rejects(connection(port), { code: 'ECONNREFUSED' })

suite('past the proxy', () => {
  let world: WorkspaceWorld
  let from: number
  const room = () => world.site.labgate.rooms.get('workspaces')
  const find = async (id: string) => (await room().find(id)) ?? assert.fail(id)
  const stop = async ({ id }: Workspace) => {
    await room().stop(world.as(world.alice), id)
    return world.until(id, 'stopped')
  }
  const ask = (port: number, token?: string) =>
    fetch(`http://127.0.0.1:${port}/api/status`, {
      headers: { connection: 'close', ...(token === undefined ? {} : { authorization: `token ${token}` }) },
    })
  const events = async (id: string) =>
    (await room().events(id)).flatMap(({ kind, text }) => (kind.startsWith('direct') ? [[kind, text]] : []))

  before(async () => {
    from = await freePort()
    const one = await freePort()
    const direct = { bind: '127.0.0.1', ports: { from, to: from + 3 } }
    world = await workspaceWorld({
      workspaces: {
        idle: '1h',
        profiles: {
          notebook: { ...notebook, direct },
          single: { ...notebook, direct: { bind: '127.0.0.1', ports: { from: one, to: one }, connections: 4 } },
          bare: { ...crashing, command: notebook.command, direct },
          own: {
            ...crashing,
            command: notebook.command,
            credential: { file: 'token', header: 'Authorization: token {token}' },
            direct: { ...direct, host: 'work.example.org' },
          },
        },
      },
    })
  })
  after(() => world.stop())

  test('the app is reached with its own credential, which its owner sees once', async () => {
    const { alice, bob, admin, as } = world
    const made = await world.ready()
    const port = portOf(made)
    assert.ok(port >= from && port <= from + 3)
    assert.deepEqual(await events(made.id), [['direct', `127.0.0.1:${port}`]])
    assert.equal((await ask(port)).status, 403)
    assert.equal((await ask(port, 'wrong')).status, 403)
    await assert.rejects(room().reveal(as(bob), made.id), { code: 'ERR_NOT_FOUND' })
    await assert.rejects(room().reveal(as(admin), made.id), { code: 'ERR_FORBIDDEN' })
    const asked = await Promise.allSettled([1, 2, 3].map(() => room().reveal(as(alice), made.id)))
    const [shown, ...more] = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    assert.ok(shown)
    assert.equal(more.length, 0)
    assert.deepEqual([shown.address, shown.path], [`127.0.0.1:${port}`, '/tree'])
    assert.equal((await ask(port, shown.credential)).status, 200)
    await assert.rejects(room().reveal(as(alice), made.id), /shown already/)
    assert.ok((await find(made.id)).direct?.shownAt)
    const trail = JSON.stringify(await world.site.labgate.rooms.get('storage').audit.list({ limit: 100 }))
    assert.match(trail, /workspace\.revealed/)
    assert.ok(!trail.includes(shown.credential))
    // The proxy goes on with the same.
    assert.equal((await world.app(made.id, 'api/status')).status, 200)
    await stop(made)
    await isShut(port)
    await assert.rejects(room().reveal(as(alice), made.id), { code: 'ERR_CONFLICT' })
  })

  test('a restart makes another credential, at the same port while that is free', async () => {
    const { alice, as } = world
    const made = await world.ready()
    const { credential } = await room().reveal(as(alice), made.id)
    await room().restart(as(alice), made.id)
    await world.until(made.id, 'stopping', 'reserved', 'starting')
    const again = await world.until(made.id, 'ready')
    assert.equal(portOf(again), portOf(made))
    assert.equal(again.direct?.shownAt, undefined)
    const next = await room().reveal(as(alice), made.id)
    assert.notEqual(next.credential, credential)
    assert.equal((await ask(portOf(again), credential)).status, 403)
    assert.equal((await ask(portOf(again), next.credential)).status, 200)
    await stop(again)
  })

  test('launchpad 2.5: a port that somebody else has is tried over, whatever the records say', async () => {
    const other = await squatter(from)
    const made = await world.ready()
    other.close()
    assert.notEqual(portOf(made), from)
    assert.equal((await ask(portOf(made))).status, 403)
    await stop(made)
  })

  test('two at once for one port: one has it, and the other when it falls free', async () => {
    const both = await Promise.all([world.ready(world.alice, 'single'), world.ready(world.alice, 'single')])
    const [has] = both.filter(({ direct }) => direct?.address !== undefined)
    const [waits] = both.filter(({ direct }) => direct?.address === undefined)
    assert.ok(has && waits)
    assert.deepEqual(await events(waits.id), [['direct-full', '']])
    await assert.rejects(room().reveal(world.as(world.alice), waits.id), { code: 'ERR_CONFLICT' })
    await world.look()
    assert.equal((await events(waits.id)).length, 1)
    await stop(has)
    await world.look()
    assert.equal(portOf(await find(waits.id)), portOf(has))
    assert.deepEqual((await events(waits.id)).at(-1), ['direct', `127.0.0.1:${portOf(has)}`])
    await stop(waits)
  })

  test('one address has half of the connections; what is open ends with the workspace', async () => {
    const made = await world.ready(world.alice, 'single')
    const open = [await connection(portOf(made)), await connection(portOf(made))]
    const third = await connection(portOf(made))
    await once(third, 'close')
    assert.ok(open.every(({ destroyed }) => !destroyed))
    const closed = Promise.all(open.map((socket) => once(socket, 'close')))
    await stop(made)
    await closed
  })

  test('traffic is use', async () => {
    const made = await world.ready()
    world.clock.forward(50 * 60)
    assert.equal((await ask(portOf(made))).status, 403)
    world.clock.forward(20 * 60)
    await world.look()
    assert.equal((await find(made.id)).wanted, 'running')
    world.clock.forward(61 * 60)
    await world.look()
    assert.equal((await world.until(made.id, 'stopped')).stopReason, 'idle')
    await isShut(portOf(made))
  })

  test('an app that asks for nothing has no way past the proxy; one that is told to ask has', async () => {
    const bare = await world.ready(world.alice, 'bare')
    assert.equal(bare.direct, undefined)
    await assert.rejects(room().reveal(world.as(world.alice), bare.id), /through this site alone/)
    const own = await world.ready(world.alice, 'own')
    assert.match(own.direct?.address ?? '', /^work\.example\.org:\d+$/)
    assert.equal((await world.app(own.id, 'api/status')).status, 200)
    const { credential } = await room().reveal(world.as(world.alice), own.id)
    assert.equal((await ask(portOf(own), credential)).status, 200)
    for (const one of [bare, own]) await stop(one)
  })

  test('after a restart of Labgate each has its port again, or another one and says so', async () => {
    const [one, two] = [await world.ready(), await world.ready()]
    const ports = [portOf(one), portOf(two)]
    const { credential } = await room().reveal(world.as(world.alice), one.id)
    const kept = await connection(ports[0] ?? 0)
    const closing = once(kept, 'close')
    const restarting = world.again()
    await closing
    const other = await squatter(ports[1] ?? 0)
    world = await restarting
    await world.look()
    assert.equal(portOf(await find(one.id)), ports[0])
    assert.equal((await ask(ports[0] ?? 0, credential)).status, 200)
    const moved = portOf(await find(two.id))
    assert.notEqual(moved, ports[1])
    assert.deepEqual((await events(two.id)).at(-1), ['direct-moved', `127.0.0.1:${moved}`])
    other.close()
    for (const each of [one, two]) await stop(each)
    for (const port of [...ports, moved]) await isShut(port)
  })
})
