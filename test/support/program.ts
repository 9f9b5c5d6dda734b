/** Programs that a test starts: on a free port, watched, ended by their own process id. @module */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, rmSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const startMs = 10_000
const stopMs = 5_000
const drainMs = 500

/** A program that runs until `close`. */
export interface Program {
  readonly pid: number
  /** What it printed so far, both streams. */
  output(): string
  /** Ends it: SIGTERM, and SIGKILL when it does not heed that. */
  close(): Promise<void>
}

/** How to start a program, and on which port of 127.0.0.1 it answers once it is ready. */
export interface Start {
  readonly command: string
  readonly args: readonly string[]
  readonly port: number
  readonly env?: Readonly<Record<string, string>>
}

/**
 * A port of 127.0.0.1 where nothing listens, and that no other test gets while this process lives. Outside of those that the system
 * gives to whoever asks for any, or connects, and of those where apps of workspaces listen.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_100, 20_000)
    if (!reserved(port)) continue
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

const taken = new Set<string>()
process.once('exit', () => {
  for (const file of taken) rmSync(file, { force: true })
})
/** Milliseconds; no test lives as long, so that what is left of one that was killed is nobody's. */
const longest = 3_600_000

/** Takes a port for this process, by a file that only one can make. */
function reserved(port: number): boolean {
  const file = join(tmpdir(), `labgate-test-port-${port}`)
  try {
    closeSync(openSync(file, 'wx'))
  } catch {
    const since = statSync(file, { throwIfNoEntry: false })?.mtimeMs
    if (since !== undefined && Date.now() - since > longest) rmSync(file, { force: true })
    return false
  }
  taken.add(file)
  return true
}

/** A new folder under the system's temporary one, and how to remove it. */
export async function tempFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'labgate-test-'))
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) }
}

/**
 * Starts a program and waits until its port answers.
 * @throws Error with its output when it ends before, or does not answer within ten seconds
 */
export async function startProgram(start: Start): Promise<Program> {
  const child = spawn(start.command, start.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...start.env },
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
  }
  const gone = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(`ended with ${code ?? signal}`))
  })
  const close = async (): Promise<void> => {
    child.kill('SIGTERM')
    const stopped = await Promise.race([gone, sleep(stopMs, undefined, { ref: false })])
    if (stopped === undefined) child.kill('SIGKILL')
    await gone
  }
  const failed = await Promise.race([gone, answers(start.port)])
  if (failed !== undefined) {
    const drained = once(child, 'close')
    await close()
    await Promise.race([drained, sleep(drainMs, undefined, { ref: false })])
    throw new Error(`${start.command}: ${failed}\n${printed}`)
  }
  return { pid: child.pid ?? 0, output: () => printed, close }
}

async function answers(port: number): Promise<string | undefined> {
  const end = performance.now() + startMs
  while (performance.now() < end) {
    if (await accepts(port)) return undefined
    await sleep(25, undefined, { ref: false })
  }
  return `nothing answers on 127.0.0.1:${port} after ${startMs} ms`
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
