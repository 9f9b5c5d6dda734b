import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Json, LaunchPlan, Runner, RunnerContext, RunnerPlugin } from '@labgate/contract'
import { runnerCases, runnerConformance } from '@labgate/testkit'
import local from './support/plugins/runner-local.ts'
import { localSuite } from './support/runner-suites.ts'

const folder = mkdtempSync(join(tmpdir(), 'labgate-local-'))
after(() => rmSync(folder, { recursive: true, force: true }))

describe('a good runner', () => runnerConformance(localSuite(folder)))

type Change = (runner: Runner, context: RunnerContext) => Partial<Runner>

const good = local as unknown as RunnerPlugin

/** The good plugin with some of its runner replaced. */
function broken(change: Change): RunnerPlugin {
  return {
    ...good,
    create: (context) => {
      const runner = good.create(context)
      return { ...runner, ...change(runner, context) }
    },
  }
}

/** A runner whose launch is another one. */
function launching(change: (launch: Runner['launch'], ...all: Parameters<Runner['launch']>) => Promise<Json>) {
  return broken((runner) => ({ launch: (plan, launch) => change(runner.launch, plan, launch) }))
}

const planOf = (plan: LaunchPlan, changes: Readonly<Record<string, Json>>): LaunchPlan => ({
  ...plan,
  detail: { ...(plan.detail as Record<string, Json>), ...changes },
})

let made = 0
const installations = new Set<string>()
const launched = new Set<string>()

/** Each runner is wrong in one way, and the case named with it must say so. */
const planted: readonly { readonly fault: string; readonly plugin: RunnerPlugin; readonly caught: string }[] = [
  {
    fault: 'makes another plan each time',
    plugin: broken((runner) => ({
      plan: (request, profile) => planOf(runner.plan(request, profile), { made: made++ }),
    })),
    caught: 'the same request makes the same plan, and nothing else',
  },
  {
    fault: 'keeps its state without a version',
    plugin: broken(({ state }) => ({ state: { ...state, version: undefined as never } })),
    caught: 'its state has a version and a strict schema',
  },
  {
    fault: 'mounts whatever it is told to',
    plugin: broken((runner) => ({ plan: (request, profile) => runner.plan(request, { ...profile, mounts: [] }) })),
    caught: 'mounts nothing from outside its roots',
  },
  {
    fault: 'writes down what it has made when it has waited for it',
    plugin: launching(async (launch, plan, { signal, save, ...rest }) => {
      const state = await launch(plan, { ...rest, signal, save: async () => undefined })
      for (let waited = 0; waited < 300; waited += 10) {
        signal.throwIfAborted()
        await sleep(10)
      }
      await save(state)
      return state
    }),
    caught: 'a launch that is broken off at any moment leaves nothing behind',
  },
  {
    fault: 'starts another one when it is asked twice',
    plugin: launching((launch, plan, given) => launch(planOf(plan, { made: made++ }), given)),
    caught: 'a second launch of the same plan takes over what runs',
  },
  {
    fault: 'does not look at its signal',
    plugin: launching((launch, plan, given) => launch(plan, { ...given, signal: new AbortController().signal })),
    caught: 'a launch that is broken off at any step throws, and leaves nothing behind',
  },
  {
    fault: 'says that what it cannot see has ended',
    plugin: broken((runner) => ({
      async inspect(state, signal) {
        const found = await runner.inspect(state, signal)
        return found.state === 'unknown' ? { state: 'exited', code: 1, reason: undefined } : found
      },
    })),
    caught: 'while the place is away, inspect knows nothing',
  },
  {
    fault: 'says that it has ended what it could not reach',
    plugin: broken((runner) => ({
      terminate: (state, options) => runner.terminate(state, options).catch(() => undefined),
    })),
    caught: 'while the place is away, nothing is said to be done',
  },
  {
    fault: 'cannot remove what is gone',
    plugin: broken((runner) => ({
      async remove(state, options) {
        if ((await runner.inspect(state, AbortSignal.timeout(5000))).state === 'missing') throw new Error('not found')
        await runner.remove(state, options)
      },
    })),
    caught: 'terminate and remove may be called twice, and for what is gone',
  },
  {
    fault: 'tells of what happens to another installation',
    plugin: broken((runner) => ({
      launch(plan, launch) {
        launched.add(plan.instance)
        return runner.launch(plan, launch)
      },
      async *watch(signal) {
        while (!signal.aborted) {
          for (const instance of launched) yield { instance, what: 'die' }
          await sleep(20)
        }
      },
    })),
    caught: 'watch tells of an app that ends, of this installation alone, and ends when it is left',
  },
  {
    fault: 'finds what another installation has started',
    plugin: broken((_, context) => {
      installations.add(context.installation)
      return {
        async *discover(signal) {
          // The same config; its type is the plugin's own.
          for (const installation of installations)
            yield* good.create({ ...context, installation } as Parameters<typeof good.create>[0]).discover(signal)
        },
      }
    }),
    caught: 'discover finds nothing of another installation',
  },
  {
    fault: 'gives everybody one storage',
    plugin: broken((runner) => ({
      plan: (request, profile) => planOf(runner.plan(request, profile), { storage: 'everybody' }),
    })),
    caught: 'nobody sees the storage of another person',
  },
  {
    fault: 'hands secrets over in the arguments',
    plugin: launching((launch, plan, given) => {
      const { profile } = plan.detail as { profile: { command: string[] } }
      const command = [...profile.command, ...Object.values(given.secrets)]
      return launch(planOf(plan, { profile: { ...profile, command } }), given)
    }),
    caught: 'secrets are nowhere but in these files',
  },
  {
    fault: 'lets an app no time to end',
    plugin: broken((runner) => ({ terminate: (state) => runner.terminate(state, { graceSeconds: 0 }) })),
    caught: 'terminate lets an app end by itself first',
  },
  {
    fault: 'claims a limit that nobody proves',
    plugin: broken((runner) => ({ capabilities: () => ({ ...runner.capabilities(), network: 'enforced' as const }) })),
    caught: 'whatever else is said to be enforced has a proof',
  },
]

describe('planted faults', () => {
  for (const { fault, plugin, caught } of planted) {
    test(`a runner that ${fault} fails "${caught}"`, async (t) => {
      const own = mkdtempSync(join(tmpdir(), 'labgate-local-'))
      t.after(() => leave(own))
      const suite = { ...localSuite(own, plugin), patience: 5 }
      const found = runnerCases(suite).find(({ name }) => name === caught)
      assert.ok(found, `there is no case "${caught}"`)
      await assert.rejects(found.run(), (error) => error instanceof Error && error.name !== 'TypeError')
    })
  }
})

/** A faulty runner leaves processes behind: those of its folder end with it. */
function leave(own: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${own}/`)) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It ended while we looked.
    }
  }
  rmSync(own, { recursive: true, force: true })
}
