/** Runs {@link labgate-victim.ts} and kills it. @module */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, newestMail, type TestLabgate } from './labgate.ts'

const victim = fileURLToPath(new URL('./labgate-victim.ts', import.meta.url))

/** One folder and one address, and the process that serves them now. */
export interface VictimSite extends Pick<TestLabgate, 'issuer' | 'mail'> {
  readonly folder: string
  /** Begins a process on the data; its clock leaves out the time that no process ran. */
  start(): Promise<void>
  /** Begins one unless it runs. */
  ensure(): Promise<void>
  /** The process is to hold at the n-th passing of the point from now on. */
  hold(point: string, passing?: number): Promise<void>
  /** Runs one step of the cleaner as if it were later. */
  clean(aheadSeconds: number): Promise<void>
  /** Settles when the process holds. */
  held(): Promise<'held'>
  /** SIGKILL. */
  kill(): Promise<void>
  close(): Promise<void>
}

/** Makes the folder; nothing runs yet. `postgres`: where its database is, if not in the folder. */
export async function victimSite(postgres?: string): Promise<VictimSite> {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-victim-'))
  const port = await freePort()
  let child: ChildProcess | undefined
  let held = Promise.withResolvers<'held'>()
  let behindMs = 0
  // Its clock stands while it is dead and while it starts, and never goes back.
  let diedAt: number | undefined

  const order = (message: object) =>
    new Promise<void>((done) => {
      child?.once('message', () => done())
      child?.send(message)
    })
  const end = async () => {
    const dying = child
    child = undefined
    if (dying === undefined || dying.exitCode !== null || dying.signalCode !== null) return
    const gone = new Promise((done) => dying.once('exit', done))
    dying.kill('SIGKILL')
    await gone
    diedAt = Date.now() - behindMs
  }
  const start = async () => {
    held = Promise.withResolvers()
    const settle = held.resolve
    const args = [folder, String(port), String(diedAt ?? 'now'), ...(postgres === undefined ? [] : [postgres])]
    const started = fork(victim, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    child = started
    started.stdout?.on('data', (text) => String(text).includes('held') && settle('held'))
    await new Promise<void>((listening, failed) => {
      started.once('message', (told: { behindMs: number }) => {
        behindMs = told.behindMs
        listening()
      })
      started.once('exit', (code) => failed(new Error(`the process ended with ${code} before it listened`)))
    })
  }
  return {
    folder,
    issuer: `http://localhost:${port}`,
    mail: (to) => newestMail(join(folder, 'outbox'), to),
    start,
    ensure: async () => (child === undefined ? start() : undefined),
    hold: (point, passing = 1) => order({ arm: { point, passing } }),
    clean: (cleanAheadSeconds) => order({ cleanAheadSeconds }),
    held: () => held.promise,
    kill: end,
    async close() {
      await end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
