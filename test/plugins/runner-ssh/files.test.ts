/** Files of a person and of the lab, logs and archives, and what a plan refuses. @module */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { type AppProfile, isFault, type LaunchRequest, type Mount } from '@labgate/contract'
import { needs } from '../../support/needs.ts'
import { all, appProfile, ended, inWorld, requestOf, shProfile, started, until } from './world.ts'

const skip = needs('sshd')
const soon = () => AbortSignal.timeout(20_000)
const home: Mount = { name: 'home', of: 'person', source: undefined, target: '/home/jovyan/work', readOnly: false }

function shared(source: string, target: string, more: Partial<Mount> = {}): Mount {
  return { name: 'lab', of: 'shared', source, target, readOnly: false, ...more }
}

async function trouble(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    assert.ok(isFault(error) && error.code === 'ERR_LAUNCH', String(error))
    return String(error.detail.trouble)
  }
  return 'none'
}

suite('what a plan refuses', { skip }, () => {
  test('images, GPUs, no command, and mounts that only root could make', () =>
    inWorld({}, async ({ runner }) => {
      const plan = (more: Partial<AppProfile>, request: Partial<LaunchRequest> = {}) =>
        trouble(() => runner.plan(requestOf(request), appProfile(more)))
      const { limits } = requestOf()
      assert.equal(await plan({ image: 'lab/notebook:1' }), 'image_denied')
      assert.equal(await plan({ command: [] }), 'policy')
      assert.equal(await plan({}, { limits: { ...limits, gpus: 1 } }), 'policy')
      assert.equal(await plan({ environment: { 'A B': 'x' } }), 'policy')
      assert.equal(await plan({ mounts: [home, shared('/srv/lab', '/data')] }), 'policy')
      assert.equal(await plan({ mounts: [home, shared('/srv/lab', '{home}/../../etc')] }), 'policy')
      assert.equal(await plan({ mounts: [home, shared('srv/lab', '{home}/lab')] }), 'policy')
      assert.equal(await plan({ mounts: [home, { ...home, name: 'more', target: '/elsewhere' }] }), 'policy')
      assert.equal(await plan({ mounts: [home, shared('/srv/lab', '/srv/lab')] }), 'none')
      assert.deepEqual(JSON.parse(JSON.stringify(runner.plan(requestOf(), appProfile()).detail)).limits, {
        ...{ memoryBytes: null, cpus: null, pids: null },
      })
    }))

  test('to run as somebody else than the account Labgate signs in as', () =>
    inWorld({ listenTimeout: 0 }, async ({ runner }) => {
      const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
      assert.equal(
        await trouble(() => started(runner, requestOf(), appProfile({ user: { ...user, uid: 12345 } }))),
        'policy',
      )
      const { state } = await started(runner, requestOf(), shProfile('exec sleep 600', { user }))
      await ended(runner, state)
    }))
})

suite('mounts', { skip }, () => {
  test('what is shared is linked below the home, a second storage of the person too', () =>
    inWorld({ listenTimeout: 0 }, async (world) => {
      const lab = mkdtempSync(join(tmpdir(), 'labgate-shared-'))
      try {
        writeFileSync(join(lab, 'atlas'), 'shared by all')
        const own: Mount = {
          name: 'scratch',
          of: 'person',
          source: undefined,
          target: '{home}/scratch',
          readOnly: false,
        }
        const mounts = [home, shared(lab, '{home}/data/lab'), own]
        const script = 'cat "$2/data/lab/atlas"; echo; echo mine >"$2/scratch/file"; sleep 600'
        const request = requestOf({ avoidHosts: ['two'] })
        const { state } = await started(world.runner, request, shProfile(script, { mounts }))
        const path = (...parts: string[]) => world.path('one', 'people', 'st1', ...parts)
        assert.equal(readlinkSync(path('home', 'data', 'lab')), lab)
        const lines = () => all(world.runner.logs?.(state, { tail: 5, follow: false, signal: soon() }))
        await until(async () => (await lines()).includes('shared by all'), 'it reads what is shared')
        await until(() => lstatSync(path('scratch', 'file'), { throwIfNoEntry: false })?.isFile() === true, 'it writes')
        await ended(world.runner, state)
        // Once more: links of before are in nobody's way, files of the person are.
        const again = await started(world.runner, request, shProfile(script, { mounts }))
        await ended(world.runner, again.state)
        rmSync(path('home', 'data', 'lab'))
        mkdirSync(path('home', 'data', 'lab'))
        assert.equal(await trouble(() => started(world.runner, request, shProfile(script, { mounts }))), 'policy')
        for (const found of await all(world.runner.discover(soon()))) await ended(world.runner, found.state)
      } finally {
        rmSync(lab, { recursive: true })
      }
    }))

  test('`readOnly` is refused where the account could write, as is what is not there', () =>
    inWorld({ listenTimeout: 0 }, async ({ runner }) => {
      const lab = mkdtempSync(join(tmpdir(), 'labgate-shared-'))
      try {
        for (const mount of [shared(lab, lab, { readOnly: true }), shared(`${lab}/none`, `${lab}/none`)]) {
          const request = requestOf()
          assert.equal(
            await trouble(() => started(runner, request, shProfile('sleep 600', { mounts: [home, mount] }))),
            'policy',
          )
        }
        for (const { state } of await all(runner.discover(soon()))) await ended(runner, state)
        assert.deepEqual(await all(runner.discover(soon())), [])
      } finally {
        rmSync(lab, { recursive: true })
      }
    }))
})

