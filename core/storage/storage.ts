/** The storage of one Labgate: a file of its own, or a PostgreSQL that several processes share. @module */
import type { RedisTarget } from './redis.ts'
import type { Storage, StorageOptions } from './shape.ts'
import { openSqliteStorage } from './sqlite-storage.ts'

export type { Storage, StorageOptions } from './shape.ts'

/**
 * Opens the database.
 * @throws Fault ERR_STORAGE when it cannot be opened, must be migrated first or is of a later version; ERR_KEYS when the
 * keys are not those it was sealed with
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const storage = await openDatabase(options)
  if (options.redis === undefined) return storage
  return withRedis(storage, { ...options, redis: options.redis })
}

/** Without several processes there is nothing to share but counters: in memory, records are nearer than in any Redis. */
async function withRedis(
  storage: Storage,
  options: StorageOptions & { readonly redis: RedisTarget },
): Promise<Storage> {
  const { openRedis, redisUses, stateOf } = await import('./redis.ts')
  const { clock, log } = options
  const redis = openRedis(options.redis, log)
  const keep = options.redis.keep ?? redisUses
  const limiter = keep.includes('rate-limits') ? redis.limiter(storage.limiter) : storage.limiter
  const close = async () => {
    await storage.close()
    redis.close()
  }
  const state = stateOf(redis, options.redis)
  const opened = { ...storage, ...(limiter === undefined ? {} : { limiter }), redis: state, close }
  if (!storage.isShared || !keep.includes('short-lived')) return opened
  const { keepShortLived } = await import('./short-lived.ts')
  return {
    ...opened,
    artifacts: keepShortLived({ durable: storage.artifacts, redis, ring: storage.ring, clock, log }),
  }
}

async function openDatabase(options: StorageOptions): Promise<Storage> {
  const { postgres, file } = options
  if (postgres !== undefined) {
    // Its drivers cost memory and a start that a file does not need.
    const { openPostgresStorage } = await import('./postgres/storage.ts')
    return openPostgresStorage({ ...options, postgres })
  }
  if (file === undefined) throw new TypeError('either `file` or `postgres` must say where the database is')
  return openSqliteStorage({ ...options, file })
}
