/** From a launch to the end of its last process, on real OpenSSH servers. @module */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { inspect } from 'node:util'
import { isFault, type Json } from '@labgate/contract'
import { needs } from '../../support/needs.ts'
import {
  all,
  appProfile,
  ask,
  ended,
  inWorld,
  launch,
  processes,
  requestOf,
  type SshWorld,
  shProfile,
  started,
  until,
} from './world.ts'

const skip = needs('sshd')
const soon = () => AbortSignal.timeout(20_000)

/** The trouble a launch failed with. */
async function troubleOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    assert.ok(isFault(error) && error.code === 'ERR_LAUNCH', String(error))
    return String(error.detail.trouble)
  }
  return assert.fail('it was done')
}

function folderOf(world: SshWorld, state: Json): string {
  const { host, instance } = state as { host: string; instance: string }
  return world.path(host, 'run', `${world.installation}-ssh`, host, instance)
}

async function foundBy(runner: SshWorld['runner']) {
  return all(runner.discover(soon()))
}

suite('a workspace on a host', { skip, concurrency: 2 }, () => {
  test('starts, is reached through a tunnel, is stopped with all of its processes, and leaves the person’s files', () =>
    inWorld({}, async (world) => {
      const { runner } = world
      const { state, saved, lines } = await started(runner)
      assert.deepEqual(saved, [state])
      assert.ok(lines.includes('Starts on one.'), lines.join())
      assert.deepEqual(await runner.inspect(state, soon()), { state: 'running' })
      assert.equal(JSON.parse((await ask(runner, state, '/w/api')).body).version, '1')
      assert.equal((await ask(runner, state, '/w/api/status')).status, 200, 'the token is the one that was handed over')
      assert.equal((await ask(runner, state, '/w/api/status', 'another')).status, 403)
      const usage = await runner.stats?.(state)
      assert.ok(usage && usage.memoryBytes > 1_000_000 && usage.cpuSeconds > 0, JSON.stringify(usage))
      assert.equal(runner.hostOf?.(state), 'one')
      writeFileSync(world.path('one', 'people', 'st1', 'home', 'kept'), 'yes')
      await ended(runner, state)
      assert.deepEqual(await runner.inspect(state, soon()), { state: 'missing' })
      assert.deepEqual(await foundBy(runner), [])
      assert.equal(existsSync(folderOf(world, state)), false)
      assert.equal(readFileSync(world.path('one', 'people', 'st1', 'home', 'kept'), 'utf8'), 'yes')
      await ended(runner, state) // gone is success
      await runner.remove(state, { volumes: true })
      assert.equal(existsSync(world.path('one', 'people', 'st1')), false)
    }))

  test('a second launch of the same plan takes over what runs, also one by another process that knows nothing', () =>
    inWorld({}, async (world) => {
      const request = requestOf()
      const { state } = await started(world.runner, request)
      const before = world.processes().map(({ pid }) => pid)
      for (const runner of [world.runner, world.again(), world.again({ fresh: true })]) {
        const second = await launch(runner, runner.plan(request, appProfile()), { secrets: { token: 'another' } })
        assert.deepEqual(second.state, state)
        assert.deepEqual(
          world.processes().map(({ pid }) => pid),
          before,
        )
      }
      await ended(world.runner, state)
    }))

  test('a drained host does not make another plan, and what runs there is still taken over', () =>
    inWorld({}, async ({ runner }) => {
      const request = requestOf()
      const first = runner.plan(request, appProfile())
      const { state } = await launch(runner, first)
      const drained = runner.plan({ ...request, avoidHosts: ['one', 'two'] }, appProfile())
      assert.deepEqual(drained.detail, first.detail)
      assert.deepEqual((await launch(runner, drained)).state, state)
      await ended(runner, state)
    }))

  test('another plan replaces what runs', () =>
    inWorld({}, async (world) => {
      const { runner } = world
      const request = requestOf()
      const first = await started(runner, request)
      const [before] = world.processes(request.instance)
      const second = await started(runner, request, appProfile({ environment: { COLOUR: 'blue' } }))
      const after = world.processes(request.instance)
      assert.equal(after.length, 2, 'leader and app')
      assert.ok(!after.some(({ pid }) => pid === before?.pid))
      assert.ok(after.some(({ environment }) => environment.includes('COLOUR=blue')))
      assert.deepEqual(second.state, first.state)
      await ended(runner, second.state)
    }))

  test('what ended is started anew by another launch of the same plan', () =>
    inWorld({}, async ({ runner }) => {
      const request = requestOf()
      const { state } = await started(runner, request)
      await ask(runner, state, '/w/quit').catch(() => undefined) // it may end before it has answered
      await until(async () => (await runner.inspect(state, soon())).state === 'exited', 'it ends')
      assert.deepEqual(await runner.inspect(state, soon()), { state: 'exited', code: 0, reason: undefined })
      const again = await started(runner, request)
      assert.deepEqual(await runner.inspect(again.state, soon()), { state: 'running' })
      await ended(runner, again.state)
    }))

  test('after a crash it is found by its label, by its own installation alone, and goes on', () =>
    inWorld({}, async (world) => {
      const request = requestOf({ account: 'acc7' })
      const lost = launch(world.runner, world.runner.plan(request, appProfile()))
      await until(() => world.processes(request.instance).length === 2, 'it runs, and nobody has heard of it')
      const other = world.again({ fresh: true })
      const [found, ...more] = await foundBy(other)
      assert.deepEqual(more, [])
      assert.ok(found)
      assert.equal(found.instance, request.instance)
      assert.equal(found.account, 'acc7')
      await lost
      assert.deepEqual(await foundBy(world.again({ installation: 'elsewhere' })), [])
      assert.equal((await ask(other, found.state, '/w/api/status')).status, 200)
      await ended(other, found.state)
    }))

  test('a launch whose record cannot be kept starts nothing', () =>
    inWorld({}, async (world) => {
      const { runner } = world
      const save = () => Promise.reject(new Error('the disk is full'))
      await assert.rejects(launch(runner, runner.plan(requestOf(), appProfile()), { save }))
      assert.deepEqual(world.processes(), [])
      assert.deepEqual(await foundBy(runner), [])
    }))

  test('a dozen at once get ports of their own and are spread over the hosts', () =>
    inWorld({ ports: { from: 20000, to: 20999 }, listenTimeout: 0 }, async ({ runner }) => {
      const all = await Promise.all(
        Array.from({ length: 12 }, () => started(runner, requestOf(), shProfile('sleep 600'))).map((one) =>
          one.catch((error: unknown) => error),
        ),
      )
      const states = all.map((one) => (one as { state: Json }).state)
      assert.ok(states.every(Boolean), inspect(all.find((one) => one instanceof Error)))
      assert.deepEqual(
        Object.values(Object.groupBy(states, (state) => String(runner.hostOf?.(state)))).map((one) => one?.length),
        [6, 6],
      )
      const seen = await runner.inspectAll?.(states, soon())
      assert.ok(
        seen?.every(({ state }) => state === 'running'),
        JSON.stringify(seen),
      )
      await Promise.all(states.map((state) => ended(runner, state)))
    }))

  test('hundreds of questions at once are all answered, by a host that takes ten at a time', () =>
    inWorld({ listenTimeout: 0 }, async ({ runner }) => {
      const { state } = await started(runner, requestOf(), shProfile('sleep 600'))
      const answers = await Promise.all(Array.from({ length: 300 }, () => runner.inspect(state, soon())))
      assert.deepEqual([...new Set(answers.map((one) => inspect(one)))], [inspect({ state: 'running' })])
      await ended(runner, state)
    }))
})

