/** Runs {@link workspace-victim.ts}, one process or several on the same data, and kills them. @module */
import { fork } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from './labgate.ts'
import { commander, killed } from './orders.ts'
import type { Order, Over } from './workspace-victim.ts'
import { livingIn } from './workspaces.ts'

const program = fileURLToPath(new URL('./workspace-victim.ts', import.meta.url))

/** A process that does what it is told. */
export interface Victim {
  tell(what: Order['do'], more?: Pick<Order, 'id' | 'profile'>): Promise<unknown>
  /** Waits until a workspace is in one of these states, as this process sees it. */
  until(id: string, ...states: string[]): Promise<string>
  /** SIGKILL. */
  kill(): Promise<void>
}

/** One folder of data, one of the runner. */
export interface Victims {
  readonly places: string
  start(): Promise<Victim>
  fault(name: string): void
  clear(name: string): void
  /** Waits until the runner holds at a point. */
  held(point: string): Promise<void>
  /** The app that waits for its gate may be ready. */
  openGate(): void
  processes(): readonly number[]
  /** What the runner has of workspaces. */
  left(): readonly string[]
  close(): Promise<void>
}

/** Makes the folders; nothing runs yet. */
export async function workspaceVictims(over: Over = {}): Promise<Victims> {
  const root = await mkdtemp(join(tmpdir(), 'labgate-victims-'))
  const places = join(root, 'places')
  mkdirSync(join(places, 'faults'), { recursive: true })
  const started: Victim[] = []
  const file = (name: string) => join(places, 'faults', name)
  return {
    places,
    async start() {
      const one = await victim([join(root, 'data'), places, String(await freePort()), JSON.stringify(over)])
      started.push(one)
      return one
    },
    fault: (name) => writeFileSync(file(name), ''),
    clear: (name) => rmSync(file(name), { force: true }),
    async held(point) {
      const mark = join(places, `held-${point}`)
      await eventually(async () => existsSync(mark), point)
      rmSync(mark)
    },
    openGate: () => writeFileSync(join(places, 'gate'), ''),
    processes: () => livingIn(places),
    left: () => (existsSync(join(places, 'running')) ? readdirSync(join(places, 'running')) : []),
    async close() {
      for (const one of started) await one.kill()
      for (const pid of livingIn(places)) process.kill(-pid, 'SIGKILL')
      await rm(root, { recursive: true, force: true })
    },
  }
}

async function victim(args: readonly string[]): Promise<Victim> {
  const child = fork(program, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const { tell: order } = await commander<Order>(child)
  const tell: Victim['tell'] = (what, more = {}) => order({ do: what, ...more })
  return {
    tell,
    async until(id, ...states) {
      let state = ''
      await eventually(
        async () => {
          state = String(await tell('find', { id }))
          return states.includes(state)
        },
        `${id} ${states.join(' or ')}`,
      )
      return state
    },
    kill: () => killed(child),
  }
}

async function eventually(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 20_000
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`it never was: ${what}`)
    await new Promise((done) => setTimeout(done, 20))
  }
}
