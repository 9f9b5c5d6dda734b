/** Hosts reached by SSH as a runner. @module */
import {
  Fault,
  type Finding,
  type Found,
  type Health,
  type Inspection,
  type Runner,
  type RunnerContext,
  type Usage,
} from '@labgate/contract'
import { archiveOf } from './archive.ts'
import { notes } from './choose.ts'
import { endProcesses, removeRun } from './end.ts'
import { type Ground, hostNamed } from './ground.ts'
import { type Host, hostOf, hostTrouble, keptBy } from './host.ts'
import { launchOn, secretSteps } from './launch.ts'
import { linesOf } from './logs.ts'
import { planOf } from './plan.ts'
import type { RunnerSshConfig } from './settings.ts'
import { migrate, type Run, runOf, type State, seen, stateSchema, stateVersion } from './state.ts'
import { tunnelsOf } from './tunnels.ts'

/** Makes the runner; it connects when it is used. @throws Fault ERR_CONFIG for pins, keys and names that are none */
export function createSsh(context: RunnerContext<RunnerSshConfig>): Runner<State> {
  const ground = groundOf(context)
  const { hosts, log } = ground
  const tunnels = tunnelsOf(ground)
  const names = hosts.map(({ name }) => name)
  const at = async <T>({ host }: State, work: (found: Host) => Promise<T>) => {
    const found = hostNamed(ground, host)
    return work(found).catch((error: unknown) => {
      throw hostTrouble(host, error)
    })
  }
  return {
    state: { schema: stateSchema, version: stateVersion, migrate },
    capabilities: () => ({
      memory: keptBy(hosts, 'memory', 'advisory'),
      cpu: keptBy(hosts, 'cpu', 'advisory'),
      pids: keptBy(hosts, 'pids', 'none'),
      ...({ storage: 'none', gpu: 'none', network: 'none' } as const),
      ...{ logs: true, stats: true, discover: true },
    }),
    hosts: () => names,
    hostOf: ({ host }) => host,
    plan: (request, profile) => planOf(request, profile, names),
    launch: (plan, launch) => {
      tunnels.forget(plan.instance)
      return launchOn(ground, plan, launch)
    },
    inspect: async (state, signal) => (await inspectAll(ground, [state], signal))[0] ?? { state: 'missing' },
    inspectAll: (states, signal) => inspectAll(ground, states, signal),
    endpoint: async (state) => ({ kind: 'tunnel', open: () => tunnels.open(state) }),
    renew: (state, secrets) =>
      at(state, async (host) => {
        await host.ask([['renew', state.instance], ...secretSteps(state.instance, secrets)])
      }),
    terminate: (state, { graceSeconds }) => {
      tunnels.forget(state.instance)
      return at(state, (host) => endProcesses(host, state.instance, { graceSeconds }))
    },
    async remove(state, { volumes }) {
      tunnels.forget(state.instance)
      await at(state, (host) => removeRun(host, state.instance, volumes ? state.storage : ''))
      ground.placed.delete(state.instance)
      await notes.forget(ground, state.instance)
      if (volumes) await notes.forgetFiles(ground, state.storage)
    },
    discover: (signal) => discover(ground, signal),
    async *logs({ host, instance }, options) {
      yield* linesOf(hostNamed(ground, host), instance, options)
    },
    stats: (state) => at(state, (host) => usageOf(host, state.instance, context.clock.now())),
    archive: (storage) => archiveOf(ground, storage),
    async start(signal) {
      // A host that is down now is asked again when it is used; nothing else waits for it.
      await Promise.all(
        hosts.map((host) =>
          host.limits(signal).catch((err: unknown) => log.warn({ host: host.name, err }, 'a host does not answer')),
        ),
      )
    },
    stop: async () => void (await Promise.all(hosts.map((host) => host.close()))),
    health: () => health(ground),
    probe: () => probe(ground),
  }
}