suite('how it ends', { skip, concurrency: 2 }, () => {
  test('children, children that left the session, and children without environment are stopped with it', () =>
    inWorld({ listenTimeout: 0 }, async ({ runner }) => {
      const script =
        'sleep 700 & setsid sleep 701 & env -i sleep 702 & trap "" TERM; sleep 703 & while :; do sleep 1; done'
      const { state } = await started(runner, requestOf(), shProfile(script))
      const sleeping = () => processesNamed(/^sleep 70[0-3]$/)
      await until(() => sleeping().length === 4, 'four children')
      const begun = performance.now()
      await runner.terminate(state, { graceSeconds: 1 })
      assert.ok(performance.now() - begun < 8000)
      assert.deepEqual(sleeping(), [])
      await runner.remove(state, { volumes: false })
    }))

  test('an app that ends by itself tells its code and its last lines', () =>
    inWorld({}, async ({ runner }) => {
      const { state } = await started(runner, requestOf(), appProfile({}, 'crash')).catch(() =>
        assert.fail('it started'),
      )
      await until(async () => (await runner.inspect(state, soon())).state === 'exited', 'it ends')
      assert.deepEqual(await runner.inspect(state, soon()), { state: 'exited', code: 3, reason: undefined })
      const lines = await all(runner.logs?.(state, { tail: 1, follow: false, signal: soon() }))
      assert.deepEqual(lines, ['cannot find the licence'])
      await ended(runner, state)
    }))

  test('a program that is not there, and one that is killed, end with a reason', () =>
    inWorld({}, async ({ runner }) => {
      const { state } = await started(runner, requestOf(), appProfile({ command: ['no-such-program-here'] }))
      assert.deepEqual(await runner.inspect(state, soon()), {
        ...{ state: 'exited', code: 127, reason: 'its program could not be started' },
      })
      await ended(runner, state)
      const second = await started(runner, requestOf(), shProfile('kill -KILL $$'))
      const seen = await runner.inspect(second.state, soon())
      assert.ok(seen.state === 'exited' && seen.code === 137 && /killed/.test(seen.reason ?? ''), JSON.stringify(seen))
      await ended(runner, second.state)
    }))

  test('a process number that is somebody else’s by now is neither taken for ours nor ended', () =>
    inWorld({ listenTimeout: 0 }, async (world) => {
      const { runner } = world
      const { state } = await started(runner)
      const { state: other } = await started(runner, requestOf(), shProfile('exec sleep 800'))
      const file = `${folderOf(world, state)}/proc`
      const [pid = '', start, boot] = readFileSync(file, 'utf8').trim().split(' ')
      const theirs = readFileSync(`${folderOf(world, other)}/proc`, 'utf8').split(' ')[0]
      process.kill(-Number(pid), 'SIGKILL')
      writeFileSync(file, `${theirs} ${start} ${boot}\n`)
      await until(async () => (await runner.inspect(state, soon())).state === 'exited', 'it is gone')
      await ended(runner, state)
      assert.deepEqual(await runner.inspect(other, soon()), { state: 'running' })
      await ended(runner, other)
    }))

  test('after a restart of the machine nothing of before is taken for running', () =>
    inWorld({}, async (world) => {
      const { runner } = world
      const { state } = await started(runner)
      const file = `${folderOf(world, state)}/proc`
      const kept = readFileSync(file, 'utf8')
      writeFileSync(file, kept.replace(/\S+\s*$/, '00000000-0000-4000-8000-000000000000\n'))
      const reason = 'the machine was started anew'
      assert.deepEqual(await runner.inspect(state, soon()), { state: 'exited', code: undefined, reason })
      writeFileSync(file, kept)
      await ended(runner, state)
    }))

  for (const phase of ['survey', 'save', 'progress', 10, 60, 120, 200, 300, 450, 700])
    test(`broken off (${phase}${typeof phase === 'number' ? ' ms' : ''}) it leaves nothing`, () =>
      inWorld({}, async (world) => {
        const { runner } = world
        const controller = new AbortController()
        let begun = 0
        const stop = () => {
          begun = performance.now()
          controller.abort(new Error('cancelled'))
        }
        const saved: Json[] = []
        // It never listens: the launch waits until it is broken off.
        const request = requestOf()
        const plan = runner.plan(request, shProfile('sleep 900'))
        if (typeof phase === 'number') setTimeout(stop, phase)
        const work = launch(runner, plan, {
          signal: controller.signal,
          async save(state) {
            saved.push(state)
            if (phase === 'save') stop()
          },
          progress: () => (phase === 'progress' ? stop() : undefined),
        })
        if (phase === 'survey') stop()
        await assert.rejects(work)
        assert.ok(performance.now() - begun < 5000, 'soon')
        for (const state of saved) await ended(runner, state)
        await world.again().start?.(soon()) // one more answer of each host: a late start would have come by now
        assert.deepEqual(world.processes(), [])
        assert.deepEqual(await foundBy(runner), [])
        for (const host of ['one', 'two']) {
          const folder = world.path(host, 'run', `${world.installation}-ssh`, host)
          assert.deepEqual(existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith('.')) : [], [])
        }
      }))
})