suite('archives', { skip }, () => {
  test('of one storage its content, of several each by its name, streamed; of nothing a reason', () =>
    inWorld({ listenTimeout: 0 }, async (world) => {
      const { runner } = world
      const own: Mount = { name: 'scratch', of: 'person', source: undefined, target: '{home}/scratch', readOnly: false }
      const { state } = await started(runner, requestOf(), shProfile('exec sleep 600', { mounts: [home, own] }))
      await ended(runner, state)
      const path = (...parts: string[]) => world.path('one', 'people', 'st1', ...parts)
      writeFileSync(path('home', 'größe — 2 µm.txt'), 'text')
      writeFileSync(path('home', 'large'), Buffer.alloc(5_000_000, 'x'))
      writeFileSync(path('scratch', 'other'), 'x')
      const tar = async (mounts: readonly Mount[], storage = 'st1') => {
        const parts = await all(runner.archive?.({ storage, mounts }))
        const input = Buffer.concat(parts)
        return execFileSync('tar', ['--quoting-style=literal', '-tvf', '-'], {
          input,
          encoding: 'utf8',
          env: { ...process.env, LC_ALL: 'C.UTF-8' },
        })
      }
      const one = await tar([home])
      assert.match(one, /5000000 .* \.\/large\n/)
      assert.match(one, / \.\/größe — 2 µm\.txt\n/)
      const both = await tar([home, own])
      assert.match(both, / home\/large\n/)
      assert.match(both, / scratch\/other\n/)
      assert.equal(await trouble(() => tar([home], 'nobody')), 'policy')
      assert.equal(await trouble(() => tar([])), 'policy')
      // Nobody reads to the end: the connection is free again all the same.
      for (let times = 0; times < 12; times += 1)
        for await (const _ of runner.archive?.({ storage: 'st1', mounts: [home] }) ?? []) break
      assert.match(await tar([home]), /large/)
    }))
})

suite('logs', { skip, concurrency: 2 }, () => {
  test('the last lines, and new ones as they come, until the app ends', () =>
    inWorld({ listenTimeout: 0 }, async (world) => {
      const { runner } = world
      const script =
        'for i in 1 2 3 4 5; do echo "line $i"; done; while [ ! -e "$2/go" ]; do sleep 0.05; done; echo "größe"; printf unfinished'
      const { state } = await started(runner, requestOf(), shProfile(`rm -f "$2/go"; ${script}`))
      const tail = () => all(runner.logs?.(state, { tail: 2, follow: false, signal: soon() }))
      await until(async () => (await tail()).at(-1) === 'line 5', 'five lines')
      assert.deepEqual(await tail(), ['line 4', 'line 5'])
      const followed: string[] = []
      const following = (async () => {
        for await (const line of runner.logs?.(state, { tail: 1, follow: true, signal: soon() }) ?? []) {
          followed.push(line)
          if (line === 'line 5') writeFileSync(world.path('one', 'people', 'st1', 'home', 'go'), '')
        }
      })()
      await following
      assert.deepEqual(followed, ['line 5', 'größe', 'unfinished'])
      await ended(runner, state)
    }))

  test('following is broken off by the signal, and leaves no process on the host', () =>
    inWorld({ listenTimeout: 0 }, async ({ runner, hosts }) => {
      const { state } = await started(runner, requestOf(), shProfile('echo begun; exec sleep 600'))
      const controller = new AbortController()
      const lines: string[] = []
      for await (const line of runner.logs?.(state, { tail: 1, follow: true, signal: controller.signal }) ?? []) {
        lines.push(line)
        controller.abort()
      }
      assert.deepEqual(lines, ['begun'])
      assert.ok(hosts.one)
      await ended(runner, state)
    }))

  test('a log that grows without end is cut while the app writes', () =>
    inWorld({ listenTimeout: 0 }, async (world) => {
      const { runner } = world
      const { state } = await started(
        runner,
        requestOf(),
        shProfile('yes 0123456789abcdef | head -c 20000000; echo last; exec sleep 600'),
      )
      const { host, instance } = state as { host: string; instance: string }
      const size = () => lstatSync(world.path(host, 'run', `${world.installation}-ssh`, host, instance, 'log')).size
      await until(() => size() > 17_000_000 || size() === 0, 'it has grown')
      await until(
        async () => (await runner.inspect(state, soon())).state === 'running' && size() < 10_000_000,
        'it is cut',
      )
      await ended(runner, state)
    }))
})
