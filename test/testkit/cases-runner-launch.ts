/** Cases on launches: done once, done twice, broken off, killed in between. @module */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Json, LaunchPlan } from '@labgate/contract'
import { configFrom } from './config.ts'
import {
  allOf,
  inLab,
  launchOf,
  pageOf,
  type RunnerLab,
  type RunnerSuite,
  requestOf,
  untilState,
} from './runner-bench.ts'
import type { Case } from './suite.ts'

/** So soon after its signal a launch has thrown. */
const soonMs = 5000

/** Launches. */
export function launchCases(suite: RunnerSuite): Case[] {
  const on = (work: (lab: RunnerLab) => Promise<void>) => () => inLab(suite, work)
  const held = (suite.phases ?? []).map(({ name, arrange }) => ({
    name: `a launch that is broken off while ${name} leaves nothing behind`,
    run: on((lab) => breaksOffIn(lab, arrange)),
  }))
  return [
    { name: 'a launched app answers at its endpoint, under its own base path', run: on(answers) },
    { name: 'what exists is saved before the launch is over, and fits the schema of the state', run: on(saves) },
    { name: 'a second launch of the same plan takes over what runs', run: on(takesOver) },
    { name: 'two launches of one plan at once make one', run: on(makesOne) },
    { name: 'a launch of another plan replaces what runs', run: on(replaces) },
    { name: 'a launch of an app that has ended starts it anew', run: on(startsAnew) },
    { name: 'a launch that is broken off before it begins makes nothing', run: on(makesNothing) },
    { name: 'a launch that is broken off at any step throws, and leaves nothing behind', run: on(breaksOffAtSteps) },
    { name: 'a launch that is broken off at any moment leaves nothing behind', run: on(breaksOffAtTimes) },
    ...held,
    { name: 'what a crash keeps from being recorded is found, and can be removed', run: on(findsUnrecorded) },
  ]
}

async function answers({ start }: RunnerLab): Promise<void> {
  const { page } = await start({ script: 'echo "at {basePath}" > $PAGE', request: { basePath: '/w/mine/' } })
  assert.equal((await page()).trim(), 'at /w/mine/')
}

async function saves({ start, runner }: RunnerLab): Promise<void> {
  const saved: Json[] = []
  let isOver = false
  const save = async (state: Json) => {
    assert.equal(isOver, false, 'save was called after the launch')
    saved.push(state)
    // The launch has to wait for it: what is not written down is lost in a crash.
    await sleep(50)
    saved.push('done')
  }
  const { state } = await start({ launch: { save } })
  isOver = true
  assert.ok(saved.length > 0, 'save was never called')
  assert.equal(saved.at(-1), 'done', 'the launch did not wait for save')
  for (const one of [state, ...saved.filter((part) => part !== 'done')]) {
    assert.doesNotThrow(() => configFrom(runner.state.schema, one), 'a state does not fit its own schema')
    assert.deepEqual(JSON.parse(JSON.stringify(one)), one, 'a state must survive JSON')
  }
}

const marked = 'cat /proc/sys/kernel/random/uuid > $PAGE'

async function takesOver({ suite, runner, again }: RunnerLab): Promise<void> {
  const request = requestOf()
  const plan = runner.plan(request, suite.app(marked))
  const one = await runner.launch(plan, launchOf())
  const first = await pageOf({ suite, runner, state: one })
  const count = (await suite.remains(request.instance)).length
  // As after a crash: another process, and the plan from a row.
  const two = await again().launch(JSON.parse(JSON.stringify(plan)) as LaunchPlan, launchOf())
  assert.deepEqual(two, one, 'the second launch has another state')
  assert.equal(await pageOf({ suite, runner, state: two }), first, 'the app was started anew')
  assert.equal((await suite.remains(request.instance)).length, count, 'there is more than before')
}

async function makesOne({ suite, runner, again }: RunnerLab): Promise<void> {
  const single = requestOf()
  const alone = await runner.launch(runner.plan(single, suite.app(marked)), launchOf())
  await pageOf({ suite, runner, state: alone })
  const count = (await suite.remains(single.instance)).length
  const request = requestOf()
  const plan = runner.plan(request, suite.app(marked))
  const tries = await Promise.allSettled([runner, again()].map((one) => one.launch(plan, launchOf())))
  const states = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const [state] = states
  assert.ok(state !== undefined, `neither came up: ${tries.map((one) => (one as PromiseRejectedResult).reason)}`)
  for (const other of states) assert.deepEqual(other, state, 'two launches at once have made two')
  await pageOf({ suite, runner, state })
  assert.equal((await suite.remains(request.instance)).length, count, 'two launches at once have made two')
}

async function replaces({ suite, runner }: RunnerLab): Promise<void> {
  const request = requestOf()
  const first = await runner.launch(runner.plan(request, suite.app('echo one > $PAGE')), launchOf())
  await pageOf({ suite, runner, state: first })
  const count = (await suite.remains(request.instance)).length
  const second = await runner.launch(runner.plan(request, suite.app('echo two > $PAGE')), launchOf())
  assert.match(await pageOf({ suite, runner, state: second }), /two/)
  assert.equal((await suite.remains(request.instance)).length, count, 'the other plan’s is still there')
}