suite('what an app may see', { skip, concurrency: 2 }, () => {
  test('no command line and no environment ever holds a secret; the files are for their owner alone', () =>
    inWorld({}, async (world) => {
      const { runner } = world
      const secret = 'only-for-the-app-c0ffee'
      const seen = new Set<string>()
      let isDone = false
      const watching = (async () => {
        while (!isDone) {
          for (const { argv, environment } of processes())
            if ([...argv, ...environment].some((word) => word.includes(secret))) seen.add(argv.join(' '))
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
      })()
      const { state } = await launch(runner, runner.plan(requestOf(), appProfile()), { secrets: { token: secret } })
      const folder = folderOf(world, state)
      assert.equal(readFileSync(`${folder}/secrets/token`, 'utf8'), secret)
      for (const [path, mode] of Object.entries({
        [folder]: 0o700,
        [`${folder}/secrets`]: 0o700,
        [`${folder}/secrets/token`]: 0o600,
        [`${folder}/start.sh`]: 0o600,
      }))
        assert.equal(statSync(path).mode & 0o777, mode, path)
      await runner.renew?.(state, { token: `${secret}-renewed`, 'labgate-token': `it's "quoted"\n$(id) ${secret}` })
      assert.equal(readFileSync(`${folder}/secrets/token`, 'utf8'), `${secret}-renewed`)
      assert.equal(readFileSync(`${folder}/secrets/labgate-token`, 'utf8'), `it's "quoted"\n$(id) ${secret}`)
      assert.equal(statSync(`${folder}/secrets/labgate-token`).mode & 0o777, 0o600)
      isDone = true
      await watching
      assert.deepEqual([...seen], [])
      const plan = JSON.stringify(runner.plan(requestOf(), appProfile()))
      assert.ok(
        !plan.includes(secret) && !JSON.stringify(state).includes(secret) && !world.logs.join().includes(secret),
      )
      await ended(runner, state)
      await assert.rejects(Promise.resolve(runner.renew?.(state, { token: 'x' })))
    }))

  test('words of a profile reach the app unchanged, whatever a shell would make of them', () =>
    inWorld({ listenTimeout: 0 }, async (world) => {
      const { runner } = world
      const word = `'"; touch never $(id) \`id\` {home} *`
      const script = `printf '%s\\n' "$1" "$MARK" "$HOME" "$PWD" "$SSH_CONNECTION"; sleep 600`
      const { state } = await started(
        runner,
        requestOf(),
        appProfile({ command: ['sh', '-c', script, 'app', word], environment: { MARK: word } }),
      )
      const home = world.path('one', 'people', 'st1', 'home')
      const lines = await all(runner.logs?.(state, { tail: 10, follow: false, signal: soon() }))
      const same = word.replace('{home}', home)
      assert.deepEqual(lines, [same, same, home, home, ''])
      await ended(runner, state)
    }))

  test('two people whose addresses begin alike share nothing', () =>
    inWorld({ listenTimeout: 0 }, async (world) => {
      const { runner } = world
      // alice@one.example and alice@two.example: storage is named by account ids.
      const script = 'echo "$0 $1" >"$2/mine"; ls "$2"; sleep 600'
      const profile = (who: string) => appProfile({ command: ['sh', '-c', script, 'alice', who, '{home}'] })
      const one = await started(
        runner,
        requestOf({ account: 'acc1', storage: 'st1', avoidHosts: ['two'] }),
        profile('one'),
      )
      const two = await started(
        runner,
        requestOf({ account: 'acc2', storage: 'st2', avoidHosts: ['two'] }),
        profile('two'),
      )
      const file = (storage: string) => world.path('one', 'people', storage, 'home', 'mine')
      await until(() => existsSync(file('st1')) && existsSync(file('st2')), 'both have written')
      assert.equal(readFileSync(file('st1'), 'utf8'), 'alice one\n')
      assert.equal(readFileSync(file('st2'), 'utf8'), 'alice two\n')
      for (const storage of ['st1', 'st2'])
        assert.equal(statSync(world.path('one', 'people', storage)).mode & 0o777, 0o700)
      await ended(runner, one.state, { volumes: true })
      assert.ok(existsSync(file('st2')))
      await ended(runner, two.state)
    }))

  test('a host whose key is another one gets nothing', () =>
    inWorld({}, async (world) => {
      const stranger = await import('../../support/sshd.ts').then(({ startSshd }) => startSshd())
      try {
        const runner = world.again({ pin: stranger.fingerprint })
        assert.equal(await troubleOf(started(runner)), 'auth')
      } finally {
        await stranger.close()
      }
    }))
})

function processesNamed(name: RegExp): readonly string[] {
  return processes()
    .map(({ argv }) => argv.join(' '))
    .filter((one) => name.test(one))
}
