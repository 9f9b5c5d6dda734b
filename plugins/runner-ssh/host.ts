/** One host: calls, streams and tunnels over one shared connection, and what is known of how it is. @module */
import type { Duplex } from 'node:stream'
import { type Enforcement, isFault, launchFault } from '@labgate/contract'
import {
  type Connection,
  checkHost,
  type Running,
  sessionsAtOnce,
  sharedConnection,
  troubleOf,
} from './connect/index.ts'
import { type Answer, type Place, Refusal, readAnswer, type Step, scriptOf, shell } from './remote.ts'
import type { HostConfig } from './settings.ts'

/** How a call is made. */
export interface AskOptions {
  readonly signal?: AbortSignal | undefined
  readonly timeoutSeconds?: number
  /** Properties of the scope that `go` starts in; absent: none. */
  readonly scope?: string
}

/** Which limits a host keeps; it has exceeded each itself. */
export interface HostLimits {
  readonly scope: boolean
  readonly memory: boolean
  readonly cpu: boolean
  readonly pids: boolean
}

/** One host of the config. */
export interface Host {
  readonly name: string
  /** `user@host:port`, for messages. */
  readonly at: string
  /** Calls functions there. @throws Refusal; Fault of the connection, see `troubleOf` */
  ask(steps: readonly Step[], options?: AskOptions): Promise<Answer>
  /** Starts functions there whose output is a stream. The connection is held until it has ended. */
  start(steps: readonly Step[], signal: AbortSignal | undefined): Promise<Running>
  /** Whether it answers; asks the least there is. @throws Fault of the connection */
  ping(): Promise<void>
  /** A stream to a port of its 127.0.0.1. */
  tunnel(port: number): Promise<Duplex>
  /** Which limits it keeps; asked once. */
  limits(signal?: AbortSignal): Promise<HostLimits>
  /** As far as it is known by now. */
  knownLimits(): HostLimits | undefined
  /** Why it did not answer last, and when; `undefined` after an answer. */
  trouble(): { readonly at: number; readonly error: unknown } | undefined
  close(): Promise<void>
}

/** So soon a host that is well has said so. */
const pingMs = 5000

/** Makes a host; it connects when it is used. */
export function hostOf(config: HostConfig, place: Place): Host {
  const { name, ...ssh } = config
  checkHost(ssh)
  const shared = sharedConnection(ssh)
  const gate = gateOf(sessionsAtOnce)
  const at = `${ssh.user}@${ssh.host}:${ssh.port}`
  let trouble: ReturnType<Host['trouble']>
  let known: HostLimits | undefined
  const noted = async <T>(work: Promise<T>): Promise<T> => {
    try {
      const value = await work
      trouble = undefined
      return value
    } catch (error) {
      if (isDead(error)) trouble = { at: performance.now(), error }
      throw error
    }
  }
  const host: Host = {
    ...{ name, at, knownLimits: () => known, trouble: () => trouble, close: () => shared.close() },
    ask: (steps, { signal, timeoutSeconds = 30, scope } = {}) =>
      noted(
        gate(async () => {
          const stdin = scriptOf(place, steps, scope)
          const run = (connection: Connection) =>
            connection.exec(shell, {
              stdin,
              timeoutSeconds,
              outputBytes: 4 * 1024 * 1024,
              ...(signal ? { signal } : {}),
            })
          const { stdout, stderr } = await shared.use(run, { signal })
          return readAnswer(at, stdout, stderr)
        }),
      ),
    ping: async () => {
      const signal = AbortSignal.timeout(pingMs)
      const run = (connection: Connection) => connection.exec(['true'], { timeoutSeconds: pingMs / 1000, signal })
      await noted(gate(() => shared.use(run, { signal })))
    },
    start: (steps, signal) =>
      noted(
        held<Running>(
          (work) => gate(() => shared.use(work, { signal })),
          async (connection) => {
            const running = await connection.spawn(shell, signal ? { signal } : {})
            running.stdin.end(scriptOf(place, steps))
            // A channel whose output nobody reads to the end does not close by itself.
            const { promise, resolve } = Promise.withResolvers<void>()
            const close = () => {
              running.close()
              resolve()
            }
            return [{ ...running, close }, Promise.race([running.exited, promise])]
          },
        ),
      ),
    tunnel: (port) =>
      noted(
        held<Duplex>(
          (work) => shared.use(work),
          async (connection) => {
            const stream = likeSocket(await connection.forward({ host: '127.0.0.1', port }))
            stream.on('error', () => undefined) // whoever reads it hears of it by `close`
            return [stream, closed(stream, connection.over)]
          },
        ),
      ),
    async limits(signal) {
      if (known) return known
      const [scope, memory, cpu, pids] = (await host.ask([['limits']], { signal })).line('limits') ?? []
      known = { scope: scope === 'yes', memory: memory === 'yes', cpu: cpu === 'yes', pids: pids === 'yes' }
      return known
    },
  }
  return host
}