function groundOf({ config, id, installation, store, random, log }: RunnerContext<RunnerSshConfig>): Ground {
  const { folder, runFolder, ports } = config
  const names = config.hosts.map(({ name }) => name)
  if (new Set(names).size < names.length) throw new Fault('ERR_CONFIG', `${id}: two hosts have the same \`name\``)
  if (ports.from > ports.to) throw new Fault('ERR_CONFIG', `${id}: \`ports.from\` is above \`ports.to\``)
  const owner = `${installation}-${id}`
  const hosts = config.hosts.map((host) => hostOf(host, { folder, runFolder, owner, place: host.name }))
  return { config, hosts, store, random, log, placed: new Map() }
}

/** One question to each host; one that does not answer says nothing about what runs there. */
async function inspectAll(
  ground: Ground,
  states: readonly State[],
  signal: AbortSignal,
): Promise<readonly Inspection[]> {
  const answers = new Map<string, ReadonlyMap<string, Inspection> | string>()
  const asked = [...new Set(states.map(({ host }) => host))].map(async (name) => {
    try {
      const answer = await hostNamed(ground, name).ask([['list']], { signal })
      const runs = answer.lines('run').map(runOf)
      answers.set(name, new Map(runs.map((run) => [run.instance, seen(run)])))
    } catch (error) {
      answers.set(name, error instanceof Error ? error.message : String(error))
    }
  })
  await Promise.all(asked)
  return states.map(({ host, instance }): Inspection => {
    const answer = answers.get(host)
    if (answer === undefined || typeof answer === 'string') return { state: 'unknown', reason: answer ?? 'not asked' }
    return answer.get(instance) ?? { state: 'missing' }
  })
}

/**
 * A host that does not answer is passed over and logged, unless none does: whatever is started is kept with its host first,
 * so that nothing is taken for ended because it is not found here.
 * @throws Fault ERR_LAUNCH when no host answers
 */
async function* discover({ hosts, log }: Ground, signal: AbortSignal): AsyncGenerator<Found<State>> {
  let failure: unknown
  let answered = 0
  for (const host of hosts) {
    let runs: readonly Run[] = []
    try {
      runs = (await host.ask([['list']], { signal })).lines('run').map(runOf)
      answered += 1
    } catch (err) {
      failure = hostTrouble(host.name, err)
      log.warn({ host: host.name, err }, 'a host did not say what runs there')
    }
    for (const { instance, account, storage } of runs)
      yield { instance, account, state: { host: host.name, instance, account, storage } }
  }
  if (answered === 0) throw failure
}

/** Well as long as one host answers: the others take what is new. */
async function health({ hosts }: Ground): Promise<Health> {
  const answers = await Promise.allSettled(hosts.map((host) => host.ping()))
  const silent = hosts.filter((_, index) => answers[index]?.status === 'rejected').map(({ name }) => name)
  if (silent.length === 0) return { ok: true }
  return { ok: silent.length < hosts.length, detail: `no answer from ${silent.join(', ')}` }
}

async function usageOf(host: Host, instance: string, at: Date): Promise<Usage> {
  const [memory = '0', ticks = '0', perSecond = '100'] = (await host.ask([['usage', instance]])).line('usage') ?? []
  return { memoryBytes: Number(memory), cpuSeconds: Number(ticks) / Number(perSecond), at }
}

async function* probe({ hosts }: Ground): AsyncGenerator<Finding> {
  for (const host of hosts)
    try {
      const answer = await host.ask([['survey', 'nobody']])
      const { memory, cpu, pids } = await host.limits()
      const kept = Object.entries({ memory, cpu, pids }).flatMap(([name, isKept]) => (isKept ? [name] : []))
      const runs = answer.lines('run').length
      yield {
        ok: true,
        what: `${host.name} (${host.at}) answers; workspaces there: ${runs}; limits it keeps: ${kept.join(', ') || 'none'}`,
      }
      if (answer.line('who')?.[0] === '0')
        yield { ok: false, what: `${host.name}: Labgate signs in as root`, mend: 'give it an account of its own there' }
    } catch (error) {
      const what = `${host.name} (${host.at}): ${error instanceof Error ? error.message : String(error)}`
      yield { ok: false, what, mend: 'the message says what to look at' }
    }
}
