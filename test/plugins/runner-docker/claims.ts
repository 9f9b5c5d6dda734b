/** What runner-docker claims besides the conformance cases, on an engine that is given. @module */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type AppProfile, isFault, type Json, type Mount, type Runner } from '@labgate/contract'
import { inLab, launchOf, type RunnerLab, type RunnerSuite, requestOf, runnerCases, untilState } from '@labgate/testkit'
import type { Engine } from '../../support/engine.ts'
import { busyboxApp, engineSuite } from '../../support/runner-suites.ts'
import { archivesSafely } from './hostile-storage.ts'

const soon = () => AbortSignal.timeout(20_000)
const patience = { timeout: 60_000 }

/** Registers the claims. */
export function engineClaims(engine: Engine): void {
  const on = (name: string, work: (lab: RunnerLab) => Promise<void>, config: object = {}) =>
    test(`${engine.kind}: ${name}`, patience, () => inLab(engineSuite(engine, config), work))
  on('an app has no capabilities, cannot gain any, and is never privileged', (lab) => isHeldDown(lab, engine))
  on('capabilities that the config allows are all there are', keepsSome, { capabilities: ['CHOWN'] })
  on('a container that was started anew has another port, and is found there', (lab) => readsBack(lab, engine))
  on('after a crash of the engine, what ran answers again', (lab) => survives(lab, engine))
  on('an engine that is silent is told of in time, and a launch can be broken off', (lab) => staysAwake(lab, engine), {
    timeout: '1s',
  })
  on('what has our name and is not ours is left alone', (lab) => leavesOthers(lab, engine))
  on('a line without end is cut, and output without end does not fill the disk', cutsLines, {
    logBytes: '64k',
  })
  on('without an image that may not be fetched, it says so', neverPulls)
  on('a registry that is away is told of', (lab) => pullFails(lab), { pull: 'missing' })
  on('a fetch that hangs is broken off', (lab) => pullHangs(lab, engine), { pull: 'missing' })
  on('downloads that were killed leave nothing for ever', (lab) => sweeps(lab, engine))
  on('links in a storage stay links in its archive, which ends while files grow', archivesSafely)
  sharedClaims(engine)
  folderClaims(engine)
}

async function isHeldDown({ start }: RunnerLab, { client }: Engine): Promise<void> {
  const { pageLike, state } = await start({ script: 'cat /proc/self/status > $PAGE; echo end >> $PAGE' })
  const page = await pageLike(/end/)
  for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
    assert.match(page, new RegExp(`^${name}:\\s+0000000000000000$`, 'm'))
  assert.match(page, /^NoNewPrivs:\s+1$/m)
  assert.match(page, /^Uid:\s+1000\s+1000\s+1000\s+1000$/m)
  const { HostConfig } = await client.getContainer((state as { container: string }).container).inspect()
  assert.equal(HostConfig.Privileged, false)
  assert.deepEqual(HostConfig.Devices ?? [], [])
}

async function keepsSome({ start }: RunnerLab): Promise<void> {
  const { pageLike } = await start({ script: 'cat /proc/self/status > $PAGE; echo end >> $PAGE' })
  assert.match(await pageLike(/end/), /^CapBnd:\s+0000000000000001$/m)
}

async function portOf(runner: Runner<Json>, state: Json): Promise<number> {
  const endpoint = await runner.endpoint(state)
  assert.ok(endpoint.kind === 'tcp')
  return endpoint.port
}

async function readsBack({ start, runner }: RunnerLab, { client }: Engine): Promise<void> {
  const { state, page } = await start()
  await page()
  const before = await portOf(runner, state)
  // Somebody takes it in the meantime.
  const container = client.getContainer((state as { container: string }).container)
  await container.stop({ t: 0 })
  await assert.rejects(runner.endpoint(state), isTrouble('unreachable'))
  await container.start()
  await page()
  assert.ok((await portOf(runner, state)) > 0 && before > 0)
}

async function survives({ start, runner }: RunnerLab, engine: Engine): Promise<void> {
  const { state, pageLike } = await start({ script: 'cat /proc/sys/kernel/random/uuid > $PAGE' })
  const before = await pageLike(/\w/)
  await engine.kill()
  try {
    assert.equal((await runner.inspect(state, soon())).state, 'unknown')
  } finally {
    await engine.start()
  }
  assert.equal(await pageLike(/\w/), before, 'it was started anew')
  assert.deepEqual(await runner.inspect(state, soon()), { state: 'running' })
}

