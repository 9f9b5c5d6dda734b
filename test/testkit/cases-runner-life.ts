/** Cases on what becomes of an instance: looked at, ended, removed, found, and all that while its place is away. @module */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { isFault, type Json, type Runner } from '@labgate/contract'
import {
  allOf,
  inLab,
  launchOf,
  pageOf,
  type RunnerLab,
  type RunnerSuite,
  requestOf,
  type Started,
  until,
  untilState,
} from './runner-bench.ts'
import type { Case } from './suite.ts'

/** Inspections, ends, discovery, a place that is away. */
export function lifeCases(suite: RunnerSuite): Case[] {
  const on = (work: (lab: RunnerLab) => Promise<void>) => () => inLab(suite, work)
  return [
    { name: 'inspect tells what runs, and another process with the kept state hears the same', run: on(tellsRunning) },
    { name: 'inspect tells that an app has ended, and with which code', run: on(tellsEnded) },
    { name: 'inspect tells that somebody took it away', run: on(tellsMissing) },
    { name: 'inspectAll says what inspect says, in the same order', run: on(tellsAll) },
    {
      name: 'watch tells of an app that ends, of this installation alone, and ends when it is left',
      run: on(tellsEnds),
    },
    { name: 'while the place is away, inspect knows nothing', run: on(knowsNothing) },
    { name: 'while the place is away, nothing is said to be done', run: on(doesNothing) },
    { name: 'terminate lets an app end by itself first', run: on(endsGently) },
    { name: 'terminate ends an app that does not listen', run: on(endsByForce) },
    { name: 'terminate and remove may be called twice, and for what is gone', run: on(endsTwice) },
    { name: 'remove takes away what runs, too', run: on(removesRunning) },
    { name: 'discover finds what runs and what has ended, with its account', run: on(finds) },
    { name: 'discover finds nothing of another installation', run: on(findsOwnOnly) },
    { name: 'health says why it is not well', run: on(tellsHealth) },
  ]
}

const soon = () => AbortSignal.timeout(20_000)

async function tellsRunning({ suite, start, again }: RunnerLab): Promise<void> {
  const { state, page } = await start()
  await page()
  const kept = JSON.parse(JSON.stringify(state)) as Json
  const other = again()
  assert.deepEqual(await other.inspect(kept, soon()), { state: 'running' })
  assert.match(await pageOf({ suite, runner: other, state: kept }), /here/)
}

async function tellsEnded({ start, runner }: RunnerLab): Promise<void> {
  const { state } = await start({ script: 'exit 7' })
  const found = await untilState(runner, { state, wanted: 'exited' })
  assert.ok(found.state === 'exited')
  assert.ok(
    found.code === 7 || found.code === undefined,
    `it ended with 7, and is said to have ended with ${found.code}`,
  )
}

async function tellsMissing({ suite, start, runner }: RunnerLab): Promise<void> {
  const { instance, state, page } = await start()
  await page()
  await suite.vanish(instance)
  const found = await runner.inspect(state, soon())
  assert.notEqual(found.state, 'running')
  assert.notEqual(found.state, 'unknown', 'its place is well, and says that it is gone')
}

async function tellsAll({ suite, start, runner }: RunnerLab): Promise<void> {
  if (runner.inspectAll === undefined) return
  const ended = await start({ script: 'exit 4' })
  const gone = await start()
  const runs = await start()
  await runs.page()
  await untilState(runner, { state: ended.state, wanted: 'exited' })
  await suite.vanish(gone.instance)
  const states = [ended, runs, gone, runs].map(({ state }) => state)
  const all = await runner.inspectAll(states, soon())
  const each = await Promise.all(states.map((state) => runner.inspect(state, soon())))
  assert.deepEqual(all, each)
  assert.equal(all[1]?.state, 'running')
}

async function tellsEnds({ suite, start, runner }: RunnerLab): Promise<void> {
  if (runner.watch === undefined) return
  const leaving = new AbortController()
  const heard = new Set<string>()
  const listening = (async () => {
    for await (const { instance } of runner.watch?.(leaving.signal) ?? []) heard.add(instance)
  })()
  const ended: string[] = []
  try {
    await inLab(suite, async (other) => {
      const foreign = (await other.start({ script: 'exit 3' })).instance
      // When it begins to listen it does not say: one that ended before is not told of.
      for (let tries = 0; tries < 3 && !ended.some((one) => heard.has(one)); tries++) {
        const { instance } = await start({ script: 'exit 3' })
        ended.push(instance)
        const told = async () => heard.has(instance) || undefined
        await until(told, { seconds: 5, what: () => 'silence' }).catch(() => undefined)
      }
      assert.ok(
        ended.some((one) => heard.has(one)),
        'apps ended, and it told of none',
      )
      assert.ok(!heard.has(foreign), 'it told of another installation')
    })
  } finally {
    leaving.abort()
  }
  await listening
}

async function knowsNothing({ suite, start, runner }: RunnerLab): Promise<void> {
  const { state, page } = await start()
  await page()
  const undo = await suite.down()
  try {
    const found = await runner.inspect(state, soon())
    assert.equal(found.state, 'unknown', `its place is away, and it is said to be ${found.state}`)
    const all = await runner.inspectAll?.([state], soon()).catch(() => undefined)
    for (const one of all ?? []) assert.equal(one.state, 'unknown', `its place is away, and it is ${one.state}`)
  } finally {
    await undo()
  }
  await untilState(runner, { state, wanted: 'running' })
}

