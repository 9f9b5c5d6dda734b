/**
 * A place to run that is this machine: each workspace is a process of its own, in a folder of its own. It keeps to the
 * contract in all parts, and can be told to misbehave by files in its folder (`faults/NAME`), one fault at a time.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
  readonly storage: string
  readonly pid: number
  readonly port: number
  readonly plan: string
}

const text = { type: 'string', description: 'As asked for.' } as const
const number = { type: 'integer', description: 'As the machine gave it.' } as const
const stateSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['instance', 'account', 'storage', 'pid', 'port', 'plan'],
  properties: { instance: text, account: text, storage: text, pid: number, port: number, plan: text },
} as const

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
  /** Says that it is there, and stays while it is told to. */
  const held = async (point: string, signal?: AbortSignal) => {
    while (fault(`hold-${point}`)) {
      writeFileSync(join(folder, `held-${point}`), '')
      signal?.throwIfAborted()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  const assertUp = () => {
    if (fault('down')) throw launchFault('unreachable', 'Nobody answers.', { retryable: true })
  }
  return {
    state: { schema: stateSchema, version: 1, migrate: (old) => old as State },
    capabilities: () => ({
      ...({ memory: 'none', cpu: 'none', storage: 'none', pids: 'none', gpu: 'none', network: 'none' } as const),
      ...{ logs: true, stats: false, discover: true },
    }),
    plan(request, profile) {
      if (profile.image !== undefined) throw launchFault('image_denied', 'This machine runs no images.')
      if (profile.mounts.some(({ of }) => of === 'shared'))
        throw launchFault('policy', 'Nothing is mounted here.', { hint: 'Take it out of the profile.' })
      const detail = JSON.parse(JSON.stringify({ ...request, limits: {}, avoidHosts: [], profile })) as Json
      return { instance: request.instance, summary: `Starts ${profile.command[0] ?? ''} here.`, detail }
    },
    launch: ({ instance, detail }, { signal, secrets, save, progress }) =>
      inTurn(home(instance), async () => {
        signal.throwIfAborted()
        assertUp()
        const plan = JSON.stringify(detail)
        const there = noted(instance)
        if (there?.plan === plan && isAlive(there.pid)) {
          await save(there)
          signal.throwIfAborted()
          return there
        }
        if (there) await end(there.pid, 0)
        rmSync(home(instance), { recursive: true, force: true })
        await held('begin', signal)
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
        if (signal.aborted) rmSync(dir, { recursive: true, force: true })
        signal.throwIfAborted()
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
        const state: State = { instance, account, storage, pid: child.pid ?? 0, port, plan }
        const ended = new Promise<void>((resolve) => {
          child
            .once('error', () => resolve())
            .once('exit', (code) => {
              noteCode(dir, code)
              resolve()
            })
        })
        endings.set(child.pid ?? 0, ended)
        child.unref()
        closeSync(log)
        // Every process that was ever started, so that a test can look for what was left behind.
        writeFileSync(join(folder, `pid-${state.pid}`), instance)
        writeFileSync(join(dir, 'installation'), installation)
        writeFileSync(join(dir, 'state.json'), JSON.stringify(state))
        await held('before-save', signal)
        await save(state)
        await held('after-save', signal)
        signal.throwIfAborted()
        while (fault('slow')) {
          signal.throwIfAborted()
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
        return state
      }),
    async inspect({ instance, pid }): Promise<Inspection> {
      if (fault('unknown') || fault('down')) return { state: 'unknown', reason: 'nobody answers' }
      if (fault('broken')) throw new Error('slurm_load_jobs error: Unable to contact the controller')
      // A word that no contract has.
      if (fault('nonsense')) return { state: 'COMPLETING' } as never
      if (fault('silent')) await new Promise(() => undefined)
      if (fault('missing') || noted(instance) === undefined) return { state: 'missing' }
      if (isAlive(pid)) return { state: 'running' }
      // The machine knows that it is dead before we are told how.
      await endings.get(pid)
      return { state: 'exited', code: fault('clean') ? 0 : codeOf(home(instance)), reason: undefined }
    },
    endpoint: async ({ port }) => ({ kind: 'tcp', host: '127.0.0.1', port }),
    async terminate({ pid }, { graceSeconds }) {
      assertUp()
      if (fault('terminate')) throw new Error('nobody answers')
      if (fault('hang')) await new Promise(() => undefined)
      await held('terminate')
      await end(pid, graceSeconds)
    },
    async remove({ instance, storage, pid }, { volumes }) {
      assertUp()
      await held('remove')
      await end(pid, 0)
      rmSync(home(instance), { recursive: true, force: true })
      if (volumes) rmSync(join(folder, 'people', storage), { recursive: true, force: true })
    },
    async *discover() {
      assertUp()
      for (const instance of existsSync(join(folder, 'running')) ? readdirSync(join(folder, 'running')) : []) {
        const state = noted(instance)
        if (state && readFileSync(join(home(instance), 'installation'), 'utf8') === installation)
          yield { instance, state, account: state.account }
      }
    },
    // Only where a test says so: others want to see what the look itself finds.
    ...(fault('tells')
      ? { watch: (signal: AbortSignal) => endsIn(join(folder, 'running'), { noted, signal, fault }) }
      : {}),
    async *logs({ instance }, { tail, follow, signal }) {
      const file = join(home(instance), 'log')
      const read = () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [])
      let lines = read()
      let at = Math.max(0, lines.length - tail)
      for (;;) {
        for (; at < lines.length; at++) yield lines[at] ?? ''
        if (!follow || signal.aborted) return
        await new Promise((resolve) => setTimeout(resolve, 50))
        lines = read()
      }
    },
    async *archive({ storage }) {
      const people = join(folder, 'people', storage)
      mkdirSync(people, { recursive: true })
      const tar = spawn('tar', ['--create', '--directory', people, '.'], { stdio: ['ignore', 'pipe', 'ignore'] })
      yield* tar.stdout as AsyncIterable<Uint8Array>
      while (fault('hold-archive')) await new Promise((resolve) => setTimeout(resolve, 20))
      if (fault('archive')) throw launchFault('internal', 'The archive broke off.', { retryable: true })
    },
    async renew({ instance }, secrets) {
      if (fault('renew')) throw new Error('nobody answers')
      for (const [name, value] of Object.entries(secrets)) writeFileSync(join(home(instance), 'secrets', name), value)
    },
  }
}

/** Tells of each process that has ended, once; breaks off when it is told to. */
async function* endsIn(
  place: string,
  {
    noted,
    signal,
    fault,
  }: { noted: (instance: string) => State | undefined; signal: AbortSignal; fault: (name: string) => boolean },
) {
  const told = new Set<number>()
  while (!signal.aborted) {
    if (fault('deaf')) throw new Error('the connection broke')
    for (const instance of existsSync(place) ? readdirSync(place) : []) {
      const state = noted(instance)
      if (state === undefined || told.has(state.pid) || isAlive(state.pid)) continue
      told.add(state.pid)
      yield { instance, what: 'die' }
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

interface Detail {
  readonly account: string
  readonly basePath: string
  readonly storage: string
  readonly profile: { readonly command: readonly string[]; readonly environment: Readonly<Record<string, string>> }
}

/** Of the processes that this one has started. */
const endings = new Map<number, Promise<void>>()

const turns = new Map<string, Promise<unknown>>()

/** One launch of a workspace after the other. */
function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
  const mine = (turns.get(name) ?? Promise.resolve()).then(work, work)
  turns.set(
    name,
    mine.catch(() => undefined),
  )
  return mine
}

/** TERM, and KILL for who does not heed it. */
async function end(pid: number, graceSeconds: number): Promise<void> {
  if (pid === 0) return
  signalGroup(pid, 'SIGTERM')
  for (let waited = 0; isAlive(pid) && waited < graceSeconds * 1000; waited += 10)
    await new Promise((resolve) => setTimeout(resolve, 10))
  signalGroup(pid, 'SIGKILL')
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5))
}

function noteCode(dir: string, code: number | null): void {
  if (existsSync(dir)) writeFileSync(join(dir, 'code'), String(code ?? ''))
}

// Whoever was started by a process that is gone ended with a code that nobody heard.
function codeOf(dir: string): number | undefined {
  const said = existsSync(join(dir, 'code')) ? readFileSync(join(dir, 'code'), 'utf8') : ''
  return said === '' ? undefined : Number(said)
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