async function staysAwake({ suite, start, runner }: RunnerLab, engine: Engine): Promise<void> {
  const { state, page } = await start()
  await page()
  const silence = engine.silence()
  try {
    // The signal that stops it takes a moment to arrive.
    await untilState(runner, { state, wanted: 'unknown' })
    const at = performance.now()
    assert.equal((await runner.inspect(state, soon())).state, 'unknown')
    assert.equal((await runner.inspect(state, AbortSignal.timeout(50))).state, 'unknown')
    assert.ok(performance.now() - at < 4000)
    const abort = AbortSignal.timeout(100)
    const launching = runner.launch(runner.plan(requestOf(), suite.app('true')), launchOf({ signal: abort }))
    await assert.rejects(launching, { name: 'TimeoutError' })
    const unanswered = runner.launch(runner.plan(requestOf(), suite.app('true')), launchOf())
    await assert.rejects(unanswered, isTrouble('unreachable'))
  } finally {
    silence.end()
  }
  await page()
}

async function leavesOthers({ suite, runner }: RunnerLab, { client }: Engine): Promise<void> {
  const request = requestOf()
  const plan = runner.plan(request, suite.app('true'))
  const { name, stores } = plan.detail as { name: string; stores: { source: string }[] }
  const other = await client.createContainer({ name, Image: 'labgate-test/busybox:1' })
  await assert.rejects(runner.launch(plan, launchOf()), isTrouble('policy'))
  await other.inspect()
  await other.remove()
  const volume = stores[0]?.source ?? ''
  await client.createVolume({ Name: volume, Labels: { 'labgate.installation': 'another' } })
  await assert.rejects(runner.launch(plan, launchOf()), isTrouble('policy'))
  assert.deepEqual(await suite.remains(request.instance), [])
  await client.getVolume(volume).remove()
}

async function cutsLines({ start, runner }: RunnerLab): Promise<void> {
  const much =
    'yes "a line of output" | head -c 2000000; head -c 100000 /dev/zero | tr "\\0" "x"; echo; echo the last line'
  const { state, pageLike } = await start({ script: `${much}; echo done > $PAGE` })
  await pageLike(/done/)
  // The engine writes a moment after the app.
  let seen: string[] = []
  for (const end = performance.now() + 5000; !seen.includes('the last line') && performance.now() < end; ) {
    seen = []
    for await (const line of runner.logs?.(state, { tail: 100_000, follow: false, signal: soon() }) ?? [])
      seen.push(line)
  }
  assert.ok(seen.includes('the last line'), `the last lines: ${seen.slice(-3).map((line) => line.slice(0, 40))}`)
  for (const line of seen) assert.ok(line.length <= 8193, `a line of ${line.length}`)
  const kept = seen.join('\n').length
  assert.ok(kept < 256 * 1024, `of two megabytes, ${kept} bytes are kept`)
}

const missing =
  (image: string): RunnerSuite['app'] =>
  (script) =>
    busyboxApp(script, image)

async function neverPulls({ runner, suite }: RunnerLab): Promise<void> {
  const request = requestOf()
  const plan = runner.plan(request, missing('labgate-test/none:1')('true'))
  await assert.rejects(runner.launch(plan, launchOf()), isTrouble('pull_failed'))
  assert.deepEqual(await suite.remains(request.instance), [])
}

async function pullFails({ runner }: RunnerLab): Promise<void> {
  // Nobody listens there, in whatever network.
  const plan = runner.plan(requestOf(), missing('127.0.0.1:1/lab/none:1')('true'))
  const told: string[] = []
  const launching = runner.launch(plan, launchOf({ progress: (line) => void told.push(line) }))
  await assert.rejects(launching, isTrouble('pull_failed'))
  assert.deepEqual(told, ['Fetches 127.0.0.1:1/lab/none:1.'])
}

