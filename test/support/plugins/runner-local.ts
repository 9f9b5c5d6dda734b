/**
 * A place to run that is this machine: each workspace is a process of its own, in a folder of its own. It keeps to the
 * contract in all parts, and can be told to misbehave by files in its folder (`faults/NAME`), one fault at a time.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import {
  type ConfigOf,
  definePlugin,
  filled,
  type Inspection,
  type Json,
  launchFault,
  type Runner,
  type RunnerContext,
} from '@labgate/contract'

const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['folder'],
  properties: { folder: { type: 'string', description: 'Where it keeps what it has started.' } },
} as const

/** What is known of a process. */
interface State {
  readonly [name: string]: Json
  readonly instance: string
  readonly account: string
  readonly pid: number
  readonly port: number
  readonly plan: string
}

type Context = RunnerContext<ConfigOf<typeof configSchema>>

export default definePlugin({
  kind: 'runner',
  name: 'local',
  contract: 1,
  config: configSchema,
  text: { en: {} },
  create,
})

function create({ config: { folder }, installation }: Context): Runner<State> {
  const home = (instance: string) => join(folder, 'running', instance)
  const noted = (instance: string): State | undefined => {
    const file = join(home(instance), 'state.json')
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as State) : undefined
  }
  const fault = (name: string) => existsSync(join(folder, 'faults', name))
  return {
    state: {
      schema: { type: 'object', additionalProperties: false } as never,
      version: 1,
      migrate: (old) => old as State,
    },
    capabilities: () => ({
      ...({ memory: 'none', cpu: 'none', storage: 'none', pids: 'none', gpu: 'none', network: 'none' } as const),
      ...{ logs: true, stats: false, discover: true },
    }),
    plan(request, profile) {
      if (profile.image !== undefined) throw launchFault('image_denied', 'This machine runs no images.')
      const detail = { ...request, limits: {}, avoidHosts: [], profile: profile as unknown as Json } as unknown as Json
      return { instance: request.instance, summary: `Starts ${profile.command[0] ?? ''} here.`, detail }
    },
    async launch({ instance, detail }, { signal, secrets, save, progress }) {
      const plan = JSON.stringify(detail)
      const there = noted(instance)
      if (there?.plan === plan && isAlive(there.pid)) return there
      if (fault('launch'))
        throw launchFault('pull_failed', 'The image could not be had.', {
          hint: 'Look at the registry.',
          retryable: true,
        })
      const { account, basePath, storage, profile } = detail as unknown as Detail
      const dir = home(instance)
      mkdirSync(join(dir, 'secrets'), { recursive: true, mode: 0o700 })
      for (const [name, value] of Object.entries(secrets))
        writeFileSync(join(dir, 'secrets', name), value, { mode: 0o600 })
      const people = join(folder, 'people', storage)
      mkdirSync(people, { recursive: true })
      progress('Looking for a port.')
      const port = await freePort()
      const filling = { bind: '127.0.0.1', port, basePath, secrets: join(dir, 'secrets'), home: people }
      const [program = '', ...args] = profile.command.map((part) => filled(part, filling))
      const env = Object.fromEntries(
        Object.entries(profile.environment).map(([name, value]) => [name, filled(value, filling)]),
      )
      const log = openSync(join(dir, 'log'), 'a')
      const child: ChildProcess = spawn(program, args, {
        cwd: people,
        detached: true,
        env: { PATH: process.env.PATH, ...env },
        stdio: ['ignore', log, log],
      })
      const state: State = { instance, account, pid: child.pid ?? 0, port, plan }
      child.unref()
      writeFileSync(join(dir, 'state.json'), JSON.stringify(state))
      writeFileSync(join(dir, 'installation'), installation)
      await save(state)
      while (fault('slow')) {
        signal.throwIfAborted()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      return state
    },
    async inspect({ instance, pid }): Promise<Inspection> {
      if (fault('unknown')) return { state: 'unknown', reason: 'nobody answers' }
      if (noted(instance) === undefined) return { state: 'missing' }
      return isAlive(pid) ? { state: 'running' } : { state: 'exited', code: fault('clean') ? 0 : 1, reason: undefined }
    },
    endpoint: async ({ port }) => ({ kind: 'tcp', host: '127.0.0.1', port }),
    async terminate({ pid }, { graceSeconds }) {
      if (fault('terminate')) throw new Error('nobody answers')
      signalGroup(pid, 'SIGTERM')
      for (let waited = 0; isAlive(pid) && waited < graceSeconds * 1000; waited += 10)
        await new Promise((resolve) => setTimeout(resolve, 10))
      signalGroup(pid, 'SIGKILL')
      while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5))
    },
    async remove({ instance }) {
      rmSync(home(instance), { recursive: true, force: true })
    },
    async *discover() {
      for (const instance of existsSync(join(folder, 'running')) ? readdirSync(join(folder, 'running')) : []) {
        const state = noted(instance)
        if (state && readFileSync(join(home(instance), 'installation'), 'utf8') === installation)
          yield { instance, state, account: state.account }
      }
    },
    async *logs({ instance }, { tail }) {
      const file = join(home(instance), 'log')
      if (existsSync(file)) yield* readFileSync(file, 'utf8').trimEnd().split('\n').slice(-tail)
    },
    async renew({ instance }, secrets) {
      for (const [name, value] of Object.entries(secrets)) writeFileSync(join(home(instance), 'secrets', name), value)
    },
  }
}

interface Detail {
  readonly account: string
  readonly basePath: string
  readonly storage: string
  readonly profile: { readonly command: readonly string[]; readonly environment: Readonly<Record<string, string>> }
}

function isAlive(pid: number): boolean {
  try {
    // A process that has ended and waits to be asked how is not alive.
    return /^State:\s+[^ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // It is gone.
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
