/** Counters of rate limits in a Redis that several processes share: quicker than the database, and nothing is lost with it. @module */
import type { Log } from '@labgate/contract'
import { Redis } from 'ioredis'
import { RateLimiterRedis } from 'rate-limiter-flexible'
import type { MakeLimiter } from './limiter.ts'

/** Where a Redis is. */
export interface RedisTarget {
  /** `redis://HOST:PORT`, or `rediss://` for TLS, without a password. */
  readonly url: string
  readonly password?: string | undefined
}

/** A Redis in use. */
export interface SharedCounters {
  /** While Redis is away, `instead` counts, or else each process for itself. */
  limiter(instead: MakeLimiter | undefined): MakeLimiter
  close(): void
}

/** Begins to connect; whether and when it succeeds is nobody's to wait for. */
export function openRedis({ url, password }: RedisTarget, log: Log): SharedCounters {
  const redis = new Redis(url, {
    ...(password === undefined ? {} : { password }),
    // Who asks while it is away is answered by the insurance at once.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    retryStrategy: (tries) => Math.min(tries * 200, 5000),
  })
  let isAway = false
  let isClosed = false
  let reason: Error | undefined
  redis.on('error', (error: Error) => {
    reason = error
  })
  // After each try to connect, too.
  redis.on('close', () => {
    if (!isAway && !isClosed)
      log.warn({ err: reason }, 'Redis is away; rate limits are counted without it until it is back')
    isAway = true
  })
  redis.on('ready', () => {
    if (isAway) log.info({}, 'Redis is back')
    isAway = false
  })
  return {
    limiter: (instead) => (rule) => {
      const { name, count, seconds, insurance } = rule
      return new RateLimiterRedis({
        storeClient: redis,
        keyPrefix: `labgate ${name}`,
        points: count,
        duration: seconds,
        rejectIfRedisNotReady: true,
        inMemoryBlockOnConsumed: count + 1,
        insuranceLimiter: instead?.(rule) ?? insurance,
      })
    },
    close() {
      isClosed = true
      redis.disconnect()
    },
  }
}
