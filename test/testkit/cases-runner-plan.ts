/** Cases on what a runner is and what it means to do, before anything exists. @module */
import assert from 'node:assert/strict'
import {
  type AppProfile,
  type Capabilities,
  contractVersion,
  isFault,
  type LaunchPlan,
  type Runner,
} from '@labgate/contract'
import { textProblems } from './cases-definition.ts'
import { configFrom, schemaProblems } from './config.ts'
import { purely } from './pure.ts'
import { inLab, type RunnerLab, type RunnerSuite, requestOf } from './runner-bench.ts'
import type { Case } from './suite.ts'

/** Shape, schemas, texts, purity, capabilities, plans. */
export function planCases(suite: RunnerSuite): Case[] {
  const { plugin, config } = suite
  const on = (work: (lab: RunnerLab) => void) => () => inLab(suite, async (lab) => work(lab))
  return [
    { name: 'is a plugin of kind runner for this contract', run: async () => isRunnerPlugin(suite) },
    {
      name: 'its config schema is strict, described, and its defaults fit',
      run: async () => assert.deepEqual(schemaProblems(plugin.config), []),
    },
    {
      name: 'its config refuses an unknown key',
      run: async () => {
        assert.doesNotThrow(() => configFrom(plugin.config, config))
        assert.throws(() => configFrom(plugin.config, { ...Object(config), unknownKey: 1 }), /unknownKey is unknown/)
      },
    },
    { name: 'every language says what English says', run: async () => assert.deepEqual(textProblems(plugin), []) },
    { name: 'create is pure', run: on(createIsPure) },
    { name: 'its state has a version and a strict schema', run: on(stateIsDescribed) },
    { name: 'a state of any version is brought to today’s form', run: on(migrates) },
    { name: 'its capabilities are of the closed set, and what it claims is there', run: on(claims) },
    { name: 'the same request makes the same plan, and nothing else', run: on(planIsPure) },
    { name: 'what runs differently has another plan', run: on(plansDiffer) },
    { name: 'mounts nothing from outside its roots', run: on(mountsAreHeld) },
  ]
}

function isRunnerPlugin({ plugin }: RunnerSuite): void {
  assert.equal(plugin.kind, 'runner')
  assert.equal(plugin.contract, contractVersion)
  assert.match(plugin.name, /^[a-z][a-z0-9-]*$/)
}

function createIsPure({ bench, suite, installation }: RunnerLab): void {
  const before = bench.used.length
  const touched = purely(() => suite.plugin.create({ ...bench.context, installation }))
  assert.deepEqual([...touched, ...bench.used.slice(before)], [], 'create must touch nothing; open things in `start`')
}

function stateIsDescribed({ runner }: RunnerLab): void {
  const { version, schema } = runner.state
  assert.ok(Number.isInteger(version) && version >= 1, `\`state.version\` must be a number from 1 on, got ${version}`)
  assert.deepEqual(schemaProblems(schema, 'state'), [])
}

function migrates({ runner, suite }: RunnerLab): void {
  const { version, schema } = runner.state
  const old = suite.oldStates ?? []
  for (let from = 1; from < version; from++)
    assert.ok(
      old.some((one) => one.from === from),
      `give a state of version ${from} in \`oldStates\``,
    )
  for (const { from, state } of old) assert.doesNotThrow(() => configFrom(schema, runner.state.migrate(state, from)))
}

const levels = ['enforced', 'advisory', 'none']

function claims({ runner }: RunnerLab): void {
  const said: Capabilities = runner.capabilities()
  for (const name of ['memory', 'cpu', 'storage', 'pids', 'gpu', 'network'] as const)
    assert.ok(levels.includes(said[name]), `${name}: ${said[name]}`)
  assert.equal(said.logs, runner.logs !== undefined, '`logs` is claimed, but not there, or the other way round')
  assert.equal(said.stats, runner.stats !== undefined, '`stats` is claimed, but not there, or the other way round')
}

function planIsPure({ suite, runner, bench, again }: RunnerLab): void {
  const request = frozen(requestOf())
  const profile = frozen(suite.app('true'))
  let first: LaunchPlan | undefined
  const before = bench.used.length
  const touched = purely(() => {
    first = runner.plan(request, profile)
  })
  assert.deepEqual([...touched, ...bench.used.slice(before)], [], 'plan must touch nothing')
  assert.deepEqual(runner.plan(request, profile), first, 'the second plan is another one')
  assert.deepEqual(again().plan(request, profile), first, 'the plan of another process is another one')
  assert.deepEqual(JSON.parse(JSON.stringify(first)), first, 'a plan must survive JSON')
  assert.equal(first?.instance, request.instance)
  assert.ok(first.summary.trim() !== '' && !first.summary.includes('\n'), 'the summary is one line')
  assert.deepEqual(bench.leaks(first), [], 'a secret of the config is in the plan')
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(Object.freeze(value))) frozen(part)
  return value
}

function plansDiffer({ suite, runner }: RunnerLab): void {
  const request = requestOf()
  const profile = suite.app('echo {basePath}')
  const { detail } = runner.plan(request, profile)
  const others: [string, Runner['plan'] extends (...all: infer A) => unknown ? A : never][] = [
    ['command', [request, suite.app('false')]],
    ['environment', [request, { ...profile, environment: { ...profile.environment, OTHER: '1' } }]],
    ['basePath', [{ ...request, basePath: '/w/other/' }, profile]],
    ['storage', [{ ...request, storage: 'other' }, profile]],
  ]
  for (const [what, ask] of others)
    assert.notDeepEqual(runner.plan(...ask).detail, detail, `another ${what} must make another plan`)
}

/** A folder of everybody's, and places that are none. */
function mountsAreHeld({ suite, runner }: RunnerLab): void {
  const profile = suite.app('true')
  const wrong: [string, string][] = [
    ['/', '/mnt/x'],
    ['/etc', '/mnt/x'],
    ['/var/../etc', '/mnt/x'],
    ['relative', '/mnt/x'],
    ['/etc:/mnt/y', '/mnt/x'],
    ['/etc', 'relative'],
    ['/etc', '/mnt/../etc'],
    ['/etc', '/mnt/x:rw'],
  ]
  for (const [source, target] of wrong) {
    const mount = { name: 'shared', of: 'shared' as const, source, target, readOnly: false }
    const app: AppProfile = { ...profile, mounts: [...profile.mounts, mount] }
    assert.throws(() => runner.plan(requestOf(), app), isPolicy, `${source} on ${target} must be refused (policy)`)
  }
}

function isPolicy(error: unknown): boolean {
  return isFault(error) && error.code === 'ERR_LAUNCH' && (error.detail as { trouble?: string })?.trouble === 'policy'
}