async function doesNothing({ suite, start, runner }: RunnerLab): Promise<void> {
  const { state, page } = await start()
  await page()
  const request = requestOf()
  const plan = runner.plan(request, suite.app('true'))
  const undo = await suite.down()
  try {
    await assert.rejects(runner.launch(plan, launchOf()), isUnreachable, 'launch must say `unreachable`')
    await assert.rejects(runner.terminate(state, { graceSeconds: 1 }), 'terminate must not say that it is done')
    await assert.rejects(runner.remove(state, { volumes: false }), 'remove must not say that it is done')
    if (runner.capabilities().discover)
      await assert.rejects(allOf(runner.discover(soon())), 'discover must not say that there is nothing')
  } finally {
    await undo()
  }
  await untilState(runner, { state, wanted: 'running' })
}

function isUnreachable(error: unknown): boolean {
  assert.ok(isFault(error) && error.code === 'ERR_LAUNCH', `it threw ${String(error)} in place of an ERR_LAUNCH`)
  assert.equal((error.detail as { trouble?: string } | undefined)?.trouble, 'unreachable')
  return true
}

/** It says goodbye in its storage, where the next one finds it. */
const farewell =
  'trap "sleep 0.4; echo bye > $STORE/bye; exit 0" TERM; echo here > $PAGE; touch $STORE/ready; while :; do sleep 0.05; done'

async function endsGently({ start, runner }: RunnerLab): Promise<void> {
  const storage = `s${randomBytes(6).toString('hex')}`
  const watcher = await start({ script: watching, request: { storage } })
  const { state } = await start({ script: farewell, request: { storage } })
  await watcher.pageLike(/ready/)
  await runner.terminate(state, { graceSeconds: 10 })
  await watcher.pageLike(/bye/)
  assert.notEqual((await runner.inspect(state, soon())).state, 'running')
}

/** Serves the names of the files in its storage. */
const watching = '(while :; do ls $STORE > $PAGE.new; echo . >> $PAGE.new; mv $PAGE.new $PAGE; sleep 0.1; done) & true'

async function endsByForce({ start, runner }: RunnerLab): Promise<void> {
  const storage = `s${randomBytes(6).toString('hex')}`
  const watcher = await start({ script: watching, request: { storage } })
  const script = 'trap "" TERM; touch $STORE/ready; while :; do sleep 0.1; done'
  const { state } = await start({ script, request: { storage } })
  await watcher.pageLike(/ready/)
  const at = performance.now()
  await runner.terminate(state, { graceSeconds: 1 })
  assert.ok(performance.now() - at < 8000, 'a grace of one second took longer than eight')
  assert.notEqual((await runner.inspect(state, soon())).state, 'running')
}

async function endsTwice({ suite, start, runner }: RunnerLab): Promise<void> {
  const { instance, state, page } = await start()
  await page()
  for (let time = 0; time < 2; time++) await runner.terminate(state, { graceSeconds: 1 })
  for (let time = 0; time < 2; time++) await runner.remove(state, { volumes: time === 1 })
  await runner.terminate(state, { graceSeconds: 1 })
  assert.deepEqual(await suite.remains(instance), [])
  const other = await start()
  await suite.vanish(other.instance)
  await runner.terminate(other.state, { graceSeconds: 1 })
  await runner.remove(other.state, { volumes: true })
  assert.deepEqual(await suite.remains(other.instance), [])
}

async function removesRunning({ suite, start, runner }: RunnerLab): Promise<void> {
  const { instance, state, page } = await start()
  await page()
  await runner.remove(state, { volumes: false })
  assert.deepEqual(await suite.remains(instance), [])
}

async function found(runner: Runner<Json>, { instance }: Pick<Started, 'instance'>) {
  const all = await allOf(runner.discover(soon()))
  return all.filter((one) => one.instance === instance)
}

async function finds({ suite, start, again, runner }: RunnerLab): Promise<void> {
  if (!runner.capabilities().discover) return
  const account = 'account-of-somebody'
  const runs = await start({ script: 'echo here > $PAGE', request: { account } })
  const ended = await start({ script: 'exit 3', request: { account } })
  await untilState(runner, { state: ended.state, wanted: 'exited' })
  await runs.page()
  const other = again()
  for (const started of [runs, ended]) {
    const [one, second] = await found(other, started)
    assert.ok(one, 'it was not found')
    assert.equal(second, undefined, 'it was found twice')
    assert.equal(one.account, account)
    assert.deepEqual(one.state, started.state, 'what was found has another state than what was saved')
  }
  for (const { state } of [runs, ended]) await other.remove(state, { volumes: true })
  assert.deepEqual(await suite.remains(runs.instance), [])
  assert.deepEqual(await found(other, runs), [], 'what was removed is found')
}

async function findsOwnOnly(lab: RunnerLab): Promise<void> {
  if (!lab.runner.capabilities().discover) return
  await lab.start()
  await inLab(lab.suite, async (other) => {
    const own = await other.start()
    const all = await allOf(other.runner.discover(soon()))
    assert.deepEqual(
      all.map(({ instance }) => instance),
      [own.instance],
    )
  })
}

async function tellsHealth({ suite, runner }: RunnerLab): Promise<void> {
  if (runner.health === undefined) return
  assert.equal((await runner.health()).ok, true)
  const undo = await suite.down()
  try {
    const { ok, detail } = await runner.health()
    assert.equal(ok, false)
    assert.ok(detail, 'health that is not ok says why')
  } finally {
    await undo()
  }
  const well = async () => ((await runner.health?.())?.ok ? true : undefined)
  await until(well, { seconds: 10, what: () => 'health' })
}
