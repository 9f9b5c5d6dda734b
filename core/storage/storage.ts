/** The storage of one Labgate: a file of its own, or a PostgreSQL that several processes share. @module */
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
  const { openRedis } = await import('./redis.ts')
  const redis = openRedis(options.redis, options.log)
  const close = () => {
    redis.close()
    return storage.close()
  }
  return { ...storage, limiter: redis.limiter(storage.limiter), close }
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
