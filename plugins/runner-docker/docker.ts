/** One engine of Docker or Podman as a runner. @module */
import {
  type Endpoint,
  type Inspection,
  launchFault,
  type Runner,
  type RunnerContext,
  type Usage,
} from '@labgate/contract'
import { archiveStores } from './archive.ts'
import type { RunnerDockerConfig } from './config.ts'
import { engineOf, engineTrouble, isGone, statusOf, wordsOf } from './engine.ts'
import { type Ground, launchOn, renewIn } from './launch.ts'
import { linesOf } from './logs.ts'
import { type DockerPlan, labels, planOf } from './plan.ts'
import { foundIn, listed, type State, seen, stateSchema } from './state.ts'

/** Makes the runner; it connects when it is used. */
export function createDocker({ config, installation }: RunnerContext<RunnerDockerConfig>): Runner<State> {
  const ground: Ground = { engine: engineOf(config), config, installation }
  const { engine } = ground
  const mine = { label: [`${labels.installation}=${installation}`] }
  return {
    state: { schema: stateSchema, version: 1, migrate: (old) => old as State },
    capabilities: () => ({
      ...({ memory: 'enforced', cpu: 'enforced', pids: 'enforced' } as const),
      storage: config.limitStorage ? 'enforced' : 'none',
      gpu: config.gpus ? 'enforced' : 'none',
      network: 'none',
      ...{ logs: true, stats: true, discover: true },
    }),
    plan: (request, profile) => planOf(request, profile, ground),
    // What `plan` made; the core hands it back as it was.
    launch: ({ detail }, launch) => launchOn(ground, detail as unknown as DockerPlan, launch),
    inspect: ({ container }, signal) => inspect(ground, container, signal),
    async inspectAll(states) {
      const lines = await engine.listContainers({ all: true, filters: mine })
      const known = new Map(lines.map((line) => [line.Id, listed(line)]))
      return states.map(({ container }): Inspection => known.get(container) ?? { state: 'missing' })
    },
    endpoint: (state) => endpointOf(ground, state),
    renew: (state, secrets) => renewIn(engine, state, secrets),
    async terminate({ container }, { graceSeconds }) {
      await engine
        .getContainer(container)
        .stop({ t: graceSeconds })
        .catch((error: unknown) => {
          if (!isGone(error) && statusOf(error) !== 304) throw engineTrouble(error)
        })
    },
    async remove({ container, storage }, { volumes }) {
      await removeContainer(ground, container)
      if (volumes) await removeVolumes(ground, storage)
    },
    async *discover() {
      for (const line of await engine.listContainers({ all: true, filters: mine })) {
        const found = foundIn(line)
        if (found) yield found
      }
    },
    logs: ({ container }, options) => linesOf(engine, container, options),
    async stats({ container }): Promise<Usage> {
      const { memory_stats: memory, cpu_stats: cpu } = await engine.getContainer(container).stats({ stream: false })
      return { memoryBytes: memory.usage ?? 0, cpuSeconds: (cpu.cpu_usage?.total_usage ?? 0) / 1e9, at: new Date(0) }
    },
    archive: (storage) => archiveStores(ground, storage),
    async health() {
      return engine.ping().then(
        () => ({ ok: true }),
        (error: unknown) => ({ ok: false, detail: `the engine does not answer: ${wordsOf(error)}` }),
      )
    },
    async *probe() {
      try {
        const { Version, ApiVersion } = await engine.version()
        yield { ok: true, what: `the engine answers: ${Version}, API ${ApiVersion}` }
      } catch (error) {
        const mend = 'is it running, and may this user read and write its socket?'
        yield { ok: false, what: `the engine does not answer: ${wordsOf(error)}`, mend }
      }
    },
  }
}

async function inspect({ engine }: Ground, container: string, signal: AbortSignal): Promise<Inspection> {
  try {
    return seen(await engine.getContainer(container).inspect({ abortSignal: signal }))
  } catch (error) {
    return isGone(error) ? { state: 'missing' } : { state: 'unknown', reason: wordsOf(error) }
  }
}

/** Read back each time: after a restart of the engine a container has another port. */
async function endpointOf({ engine, config }: Ground, { container, port }: State): Promise<Endpoint> {
  const { NetworkSettings: net } = await engine
    .getContainer(container)
    .inspect()
    .catch((error: unknown) => {
      throw engineTrouble(error)
    })
  if (config.network !== undefined) {
    const host = net.Networks[config.network]?.IPAddress
    if (host) return { kind: 'tcp', host, port }
  }
  const published = net.Ports[`${port}/tcp`]?.[0]?.HostPort
  if (published === undefined)
    throw launchFault('unreachable', 'The container has no address yet.', { retryable: true })
  return { kind: 'tcp', host: config.reach ?? config.bind, port: Number(published) }
}

async function removeContainer({ engine }: Ground, id: string): Promise<void> {
  try {
    // `v`: volumes without a name, which the image brought along; never the person's.
    await engine.getContainer(id).remove({ force: true, v: true })
  } catch (error) {
    if (isGone(error)) return
    // 409: somebody removes it already.
    if (statusOf(error) !== 409) throw engineTrouble(error)
    await engine
      .getContainer(id)
      .wait({ condition: 'removed' })
      .catch(() => undefined)
  }
}

async function removeVolumes({ engine, installation }: Ground, storage: string): Promise<void> {
  const filters = { label: [`${labels.installation}=${installation}`, `${labels.storage}=${storage}`] }
  const { Volumes } = await engine.listVolumes({ filters })
  for (const { Name } of Volumes) await engine.getVolume(Name).remove()
}