/** A limit of several hosts is as good as the weakest of them, and one that nobody has asked yet is not trusted. */
export function keptBy(hosts: readonly Host[], limit: 'memory' | 'cpu' | 'pids', otherwise: Enforcement): Enforcement {
  return hosts.every((host) => host.knownLimits()?.[limit] === true) ? 'enforced' : otherwise
}

/** Hands out what `open` makes, and holds the connection until its end: an idle one is closed. */
function held<T>(
  use: (work: (connection: Connection) => Promise<void>) => Promise<void>,
  open: (connection: Connection) => Promise<readonly [value: T, end: Promise<unknown>]>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    use(async (connection) => {
      const [value, end] = await open(connection)
      resolve(value)
      await end.catch(() => undefined)
    }).catch(reject)
  })
}

/** What Node's HTTP client asks of a socket beside its stream. Time limits are the caller's own; nothing waits 40 ms here. */
function likeSocket(stream: Duplex): Duplex {
  const self = () => stream
  return Object.assign(stream, { setTimeout: self, setNoDelay: self, setKeepAlive: self, ref: self, unref: self })
}

function closed(stream: Duplex, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const lost = () => {
      stream.destroy()
      resolve()
    }
    stream.once('close', () => {
      over.removeEventListener('abort', lost)
      resolve()
    })
    over.addEventListener('abort', lost, { once: true })
  })
}

/** Lets so many work at once; the others wait in their order. */
function gateOf(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = most
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}

/** Whether a host did not answer, in whatever way: nothing is known then. */
export function isDead(error: unknown): boolean {
  const trouble = troubleOf(error)
  return trouble !== undefined && trouble !== 'aborted'
}

/** A failure at a host as the person may read it; what is no host's doing stays what it is. */
export function hostTrouble(name: string, error: unknown): unknown {
  if (isFault(error) && error.code === 'ERR_LAUNCH') return error
  const cause = error
  if (error instanceof Refusal) return refusalTrouble(name, error)
  const trouble = troubleOf(error)
  if (trouble === 'host-key' || trouble === 'authentication')
    return launchFault('auth', `Labgate may not sign in on ${name}.`, {
      hint: 'An admin finds the reason in the log.',
      cause,
    })
  if (trouble !== undefined)
    return launchFault('unreachable', `${name} does not answer.`, {
      hint: 'Try again in a while.',
      retryable: true,
      cause,
    })
  return error
}

function refusalTrouble(name: string, cause: Refusal) {
  const hint = 'An admin finds the host’s own words in the log.'
  if (cause.word === 'policy')
    return launchFault('policy', `${name} does not have what this app needs, or not in the way it needs it.`, {
      hint,
      cause,
    })
  if (cause.word === 'crash') return launchFault('crash', `The app could not be started on ${name}.`, { hint, cause })
  if (cause.word === 'missing') return launchFault('policy', 'There are no files yet.', { cause })
  if (cause.word === 'gone' || cause.word === 'busy')
    return launchFault('internal', `Something else was done to it on ${name} at the same time.`, {
      hint: 'Try again.',
      retryable: true,
      cause,
    })
  return launchFault('internal', `${name} is not fit to run workspaces.`, { hint, cause })
}
