/** Real OpenSSH servers as the hosts of one runner, a store in memory, and a look at the processes of this machine. @module */
import { randomBytes, randomInt } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { ConfigOf } from '@labgate/contract'
import {
  type AppProfile,
  type Json,
  type LaunchPlan,
  type LaunchRequest,
  type Runner,
  type RunnerContext,
  secretOf,
} from '@labgate/contract'
import plugin from '@labgate/runner-ssh'
import { type MemoryStore, memoryStore } from '@labgate/testkit'
import { type Sshd, type SshdOptions, startSshd } from '../../support/sshd.ts'

export type Config = ConfigOf<typeof plugin.config>

/** Settings of a runner that a test changes. */
export type Part = Partial<Pick<Config, 'choose' | 'files' | 'folder' | 'ports' | 'nice' | 'listenTimeout'>>

/** One runner with its hosts. */
export interface SshWorld {
  readonly runner: Runner
  readonly hosts: Readonly<Record<string, Sshd>>
  readonly store: MemoryStore
  readonly logs: readonly string[]
  /** Of this world alone: others run beside it. */
  readonly installation: string
  /** Processes of one instance, or of all that runners of this world started and that kept their mark. */
  processes(instance?: string): readonly Process[]
  /** Another runner with the same hosts: another process, or the same after a crash. */
  again(part?: Part & { readonly installation?: string; readonly fresh?: boolean; readonly pin?: string }): Runner
  /** Path on a host. */
  path(host: string, ...parts: string[]): string
  close(): Promise<void>
}

const app = join(import.meta.dirname, '../../support/workspace-app.js')
let worlds = 0

/** What a world is made of. */
export interface WorldOptions {
  /** Names of the hosts; default `one` and `two`. */
  readonly names?: readonly string[]
  readonly sshd?: SshdOptions
}

/** A world for one piece of work; whatever runs after it is ended, and fails the test. */
export async function inWorld(
  part: Part,
  work: (world: SshWorld) => Promise<void>,
  options: WorldOptions = {},
): Promise<void> {
  const world = await sshWorld(part, options)
  try {
    await work(world)
    const left = world.processes()
    if (left.length > 0) throw new Error(`left behind: ${left.map(({ argv }) => argv.join(' ')).join('; ')}`)
  } finally {
    for (const { pid } of world.processes()) process.kill(pid, 'SIGKILL')
    await world.close()
  }
}

async function sshWorld(part: Part, { names = ['one', 'two'], sshd = {} }: WorldOptions): Promise<SshWorld> {
  const servers = await Promise.all(names.map(async (name) => [name, await startSshd(sshd)] as const))
  const hosts = Object.fromEntries(servers)
  worlds += 1
  const installation = `lab${process.pid}w${worlds}`
  const clock = { now: () => new Date() }
  const store = memoryStore(clock)
  const logs: string[] = []
  const log = (fields: Readonly<Record<string, unknown>>, message: string) =>
    void logs.push(`${message} ${String(fields.err ?? '')}`)
  const runners: Runner[] = []
  const make: SshWorld['again'] = ({ installation: name = installation, fresh = false, pin, ...more } = {}) => {
    const context: RunnerContext<Config> = {
      ...{ id: 'ssh', installation: name, clock, store: fresh ? memoryStore(clock) : store },
      config: {
        ...{
          choose: 'least',
          folder: '.labgate',
          files: 'shared',
          ports: { from: 20000, to: 29999 },
          nice: 5,
          listenTimeout: 10,
          ...part,
          ...more,
        },
        hosts: servers.map(([host, server]) => ({ name: host, ...hostOf(server, pin) })),
      },
      log: { debug: log, info: log, warn: log, error: log },
      random: {
        bytes: (length) => randomBytes(length),
        token: () => randomBytes(32).toString('base64url'),
        digits: (length) => Array.from({ length }, () => randomInt(10)).join(''),
      },
      fetch: () => Promise.reject(new Error('no fetch')),
      text: (key) => key,
    }
    const runner = plugin.create(context)
    runners.push(runner)
    return runner
  }
  return {
    ...{ runner: make(), hosts, store, logs, installation, again: make },
    processes: (instance) => processesOf(`${installation}-ssh`, instance),
    path: (host, ...parts) => join(hosts[host]?.folder ?? '', '.labgate', ...parts),
    async close() {
      await Promise.all(runners.map((runner) => runner.stop?.()))
      await Promise.all(servers.map(([, server]) => server.close()))
    },
  }
}

function hostOf(server: Sshd, pin = server.fingerprint) {
  return {
    ...{ host: '127.0.0.1', port: server.port, user: server.user, hostKeys: [pin] },
    ...{ key: secretOf(server.key), jump: [], connectTimeout: 20, keepalive: 15 },
  }
}