/** A registry that takes connections and says nothing. */
async function pullHangs({ runner, suite }: RunnerLab, { gateway }: Engine): Promise<void> {
  const hole = createServer(() => undefined)
  await new Promise<void>((resolve) => hole.listen(0, gateway, resolve))
  const held: { destroy(): void }[] = []
  const asked = new Promise<void>((resolve) => hole.on('connection', (socket) => resolve(void held.push(socket))))
  try {
    const { port } = hole.address() as { port: number }
    const request = requestOf()
    const abort = new AbortController()
    const plan = runner.plan(request, missing(`${gateway}:${port}/lab/slow:1`)('true'))
    const launching = runner.launch(plan, launchOf({ signal: abort.signal }))
    await Promise.race([asked, launching])
    const at = performance.now()
    abort.abort(new Error('broken off'))
    await assert.rejects(launching, /broken off/)
    assert.ok(performance.now() - at < 2000)
    assert.deepEqual(await suite.remains(request.instance), [])
  } finally {
    for (const socket of held) socket.destroy()
    hole.close()
  }
}

async function sweeps({ again, bench, installation }: RunnerLab, { client }: Engine): Promise<void> {
  const Labels = { 'labgate.installation': installation, 'labgate.purpose': 'archive' }
  const left = await client.createContainer({ Image: 'labgate-test/busybox:1', Labels })
  const found = async () => {
    for await (const one of again().discover(soon())) assert.fail(`found ${one.instance}`)
  }
  bench.clock.advance((Date.now() - bench.clock.now().getTime()) / 1000)
  await found()
  await left.inspect()
  bench.clock.advance(25 * 3600)
  await found()
  await assert.rejects(left.inspect(), { statusCode: 404 })
}

/** Folders of everybody's, below a root. */
function sharedClaims(engine: Engine): void {
  const root = mkdtempSync(join(tmpdir(), 'labgate-shared-'))
  const folder = join(root, 'data')
  const mount: Mount = { name: 'data', of: 'shared', source: folder, target: '/data', readOnly: true }
  const profile = (script: string, changes: Partial<Mount>): AppProfile => {
    const app = busyboxApp(script)
    return { ...app, mounts: [...app.mounts, { ...mount, ...changes }] }
  }
  const suite = engineSuite(engine, { mountRoots: [join(root, 'data')] })
  test(`${engine.kind}: a folder below a root is mounted as the profile says; one that is not there is not made`, (t) => {
    mkdirSync(folder, { mode: 0o777, recursive: true })
    writeFileSync(join(folder, 'note'), 'from the lab')
    t.after(() => rmSync(root, { recursive: true, force: true }))
    return inLab(suite, async ({ runner, start }) => {
      const script = 'touch /data/mine 2>/dev/null && echo written > $PAGE; cat /data/note >> $PAGE'
      const app = () => profile(script, {})
      const { page } = await start({ script, runner: { ...runner, plan: (request) => runner.plan(request, app()) } })
      assert.equal(await page(), 'from the lab')
      const launched = (changes: Partial<Mount>) =>
        runner.launch(runner.plan(requestOf(), profile('true', changes)), launchOf())
      await assert.rejects(launched({ source: join(folder, 'none') }), isTrouble('policy'))
      assert.equal(existsSync(join(folder, 'none')), false)
      symlinkSync('/etc', join(folder, 'link'))
      await assert.rejects(launched({ source: join(folder, 'link') }), isTrouble('policy'))
    })
  })
}

/** The cases on people's files once more, with folders in place of volumes. */
function folderClaims(engine: Engine): void {
  const storageRoot = mkdtempSync(join(tmpdir(), 'labgate-people-'))
  const suite = engineSuite(engine, { storage: 'folder', storageRoot })
  const cases = runnerCases(suite).filter(({ name }) => /storage/.test(name) && !/state|schema/.test(name))
  test(`${engine.kind}: in folders, people’s files are kept as in volumes`, patience, async (t) => {
    t.after(() => rmSync(storageRoot, { recursive: true, force: true }))
    assert.equal(cases.length, 4)
    for (const { run } of cases) await run()
  })
}

/** Whether something is a failed start of this trouble. */
export function isTrouble(trouble: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isFault(error), String(error))
    assert.equal((error.detail as { trouble?: string }).trouble, trouble, `${error.message} ${String(error.cause)}`)
    return true
  }
}
