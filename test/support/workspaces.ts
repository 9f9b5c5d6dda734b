/** A Labgate with workspaces that are processes of this machine, and a clock that a test turns. @module */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '@labgate/contract'
import type { Actor } from '../../core/accounts/actor.ts'
import type { Workspace, WorkspaceState } from '../../core/workspaces/model.ts'
import { freePort, type Part, startLabgate, type TestLabgate } from './labgate.ts'

/** The clock of this machine, and what was added. */
export interface TurningClock extends Clock {
  forward(seconds: number): void
}

/** What a test of workspaces works with. */
export interface WorkspaceWorld {
  readonly site: TestLabgate
  readonly clock: TurningClock
  readonly alice: string
  readonly bob: string
  readonly admin: string
  as(account: string): Actor
  /** A file in the runner's folder: a fault it then has, until it is cleared. */
  fault(name: string): void
  clear(name: string): void
  /** One look at all workspaces. */
  look(): Promise<void>
  /** Starts one and waits until it is ready. */
  ready(account?: string, profile?: string): Promise<Workspace>
  /** What happened to one, without lines of progress. */
  kinds(id: string): Promise<readonly string[]>
  /** Processes that the runner has started and that live. */
  processes(): readonly number[]
  /** Asks the app itself, past the proxy. */
  app(id: string, path: string): Promise<{ status: number; json: Record<string, unknown> }>
  /** Waits until a workspace is in one of these states. */
  until(id: string, ...states: WorkspaceState[]): Promise<Workspace>
  /** Folders of what runs, or was left behind. */
  readonly folder: string
  /** Another Labgate on the same data, in place of this one. */
  again(): Promise<WorkspaceWorld>
  stop(): Promise<void>
}

const app = join(import.meta.dirname, 'workspace-app.js')
const runner = join(import.meta.dirname, 'plugins/runner-local.ts')
const started = [process.execPath, app, '{bind}', '{port}', '{basePath}', '{secrets}']

/** Profiles of the small app: one that works, one that ends at once, one that is never ready. */
export const testProfiles = {
  notebook: {
    preset: 'jupyter-notebook',
    runner: 'here',
    command: started,
    sizes: { small: { memory: '1g', cpus: 1 }, large: { memory: '4g', cpus: 2 } },
    readiness: { timeout: '10s' },
  },
  crashing: { preset: 'command', runner: 'here', command: [...started, 'crash'], port: 1 },
  never: { preset: 'command', runner: 'here', command: [...started, 'never'], port: 1, readiness: { timeout: '1s' } },
}

/** The notebook with a way past the proxy, at a port that is free now. */
export async function directProfile() {
  const port = await freePort()
  const direct = { bind: '127.0.0.1', ports: { from: port, to: port } }
  // On its own: in YAML what stands in two places becomes an alias.
  return structuredClone({ ...testProfiles.notebook, direct })
}

/** Where it begins; what is absent is made. */
export interface WorldOptions {
  readonly port?: number
  /** Folder of the runner. */
  readonly places?: string
  /** Folder of Labgate's data. */
  readonly data?: string
  readonly clock?: TurningClock
}

/** Starts it. */
export async function workspaceWorld(part: Part = {}, options: WorldOptions = {}): Promise<WorkspaceWorld> {
  const { places, data, clock: given, ...rests } = options
  const folder = places ?? (await mkdtemp(join(tmpdir(), 'labgate-workspaces-')))
  mkdirSync(join(folder, 'faults'), { recursive: true })
  const clock = given ?? turningClock()
  const { workspaces = {}, plugins = {}, ...rest } = part as { workspaces?: Part; plugins?: Part }
  const site = await startLabgate(
    {
      ...rest,
      plugins: { email: { use: '@labgate/auth-email' }, here: { use: runner, config: { folder } }, ...plugins },
      workspaces: { origin: 'http://*.localhost', profiles: testProfiles, poll: '1h', grace: '2s', ...workspaces },
    },
    { replaced: { clock }, ...(data === undefined ? {} : { folder: data }), ...rests },
  )
  return worldOn(site, { folder, clock })
}

async function worldOn(
  site: TestLabgate,
  { folder, clock }: { folder: string; clock: TurningClock },
): Promise<WorkspaceWorld> {
  const { get } = site.labgate.rooms
  const account = async (username: string, role: 'user' | 'admin') => {
    const there = await get('accounts').findByUsername(username)
    if (there) return there.id
    const facts = [
      { claim: 'preferred_username', value: username, trust: 'verified' as const },
      { claim: 'email', value: `${username}@example.org`, trust: 'verified' as const },
    ]
    return get('storage').transaction((em) => get('accounts').createIn(em, { facts, role, state: 'active' }))
  }
  const [alice, bob, admin] = [
    await account('alice', 'user'),
    await account('bob', 'user'),
    await account('root', 'admin'),
  ]
  const world: WorkspaceWorld = {
    ...{ site, clock, alice, bob, admin, folder },
    as: (one) => ({ kind: 'account', account: one, address: '127.0.0.1', requestId: 'test' }),
    fault: (name) => writeFileSync(join(folder, 'faults', name), ''),
    clear: (name) => rmSync(join(folder, 'faults', name), { force: true }),
    look: () => get('workspaces').look(),
    async ready(of = alice, profile = 'notebook') {
      const { id } = await get('workspaces').request(world.as(of), { account: of, profile })
      return world.until(id, 'ready')
    },
    kinds: async (id) =>
      (await get('workspaces').events(id)).map(({ kind }) => String(kind)).filter((kind) => kind !== 'progress'),
    processes: () => livingIn(folder),
    async app(id, path) {
      const way = await get('workspaces').way(id, (await get('workspaces').find(id))?.account ?? '')
      if (way?.endpoint.kind !== 'tcp') throw new Error(`there is no way to ${id}`)
      const address = `http://${way.endpoint.host}:${way.endpoint.port}${way.basePath}${path}`
      const answer = await fetch(address, { headers: way.headers })
      return { status: answer.status, json: (await answer.json()) as Record<string, unknown> }
    },
    async until(id, ...states) {
      const room = get('workspaces')
      const end = performance.now() + 15_000
      for (;;) {
        const found = await room.find(id)
        if (found && states.includes(found.state)) return found
        if (performance.now() > end)
          throw new Error(`${id} is ${found?.state}, not ${states.join(' or ')}: ${JSON.stringify(found?.trouble)}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    again: async () => worldOn(await site.restart(), { folder, clock }),
    async stop() {
      for (const { id, endedAt } of (await get('workspaces').list({ limit: 1000 })).rows) {
        if (endedAt) continue
        rmSync(join(folder, 'faults'), { recursive: true, force: true })
        await get('workspaces')
          .stop({ kind: 'system', name: 'test' }, id)
          .catch(() => undefined)
        if (get('storage').alone.holds()) await world.until(id, 'stopped', 'failed', 'expired')
      }
      await site.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return world
}

/** Pids that stand in the folder, and the groups they lead, as far as they live. */
export function livingIn(folder: string): number[] {
  const pids = new Set(
    readdirSync(folder)
      .filter((name) => name.startsWith('pid-'))
      .map((name) => Number(name.slice(4))),
  )
  return [...pids].filter((pid) => {
    try {
      return /^State:\s+[^ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
    } catch {
      return false
    }
  })
}

/** The clock of this machine, which a test turns forward. */
export function turningClock(): TurningClock {
  let added = 0
  return {
    now: () => new Date(Date.now() + added),
    forward(seconds) {
      added += seconds * 1000
    },
  }
}