async function startsAnew({ suite, runner }: RunnerLab): Promise<void> {
  const request = requestOf()
  const script = 'if [ -e $STORE/been ]; then echo again > $PAGE; else touch $STORE/been; exit 3; fi'
  const plan = runner.plan(request, suite.app(script))
  const ended = await runner.launch(plan, launchOf())
  await untilState(runner, { state: ended, wanted: 'exited' })
  const state = await runner.launch(plan, launchOf())
  assert.match(await pageOf({ suite, runner, state }), /again/)
}

async function makesNothing({ suite, runner }: RunnerLab): Promise<void> {
  const request = requestOf()
  const saved: Json[] = []
  const launch = launchOf({ signal: AbortSignal.abort(), save: async (state) => void saved.push(state) })
  await assert.rejects(runner.launch(runner.plan(request, suite.app('true')), launch), 'it must throw')
  assert.deepEqual(saved, [], 'it saved something')
  assert.deepEqual(await suite.remains(request.instance), [], 'it made something')
}

/** How a launch is broken off, and where it was when it was. */
interface BreakOff {
  /** At which step (save or progress), or after how many milliseconds. */
  readonly step?: number
  readonly after?: number
}

interface Broken {
  readonly steps: number
  readonly threw: boolean
  readonly took: number
}

/** Launches, breaks off, takes away what was saved, and fails when anything is left. */
async function brokenOff({ suite, runner }: RunnerLab, { step, after }: BreakOff): Promise<Broken> {
  const request = requestOf()
  const abort = new AbortController()
  const saved: Json[] = []
  let steps = 0
  let at = 0
  const reached = () => {
    steps += 1
    if (steps === step) stop()
  }
  const stop = () => {
    at = performance.now()
    abort.abort(new Error('broken off'))
  }
  const launch = launchOf({
    signal: abort.signal,
    secrets: { token: 'a-secret-of-the-launch' },
    progress: reached,
    async save(state) {
      saved.push(state)
      reached()
    },
  })
  const timer = after === undefined ? undefined : setTimeout(stop, after)
  const state = await runner
    .launch(runner.plan(request, suite.app('echo here > $PAGE')), launch)
    .catch(() => undefined)
    .finally(() => clearTimeout(timer))
  const took = at === 0 ? 0 : performance.now() - at
  const last = saved.at(-1) ?? state
  if (last !== undefined) {
    await runner.terminate(last, { graceSeconds: 1 })
    await runner.remove(last, { volumes: true })
  }
  const when = step === undefined ? `after ${after} ms` : `at step ${step}`
  const left = await suite.remains(request.instance)
  assert.deepEqual(left, [], `broken off ${when}, with ${saved.length} saved, it left something behind`)
  return { steps, threw: state === undefined, took }
}

async function breaksOffAtSteps(lab: RunnerLab): Promise<void> {
  const { steps } = await brokenOff(lab, {})
  for (let step = 1; step <= steps; step++) {
    const { threw, took } = await brokenOff(lab, { step })
    assert.ok(threw, `broken off at step ${step} of ${steps}, the launch went on to its end`)
    assert.ok(took < soonMs, `broken off at step ${step}, it threw after ${Math.round(took)} ms`)
  }
}

async function breaksOffAtTimes(lab: RunnerLab): Promise<void> {
  const start = performance.now()
  await brokenOff(lab, {})
  const whole = performance.now() - start
  for (const part of [0.05, 0.2, 0.35, 0.5, 0.65]) await brokenOff(lab, { after: Math.round(whole * part) })
}

async function breaksOffIn(lab: RunnerLab, arrange: () => Promise<() => Promise<void> | void>): Promise<void> {
  const undo = await arrange()
  try {
    const { threw, took } = await brokenOff(lab, { after: 300 })
    assert.ok(threw && took > 0, 'the launch did not hang there')
    assert.ok(took < soonMs, `it threw after ${Math.round(took)} ms`)
  } finally {
    await undo()
  }
}

async function findsUnrecorded({ suite, runner, again }: RunnerLab): Promise<void> {
  const request = requestOf()
  const save = async () => {
    throw new Error('the process was killed')
  }
  const plan = runner.plan(request, suite.app('echo here > $PAGE'))
  await assert.rejects(runner.launch(plan, launchOf({ save })), /killed/, 'a save that fails must end the launch')
  const other = again()
  if ((await suite.remains(request.instance)).length > 0) {
    assert.ok(other.capabilities().discover, 'something is left, and nobody can find it')
    const found = (await allOf(other.discover(AbortSignal.timeout(10_000)))).find(
      ({ instance }) => instance === request.instance,
    )
    assert.ok(found, 'something is left, and `discover` does not find it')
    await other.terminate(found.state, { graceSeconds: 1 })
    await other.remove(found.state, { volumes: true })
  }
  assert.deepEqual(await suite.remains(request.instance), [])
}
