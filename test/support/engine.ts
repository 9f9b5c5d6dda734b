/** What the private engines of containers have in common: how a test holds one, and how it is left behind. @module */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { openSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { programOf } from './needs.ts'

const run = promisify(execFile)

/** An engine of a test's own, which ends with the test. */
export interface Engine {
  readonly kind: 'docker' | 'podman'
  readonly socket: string
  /** Where ports are published, and this process reaches them. */
  readonly bind: string
  /** Address of this machine as containers see it. */
  readonly gateway: string
  /** Of its own; it is removed with the engine. */
  readonly folder: string
  readonly client: Docker
  /** Ends the engine as a crash does; what runs goes on where the engine lets it. */
  kill(): Promise<void>
  /** Starts it again. */
  start(): Promise<void>
  /** Stops and continues it: it is there and says nothing. */
  silence(): { end(): void }
  /** Everything it made, then the engine. */
  close(): Promise<void>
}

/** How an engine is started. */
export interface EngineStart {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly folder: string
  readonly socket: string
}

/** Starts an engine and waits until its socket answers. @throws Error with its last words */
export async function startEngine(start: EngineStart): Promise<ChildProcess> {
  const log = join(start.folder, 'engine.log')
  const out = openSync(log, 'a')
  // It ends with whoever started it, also when that is killed.
  const args = ['--pdeathsig', 'TERM', start.command, ...start.args]
  const child = spawn('setpriv', args, { stdio: ['ignore', out, out], env: { ...process.env, ...start.env } })
  const client = new Docker({ socketPath: start.socket, host: undefined })
  const end = performance.now() + 20_000
  while (performance.now() < end && child.exitCode === null) {
    if (await client.ping().then(Boolean, () => false)) return child
    await sleep(25)
  }
  child.kill('SIGKILL')
  throw new Error(`${start.command} did not start: ${readFileSync(log, 'utf8').slice(-2000)}`)
}

/** Ends a child and waits for its end. */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  const inTime = await Promise.race([gone.then(() => true), sleep(15_000, false, { ref: false })])
  if (inTime) return
  child.kill('SIGKILL')
  await gone
}

/** Removes all containers and networks; what cannot be removed is the engine's end's business. */
export async function emptyEngine(client: Docker): Promise<void> {
  const lines = await client.listContainers({ all: true }).catch(() => [])
  const quietly = () => undefined
  await Promise.all(lines.map(({ Id }) => client.getContainer(Id).remove({ force: true, v: true }).catch(quietly)))
  await client.pruneNetworks().catch(quietly)
}

/** Unmounts what is mounted below a folder. */
export async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '')
  for (const mount of mounts.filter((one) => one.startsWith(`${folder}/`)).toReversed())
    await run('umount', ['-l', mount]).catch(() => undefined)
}

/** Runs `ip`. */
export async function ip(...args: readonly string[]): Promise<void> {
  await run(programOf('ip'), args)
}

/** The first three numbers of a network that this machine has nothing in. */
export function freeSubnet(): string {
  const taken = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
  for (;;) {
    const subnet = `10.${randomInt(100, 250)}.${randomInt(0, 256)}`
    if (!taken.some((address) => address.startsWith(`${subnet}.`))) return subnet
  }
}
