/** From a host of the config to a connection: hop by hop, each host key pinned, under one time limit. @module */
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Client } from 'ssh2'
import type { SshHost } from './config.ts'
import { type ExecOptions, type ExecResult, execute, type Running, type SpawnOptions, spawn } from './exec.ts'
import { type Ground, within } from './ground.ts'
import { type Hop, hopOf, openHop } from './hop.ts'
import { openSftp, type Sftp } from './sftp.ts'
import { oneLine, sshFault } from './trouble.ts'

/** Where a tunnel leads, seen from the host. */
export type Target = { readonly host: string; readonly port: number } | { readonly socket: string }

/** A way to give up. */
export interface Patience {
  readonly signal?: AbortSignal | undefined
  /** Seconds until it is given up; default 20. */
  readonly timeoutSeconds?: number | undefined
}

/** A connection to a host. All of its work ends with it: whatever is under way rejects with `detail.trouble` `lost`. */
export interface Connection {
  /** `user@host:port`, for messages. */
  readonly at: string
  /** Aborts when the connection is over, by whomever; its reason is a Fault. */
  readonly over: AbortSignal
  /** Runs a command to its end and returns what it printed. */
  exec(argv: readonly string[], options?: ExecOptions): Promise<ExecResult>
  /** Starts a command whose streams the caller reads and writes. */
  spawn(argv: readonly string[], options?: SpawnOptions): Promise<Running>
  /** A channel for files. */
  sftp(options?: Patience): Promise<Sftp>
  /** A stream to a port or a socket that the host can reach. */
  forward(target: Target, options?: Patience): Promise<Duplex>
  /** Ends the connection and those it goes through; a second call does nothing. */
  end(): Promise<void>
}

/** How to connect. */
export interface ConnectOptions {
  /** Gives up the attempt; a connection that is made is not ended by it. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Checks a host of the config without a connection: pins, key, passphrase. For `create`, so that a mistake stops the start.
 * @throws Fault ERR_CONFIG
 */
export function checkHost(host: SshHost): void {
  hopsOf(host)
}

/**
 * Connects and signs in, through every jump host. A host key that is not pinned refuses the connection, at each hop.
 * User certificates are not supported: ssh2 cannot present one.
 * @throws Fault ERR_CONFIG as {@link checkHost}; ERR_UPSTREAM, ERR_UPSTREAM_REFUSED with `detail.trouble` (`host-key`,
 * `authentication`, `unreachable`, `timeout`, `refused`, `lost`, `aborted`)
 */
export async function connect(host: SshHost, { signal }: ConnectOptions = {}): Promise<Connection> {
  const hops = hopsOf(host)
  const at = hops.at(-1)?.at ?? host.host
  const limit = new AbortController()
  const late = (): void =>
    limit.abort(
      sshFault(at, 'timeout', {
        message: `no connection within ${host.connectTimeout} s; check host, network and jump hosts, or raise \`connectTimeout\``,
      }),
    )
  const gaveUp = (): void => limit.abort(sshFault(at, 'aborted', { message: 'given up before it was connected' }))
  const timer = setTimeout(late, host.connectTimeout * 1000)
  signal?.addEventListener('abort', gaveUp, { once: true })
  if (signal?.aborted) gaveUp()
  const clients: Client[] = []
  try {
    for (const [index, hop] of hops.entries()) {
      const before = clients.at(-1)
      const through =
        before && (await throughHop(before, { from: hops[index - 1]?.at ?? at, to: hop, signal: limit.signal }))
      clients.push(
        await openHop(hop, {
          signal: limit.signal,
          keepaliveSeconds: host.keepalive,
          ...(through ? { through } : {}),
        }),
      )
    }
    return connectionOf(at, clients)
  } catch (error) {
    for (const client of clients.toReversed()) client.destroy()
    throw error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', gaveUp)
  }
}

function hopsOf({ jump, connectTimeout: _, keepalive: __, ...last }: SshHost): readonly Hop[] {
  const { agent, key, passphrase } = last
  const own = { ...(agent ? { agent } : {}), ...(key ? { key } : {}), ...(passphrase ? { passphrase } : {}) }
  return [...jump.map((place) => hopOf(place.key || place.agent ? place : { ...place, ...own })), hopOf(last)]
}

function throughHop(
  client: Client,
  { from, to, signal }: { readonly from: string; readonly to: Hop; readonly signal: AbortSignal },
): Promise<Duplex> {
  const ground = { at: from, over: signal }
  return within(ground, {}, (resolve, reject) =>
    client.forwardOut('127.0.0.1', 0, to.place.host, to.place.port, (error, stream) =>
      error ? reject(noWay(from, `${to.place.host}:${to.place.port}`, error)) : resolve(stream),
    ),
  )
}

function noWay(from: string, to: string, error: Error) {
  return sshFault(from, 'unreachable', {
    message: `it opened no way to ${to} (${oneLine(error.message)}); check the target and AllowTcpForwarding there`,
    cause: error,
  })
}

function connectionOf(at: string, clients: readonly Client[]): Connection {
  const over = new AbortController()
  const last = clients.at(-1)
  if (!last) throw new TypeError('a connection has at least one hop')
  let ours = false
  for (const client of clients)
    client.once('close', () => {
      const message = ours ? 'the connection was closed here' : 'the connection was lost; the next use makes a new one'
      over.abort(sshFault(at, 'lost', { message }))
      for (const other of clients) other.destroy()
    })
  const ground: Ground = { at, over: over.signal }
  return {
    at,
    over: over.signal,
    exec: (argv, options = {}) => execute(last, ground, { argv, ...options }),
    spawn: (argv, options = {}) => spawn(last, ground, { argv, ...options }),
    sftp: (options = {}) => openSftp(last, ground, options),
    forward: (target, options = {}) =>
      within<Duplex>(ground, options, (resolve, reject) => {
        const name = 'socket' in target ? target.socket : `${target.host}:${target.port}`
        const done = (error: Error | undefined, stream: Duplex): void =>
          error ? reject(noWay(at, name, error)) : resolve(stream)
        if ('socket' in target) last.openssh_forwardOutStreamLocal(target.socket, done)
        else last.forwardOut('127.0.0.1', 0, target.host, target.port, done)
      }),
    end: async () => {
      if (over.signal.aborted) return
      ours = true
      const gone = once(over.signal, 'abort')
      last.end()
      // A host that does not close its side is not waited for.
      const timer = setTimeout(() => last.destroy(), 1000)
      await gone.finally(() => clearTimeout(timer))
    },
  }
}