/** The small app, as a profile. */
export function appProfile(more: Partial<AppProfile> = {}, mode = ''): AppProfile {
  return {
    ...{ name: 'notebook', title: 'Notebook', image: undefined, port: 8888, environment: {}, user: undefined },
    command: [process.execPath, app, '{bind}', '{port}', '{basePath}', '{secrets}', ...(mode === '' ? [] : [mode])],
    mounts: [{ name: 'home', of: 'person', source: undefined, target: '/home/jovyan/work', readOnly: false }],
    ...more,
  }
}

/** A profile that runs a few lines of sh. */
export function shProfile(script: string, more: Partial<AppProfile> = {}): AppProfile {
  return appProfile({ command: ['sh', '-c', script, 'app', '{port}', '{home}', '{secrets}'], ...more })
}

let count = 0

/** A request; each has an instance of its own. */
export function requestOf(more: Partial<LaunchRequest> = {}): LaunchRequest {
  count += 1
  const limits = { memoryBytes: undefined, cpus: undefined, storageBytes: undefined, pids: undefined, gpus: undefined }
  return {
    ...{
      instance: `w${process.pid}x${count}`,
      account: 'acc1',
      storage: 'st1',
      basePath: '/w/',
      limits,
      avoidHosts: [],
    },
    ...more,
  }
}

/** What a launch told. */
export interface Launched {
  readonly state: Json
  readonly saved: readonly Json[]
  readonly lines: readonly string[]
}

/** Launches as the core does. */
export async function launch(
  runner: Runner,
  plan: LaunchPlan,
  more: {
    readonly secrets?: Readonly<Record<string, string>>
    readonly signal?: AbortSignal
    readonly save?: (state: Json) => Promise<void>
    readonly progress?: (line: string) => void
  } = {},
): Promise<Launched> {
  const saved: Json[] = []
  const lines: string[] = []
  const state = await runner.launch(plan, {
    signal: more.signal ?? new AbortController().signal,
    secrets: more.secrets ?? { token: 'tok-of-the-app' },
    async save(one) {
      saved.push(one)
      await more.save?.(one)
    },
    progress(line) {
      lines.push(line)
      more.progress?.(line)
    },
  })
  return { state, saved, lines }
}

/** Plans and launches. */
export async function started(
  runner: Runner,
  request: LaunchRequest = requestOf(),
  profile: AppProfile = appProfile(),
): Promise<Launched> {
  return launch(runner, runner.plan(request, profile))
}

/** Ends and removes it. */
export async function ended(runner: Runner, state: Json, options = { volumes: false }): Promise<void> {
  await runner.terminate(state, { graceSeconds: 5 })
  await runner.remove(state, options)
}

/** Asks the app through its endpoint. */
export async function ask(runner: Runner, state: Json, path: string, token = 'tok-of-the-app') {
  const endpoint = await runner.endpoint(state)
  if (endpoint.kind !== 'tunnel') throw new Error('not a tunnel')
  // A duplex is all that a request needs of a socket.
  const socket = (await endpoint.open()) as Duplex
  return new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
    const options = { path, headers: { host: 'localhost', connection: 'close', authorization: `token ${token}` } }
    const asked = request({ ...options, createConnection: () => socket as never }, (answer) => {
      let body = ''
      answer.once('error', reject)
      answer.setEncoding('utf8').on('data', (part: string) => {
        body += part
      })
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body }))
    })
    asked.once('error', reject)
    asked.end()
  })
}

/** A process of this machine. */
export interface Process {
  readonly pid: number
  readonly argv: readonly string[]
  readonly environment: readonly string[]
}

/** All processes of this machine. */
export function processes(): readonly Process[] {
  return globSync('/proc/[0-9]*').flatMap((folder) => {
    const [argv, environment] = [wordsIn(`${folder}/cmdline`), wordsIn(`${folder}/environ`)]
    return argv.length === 0 ? [] : [{ pid: Number(folder.slice('/proc/'.length)), argv, environment }]
  })
}

function processesOf(owner: string, instance?: string): readonly Process[] {
  const begin = `LABGATE_WORKSPACE=${owner}/`
  const isOurs = (one: string) => one.startsWith(begin) && (instance === undefined || one.includes(`/${instance}/`))
  return processes().filter(({ environment }) => environment.some(isOurs))
}

function wordsIn(file: string): readonly string[] {
  try {
    return existsSync(file) ? readFileSync(file, 'utf8').split('\0').filter(Boolean) : []
  } catch {
    return [] // it ended since we looked, or is another user's
  }
}

/** Waits until something holds; nothing else tells when. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 10_000
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ten seconds: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** All of them. */
export async function all<T>(parts: AsyncIterable<T> | undefined): Promise<readonly T[]> {
  const found: T[] = []
  for await (const part of parts ?? []) found.push(part)
  return found
}
