/** One engine of Docker or Podman as a runner. @module */
import {
  type Capabilities,
  type Endpoint,
  type Inspection,
  launchFault,
  type Runner,
  type RunnerContext,
  type Usage,
} from '@labgate/contract'
import type { ContainerInfo } from 'dockerode'
import { archiveStores, removeStale } from './archive.ts'
import type { RunnerDockerConfig } from './config.ts'
import { engineOf, engineTrouble, isGone, statusOf, wordsOf } from './engine.ts'
import { heardFrom } from './events.ts'
import type { Ground } from './ground.ts'
import { launchOn, removeContainer, renewIn } from './launch.ts'
import { linesOf } from './logs.ts'
import { isPodman } from './network.ts'
import { type DockerPlan, labels, planOf } from './plan.ts'
import { foundIn, hasEnded, type State, seen, stateSchema } from './state.ts'
import { removeStores } from './stores.ts'

/** Makes the runner; it connects when it is used. @throws Fault ERR_CONFIG */
export function createDocker({ config, installation, clock }: RunnerContext<RunnerDockerConfig>): Runner<State> {
  const engine = engineOf(config)
  const ground: Ground = { engine, config, installation, clock }
  return {
    state: { schema: stateSchema, version: 1, migrate: (old) => old as State },
    capabilities: () => capabilitiesOf(config),
    plan: (request, profile) => planOf(request, profile, ground),
    // What `plan` made; the core hands it back as it was.
    launch: ({ detail }, launch) => launchOn(ground, detail as unknown as DockerPlan, launch),
    inspect: ({ container }, signal) => inspect(ground, container, signal),
    inspectAll: (states, signal) => inspectAll(ground, states, signal),
    endpoint: (state) => told(endpointOf(ground, state)),
    renew: (state, secrets) => told(renewIn(ground, state, secrets)),
    terminate: ({ container }, { graceSeconds }) => told(stop(ground, container, graceSeconds)),
    remove: ({ container, storage }, { volumes }) => told(remove(ground, { container, storage, volumes })),
    async *discover(signal) {
      for (const line of await lines(ground, signal)) {
        const found = line.Labels[labels.installation] === installation ? foundIn(line) : undefined
        if (found) yield found
      }
      await removeStale(ground)
    },
    watch: (signal) => heardFrom(ground, signal),
    logs: ({ container }, options) => linesOf(engine.wait, container, options),
    stats: ({ container }) => told(usageOf(ground, container)),
    archive: (storage) => archiveStores(ground, storage),
    async health() {
      return engine.ask.ping().then(
        () => ({ ok: true }),
        (error: unknown) => ({ ok: false, detail: `the engine does not answer: ${wordsOf(error)}` }),
      )
    },
    async *probe() {
      try {
        const { Version, ApiVersion } = await engine.ask.version()
        yield { ok: true, what: `the engine answers: ${Version}, API ${ApiVersion}` }
        if (config.isolate && config.network === undefined && (await isPodman(engine))) {
          const mend = 'set `isolate: false` when you know, and run only apps that ask for a token'
          yield { ok: false, what: 'Podman does not keep containers from reaching each other', mend }
        }
      } catch (error) {
        const mend = 'is it running, and may this user read and write its socket?'
        yield { ok: false, what: `the engine does not answer: ${wordsOf(error)}`, mend }
      }
    },
  }
}

/** What no test exceeds is no more than advice: GPUs, and sizes that depend on the engine's file system. */
function capabilitiesOf({ limitStorage, gpus, isolate, network }: RunnerDockerConfig): Capabilities {
  return {
    ...({ memory: 'enforced', cpu: 'enforced', pids: 'enforced' } as const),
    // The engine's firewall does it; one that was started without has none.
    network: isolate && network === undefined ? 'advisory' : 'none',
    storage: limitStorage ? 'advisory' : 'none',
    gpu: gpus ? 'advisory' : 'none',
    ...{ logs: true, stats: true, discover: true },
  }
}

async function told<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw engineTrouble(error)
  })
}

async function inspect({ engine }: Ground, container: string, signal: AbortSignal): Promise<Inspection> {
  try {
    return seen(await engine.ask.getContainer(container).inspect({ abortSignal: signal }))
  } catch (error) {
    return isGone(error) ? { state: 'missing' } : { state: 'unknown', reason: wordsOf(error) }
  }
}

function lines({ engine, installation }: Ground, signal: AbortSignal): Promise<ContainerInfo[]> {
  const filters = { label: [`${labels.installation}=${installation}`] }
  return told(engine.ask.listContainers({ all: true, filters, abortSignal: signal }))
}

/** One question for all; those few that have ended are asked how. */
async function inspectAll(ground: Ground, states: readonly State[], signal: AbortSignal): Promise<Inspection[]> {
  const known = new Map((await lines(ground, signal)).map(({ Id, State: status }) => [Id, status]))
  const answers: Inspection[] = []
  for (const { container } of states) {
    const status = known.get(container)
    if (status === undefined) answers.push({ state: 'missing' })
    else answers.push(hasEnded(status) ? await inspect(ground, container, signal) : { state: 'running' })
  }
  return answers
}

/** Read back each time: started anew, a container has another port. */
async function endpointOf({ engine, config }: Ground, { container, port }: State): Promise<Endpoint> {
  const { NetworkSettings: net, State: now } = await engine.ask.getContainer(container).inspect()
  // Podman tells the port of a container that has ended; by now somebody else may listen there.
  if (!now.Running) throw launchFault('unreachable', 'The container does not run.', { retryable: true })
  if (config.network !== undefined) {
    const host = net.Networks?.[config.network]?.IPAddress
    if (host) return { kind: 'tcp', host, port }
  }
  const published = net.Ports?.[`${port}/tcp`]?.[0]?.HostPort
  if (!published) throw launchFault('unreachable', 'The container has no address now.', { retryable: true })
  return { kind: 'tcp', host: config.reach ?? config.bind, port: Number(published) }
}

async function stop({ engine }: Ground, container: string, graceSeconds: number): Promise<void> {
  await engine.wait
    .getContainer(container)
    .stop({ t: graceSeconds })
    .catch((error: unknown) => {
      if (!isGone(error) && statusOf(error) !== 304) throw error
    })
}

async function remove(
  ground: Ground,
  { container, storage, volumes }: { container: string; storage: string; volumes: boolean },
): Promise<void> {
  await removeContainer(ground, container)
  if (volumes) await removeStores(ground, storage)
}

async function usageOf({ engine, clock }: Ground, container: string): Promise<Usage> {
  // One look: the second one, a second later, would be for a rate that nobody asks for.
  const once = { stream: false, 'one-shot': true } as { stream: false }
  const { memory_stats: memory, cpu_stats: cpu } = await engine.ask.getContainer(container).stats(once)
  // Pages of files that it has read can be taken back at any time, and do not count.
  const cached = Number(memory.stats?.inactive_file ?? 0)
  const memoryBytes = Math.max(0, (memory.usage ?? 0) - cached)
  return { memoryBytes, cpuSeconds: (cpu.cpu_usage?.total_usage ?? 0) / 1e9, at: clock.now() }
}
