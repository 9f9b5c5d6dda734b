/**
 * A Redis that several processes share: counters of rate limits, and records that live for minutes. Nothing of it has to
 * outlive it: what it kept before it started again does not count, so that no older state of it can come back.
 * @module
 */
import type { Finding, Log } from '@labgate/contract'
import { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import type { MakeLimiter } from './limiter.ts'

/** What a Redis may be used for. */
export const redisUses = ['rate-limits', 'short-lived'] as const
export type RedisUse = (typeof redisUses)[number]

/** Where a Redis is, and what for. */
export interface RedisTarget {
  /** `redis://HOST:PORT`, or `rediss://` for TLS, without a password. */
  readonly url: string
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Text of the authorities that count instead of the system's, for TLS. */
  readonly ca?: string | undefined
  /** Default: everything. */
  readonly keep?: readonly RedisUse[]
}

/** A Redis in use. */
export interface SharedRedis {
  readonly client: Redis
  /** While Redis is away, `instead` counts, or else each process for itself. */
  limiter(instead: MakeLimiter | undefined): MakeLimiter
  /** Names this run of the server; `undefined`: it is away, or does not tell. */
  run(): string | undefined
  /** Waits for the end of the first try to reach it, at most so long: for commands, which have just begun to connect. */
  ready(limitMs: number): Promise<boolean>
  /** Why it is away, for whoever runs the site. */
  trouble(): string
  close(): void
}

/** How the Redis of a storage is. */
export interface RedisState {
  isThere(): boolean
  trouble(): string
  /** A look at it, for `labgate doctor`. */
  look(): Promise<Finding>
}

/** How a Redis is. */
export function stateOf(redis: SharedRedis, { url }: RedisTarget): RedisState {
  const isThere = () => redis.run() !== undefined
  return {
    isThere,
    trouble: redis.trouble,
    async look() {
      await redis.ready(patienceMs * 2)
      const what = `the Redis at ${url} can be used`
      if (!isThere())
        return { ok: false, what, mend: `${redis.trouble()}; check "redis" in the config: ${tlsHint(url)}` }
      const { policy } = await factsOf(redis.client)
      if (policy === undefined || policy === 'noeviction') return { ok: true, what }
      return { ok: false, what: 'Redis keeps what it was given', mend: 'set its maxmemory-policy to noeviction' }
    },
  }
}

function tlsHint(url: string): string {
  return url.startsWith('rediss:')
    ? 'with rediss:// the server must speak TLS at this port, with a certificate that "ca" or the system knows'
    : 'with redis:// the server must speak without TLS at this port'
}

/** Without an answer for so long it counts as away, for all who wait at once. */
const patienceMs = 1500

/** Begins to connect; whether and when it succeeds is nobody's to wait for. */
export function openRedis(target: RedisTarget, log: Log): SharedRedis {
  const client = connect(target)
  const state = watch(client, log)
  return {
    client,
    ...state,
    limiter: (instead) => (rule) => {
      const { name, count, seconds, insurance } = rule
      return new RateLimiterRedis({
        storeClient: client,
        keyPrefix: `labgate ${name}`,
        points: count,
        duration: seconds,
        rejectIfRedisNotReady: true,
        inMemoryBlockOnConsumed: count + 1,
        insuranceLimiter: instead?.(rule) ?? insurance,
      })
    },
  }
}

/** A connection that never keeps anybody waiting: what it cannot send now it refuses, and silence ends it. */
export function connect({ url, username, password, ca }: RedisTarget): Redis {
  return new Redis(url, {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined || !url.startsWith('rediss:') ? {} : { tls: { ca } }),
    // Who asks while it is away is answered by the insurance at once.
    enableOfflineQueue: false,
    // Sent once more it would count, or be used up, twice.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    socketTimeout: patienceMs,
    connectionName: 'labgate',
    // Those who see it again and those who do not yet do not find each other's records: that is to be short.
    retryStrategy: (tries) => Math.min(tries * 100, 1000),
  })
}

function watch(client: Redis, log: Log) {
  let isAway = false
  let isClosed = false
  let reason: Error | undefined
  let current: string | undefined
  const waiting = new Set<(isThere: boolean) => void>()
  const tell = (isThere: boolean) => {
    for (const each of waiting) each(isThere)
    waiting.clear()
  }
  client.on('error', (error: Error) => {
    reason = error
  })
  // After each try to connect, too.
  client.on('close', () => {
    current = undefined
    tell(false)
    if (!isAway && !isClosed)
      log.warn(
        { err: reason },
        'Redis is away; the database, or each process for itself, keeps what it kept until it is back',
      )
    isAway = true
  })
  client.on('ready', () => {
    if (isAway) log.info({}, 'Redis is back')
    isAway = false
    reason = undefined
    void lookAt(client, log).then((run) => {
      // Another connection may stand there by now, perhaps to another run: it asks for itself.
      if (client.status === 'ready' && !isClosed) current = run
      if (run === undefined) reason = new Error('it does not tell its run; let its user ask INFO')
      tell(current !== undefined)
    })
  })
  return {
    run: () => current,
    trouble: () => reason?.message ?? 'it does not answer',
    ready: (limitMs: number) =>
      new Promise<boolean>((resolve) => {
        if (current !== undefined || isClosed || isAway) return resolve(current !== undefined)
        const timer = setTimeout(() => settle(false), limitMs)
        const settle = (isThere: boolean) => {
          clearTimeout(timer)
          waiting.delete(settle)
          resolve(isThere)
        }
        waiting.add(settle)
      }),
    close() {
      isClosed = true
      current = undefined
      tell(false)
      client.disconnect()
    },
  }
}

/** What a server says of itself (INFO). */
export interface RedisFacts {
  /** Another one after each start, and at a replica that took over. */
  readonly run: string | undefined
  readonly version: string | undefined
  /** What it does when its memory is full. */
  readonly policy: string | undefined
}

/** Asks a server about itself. */
export async function factsOf(client: Redis): Promise<RedisFacts> {
  const info = await client.info()
  const value = (name: string) => new RegExp(`^${name}:(.+?)\\r?$`, 'm').exec(info)?.[1]
  return { run: value('run_id')?.slice(0, 16), version: value('redis_version'), policy: value('maxmemory_policy') }
}

async function lookAt(client: Redis, log: Log): Promise<string | undefined> {
  try {
    const { run, policy } = await factsOf(client)
    if (run === undefined) log.warn({}, 'Redis does not tell its run (INFO): it keeps rate limits only')
    if (policy !== undefined && policy !== 'noeviction')
      log.warn(
        { policy },
        'Redis drops keys when its memory is full, counters of rate limits too; set maxmemory-policy noeviction',
      )
    return run
  } catch (err) {
    log.warn({ err }, 'Redis does not tell its run (INFO): it keeps rate limits only')
    return undefined
  }
}
