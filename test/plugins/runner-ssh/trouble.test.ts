/** What goes wrong between Labgate and a host: machines that go away, ports that others take, connections that break. @module */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { suite, test } from 'node:test'
import { isFault, type Json } from '@labgate/contract'
import { needs } from '../../support/needs.ts'
import {
  all,
  appProfile,
  ask,
  ended,
  inWorld,
  launch,
  requestOf,
  type SshWorld,
  shProfile,
  started,
  until,
} from './world.ts'

const skip = needs('sshd')
const soon = () => AbortSignal.timeout(20_000)

async function fails(work: Promise<unknown>, trouble: string): Promise<string> {
  const error = await work.then(
    () => assert.fail('it was done'),
    (failed: unknown) => failed,
  )
  assert.ok(isFault(error) && error.code === 'ERR_LAUNCH', String(error))
  assert.equal(error.detail.trouble, trouble, error.message)
  return error.message
}

function runFolder(world: SshWorld, host: string, instance: string): string {
  return world.path(host, 'run', `${world.installation}-ssh`, host, instance)
}

function occupy(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

suite('a host that goes away', { skip, concurrency: 2 }, () => {
  test('is unknown while it is away and ends nothing; the app lives on, and is reached again when it is back', () =>
    inWorld({}, async (world) => {
      const { runner, hosts } = world
      const { state } = await started(runner, requestOf({ avoidHosts: ['two'] }))
      await hosts.one?.down()
      const seen = await runner.inspect(state, soon())
      assert.equal(seen.state, 'unknown')
      await fails(runner.terminate(state, { graceSeconds: 1 }), 'unreachable')
      await fails(runner.remove(state, { volumes: false }), 'unreachable')
      await fails(ask(runner, state, '/w/api'), 'unreachable')
      assert.deepEqual(await all(runner.discover(soon())), [])
      assert.ok(world.logs.some((line) => line.includes('did not say')))
      assert.deepEqual(await runner.health?.(), { ok: true, detail: 'no answer from one' })
      assert.equal(world.processes().length, 2)
      await hosts.one?.up()
      assert.deepEqual(await runner.inspect(state, soon()), { state: 'running' })
      assert.equal((await ask(runner, state, '/w/api/status')).status, 200)
      assert.deepEqual(await runner.health?.(), { ok: true })
      await ended(runner, state)
    }))

  test('one that is away does not keep the others from being asked, nor from taking what is new', () =>
    inWorld({ choose: 'first' }, async ({ runner, hosts }) => {
      const one = await started(runner)
      await hosts.one?.down()
      const two = await started(runner)
      assert.equal(runner.hostOf?.(two.state), 'two')
      const seen = await runner.inspectAll?.([one.state, two.state], soon())
      assert.deepEqual(
        seen?.map(({ state }) => state),
        ['unknown', 'running'],
      )
      await hosts.one?.up()
      await ended(runner, one.state)
      await ended(runner, two.state)
    }))

  test('what was sent to a host that is away is started nowhere else', () =>
    inWorld({}, async (world) => {
      const { runner, hosts } = world
      const request = requestOf()
      const { state } = await started(runner, request)
      await hosts.one?.down()
      await fails(started(world.again(), request), 'unreachable')
      assert.equal(world.processes().length, 2)
      await hosts.one?.up()
      assert.deepEqual((await started(world.again(), request)).state, state)
      await ended(runner, state)
    }))

  test('all away: the launch fails at once as unreachable, and may be tried again', () =>
    inWorld({}, async ({ runner, hosts }) => {
      await hosts.one?.down()
      await hosts.two?.down()
      await fails(started(runner), 'unreachable')
      await fails(all(runner.discover(soon())), 'unreachable')
      assert.equal((await runner.health?.())?.ok, false)
    }))

  test('a broken connection ends open tunnels, and the next one is opened over a new connection', () =>
    inWorld({}, async ({ runner, hosts }) => {
      const { state } = await started(runner, requestOf({ avoidHosts: ['two'] }))
      const endpoint = await runner.endpoint(state)
      assert.ok(endpoint.kind === 'tunnel')
      const stream = await endpoint.open()
      const closed = new Promise((resolve) => stream.once('close', resolve))
      stream.resume()
      await hosts.one?.drop()
      await closed
      assert.equal((await ask(runner, state, '/w/api/status')).status, 200)
      await ended(runner, state)
    }))

  test('one that hangs is unknown as soon as whoever asks gives up', () =>
    inWorld({}, async ({ runner, hosts }) => {
      const { state } = await started(runner, requestOf({ avoidHosts: ['two'] }))
      const silence = await hosts.one?.silence()
      assert.equal((await runner.inspect(state, AbortSignal.timeout(300))).state, 'unknown')
      silence?.end()
      assert.equal((await runner.inspect(state, soon())).state, 'running')
      await ended(runner, state)
    }))

  test('a host that the config has no more is unknown', () =>
    inWorld({}, async ({ runner }) => {
      const state = { host: 'three', instance: 'x', account: 'a', storage: 's' }
      assert.equal((await runner.inspect(state, soon())).state, 'unknown')
      await fails(runner.terminate(state, { graceSeconds: 1 }), 'unreachable')
    }))
})

suite('where something is started', { skip, concurrency: 2 }, () => {
  test('where files are of each host, the next workspace goes to where the person’s are, or nowhere', () =>
    inWorld({ files: 'each', listenTimeout: 0 }, async (world) => {
      const { runner, hosts } = world
      const sleeping = shProfile('exec sleep 600')
      const first = await started(runner, requestOf({ avoidHosts: ['one'] }), sleeping)
      assert.equal(runner.hostOf?.(first.state), 'two')
      const second = await started(runner, requestOf(), sleeping)
      assert.equal(runner.hostOf?.(second.state), 'two', 'it has more of ours, and the files')
      // Another process, and a database that was put back: the files themselves tell.
      const third = await started(world.again({ fresh: true }), requestOf(), sleeping)
      assert.equal(runner.hostOf?.(third.state), 'two')
      assert.match(
        await fails(started(runner, requestOf({ avoidHosts: ['two'] }), sleeping), 'quota'),
        /files are on two/,
      )
      await hosts.two?.down()
      assert.match(await fails(started(runner, requestOf(), sleeping), 'unreachable'), /files are on two/)
      const other = await started(runner, requestOf({ storage: 'st9' }), sleeping)
      assert.equal(runner.hostOf?.(other.state), 'one')
      await hosts.two?.up()
      for (const { state } of [first, second, third, other]) await ended(runner, state)
    }))

  test('drained hosts take nothing, and when all are, nothing is started', () =>
    inWorld({ listenTimeout: 0 }, async ({ runner }) => {
      const two = await started(runner, requestOf({ avoidHosts: ['one'] }), shProfile('exec sleep 600'))
      assert.equal(runner.hostOf?.(two.state), 'two')
      await fails(started(runner, requestOf({ avoidHosts: ['one', 'two'] })), 'quota')
      assert.deepEqual(runner.hosts?.(), ['one', 'two'])
      await ended(runner, two.state)
    }))

  test('`random` uses all of them, `first` the first', () =>
    inWorld({ choose: 'random', listenTimeout: 0 }, async (world) => {
      const hosts = new Set<string | undefined>()
      const states: Json[] = []
      while (hosts.size < 2 && states.length < 20) {
        const { state } = await started(world.runner, requestOf(), shProfile('exec sleep 600'))
        states.push(state)
        hosts.add(world.runner.hostOf?.(state))
      }
      assert.deepEqual([...hosts].toSorted(), ['one', 'two'])
      const first = world.again({ choose: 'first' })
      const { state } = await started(first, requestOf(), shProfile('exec sleep 600'))
      assert.equal(first.hostOf?.(state), 'one')
      await Promise.all([...states, state].map((one) => ended(world.runner, one)))
    }))
})

suite('ports', { skip, concurrency: 2 }, () => {
  test('one that is in use is not given to an app', async () => {
    const server = await occupy(0)
    const { port } = server.address() as { port: number }
    try {
      await inWorld({ ports: { from: port, to: port } }, async ({ runner }) => {
        await fails(started(runner), 'port')
        for (const { state } of await all(runner.discover(soon()))) await ended(runner, state)
      })
    } finally {
      server.close()
    }
  })

  test('one that somebody takes between choice and use is tried over', () =>
    inWorld({}, async (world) => {
      const { runner } = world
      const request = requestOf({ avoidHosts: ['two'] })
      const home = world.path('one', 'people', 'st1', 'home')
      const app = appProfile()
        .command.map((word) => `"${word}"`)
        .join(' ')
      const command = ['sh', '-c', `while [ ! -e "$0/go" ]; do sleep 0.05; done; exec ${app}`, '{home}']
      const starting = launch(runner, runner.plan(request, appProfile({ command })))
      const portFile = `${runFolder(world, 'one', request.instance)}/port`
      await until(() => world.processes(request.instance).length > 1, 'the app is about to listen')
      const taken = Number(readFileSync(portFile, 'utf8'))
      const server = await occupy(taken)
      try {
        await until(() => readIf(portFile) !== taken, 'another port is tried')
        writeFileSync(`${home}/go`, '')
        const { state, lines } = await starting
        assert.ok(
          lines.some((line) => line.includes('taken')),
          lines.join(),
        )
        assert.equal((await ask(runner, state, '/w/api/status')).status, 200)
        await ended(runner, state)
      } finally {
        server.close()
      }
    }))

  test('nothing is sent to somebody else’s program on the port of an app that has ended', () =>
    inWorld({}, async (world) => {
      const { runner } = world
      const request = requestOf({ avoidHosts: ['two'] })
      // Its leader lives on, so that it runs as far as anybody can see.
      const app = appProfile()
        .command.map((word) => `"${word}"`)
        .join(' ')
      const { state } = await started(runner, request, appProfile({ command: ['sh', '-c', `${app}; sleep 600`] }))
      await ask(runner, state, '/w/quit').catch(() => undefined) // it may end before it has answered
      const port = Number(readFileSync(`${runFolder(world, 'one', request.instance)}/port`, 'utf8'))
      let isReached = false
      await until(() => world.processes().every(({ argv }) => !argv.includes('127.0.0.1')), 'the app has ended')
      // A process loses its arguments before the system closes its sockets: the port may be taken a moment longer.
      let taken: Server | undefined
      await until(async () => {
        taken = await occupy(port).catch(() => undefined)
        return taken !== undefined
      }, 'the port of the app is free')
      const server = taken as Server | undefined
      assert.ok(server)
      server.on('connection', (socket) => {
        isReached = true
        socket.destroy()
      })
      try {
        // A fresh look, as each process makes one every few seconds.
        await fails(ask(world.again(), state, '/w/api'), 'port')
        assert.equal(isReached, false)
        await ended(runner, state)
      } finally {
        server.close()
      }
    }))
})

function readIf(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return undefined // between two tries
  }
}
