/** Opening an SQLite file: the file itself, the connection of the hot path, and MikroORM's beside it. @module */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Fault } from '@labgate/contract'
import { Migrator } from '@mikro-orm/migrations'
import { MikroORM } from '@mikro-orm/sqlite'
import Database from 'better-sqlite3'
import { allEntities } from './entity-list.ts'
import { migrations } from './migrations/list.ts'

export type SqliteDatabase = Database.Database

// WAL: readers never wait for the writer. Its checkpoints are made beside the serving of requests (checkpoints.ts).
const pragmas = ['journal_mode = WAL', 'wal_autocheckpoint = 0', 'foreign_keys = ON', 'busy_timeout = 5000']
// A commit that was reported survives a power cut: the ORM's waits for the disk itself, the serving connection's is
// waited for by the writer, without holding the event loop (wal.ts).
const ormPragmas = [...pragmas, 'synchronous = FULL']
const servingPragmas = [...pragmas, 'synchronous = NORMAL', 'cache_size = -65536']

/**
 * Makes the file (mode 0600) and its folder when they are missing, and opens the hot path's connection.
 * @throws Fault ERR_STORAGE when the file cannot be made or is no database
 */
export function openDatabase(file: string): SqliteDatabase {
  try {
    const path = resolve(file)
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // SQLite gives its -wal and -shm files the mode of the file itself.
    closeSync(openSync(path, 'a', 0o600))
    const database = new Database(path)
    for (const pragma of servingPragmas) {
      database.pragma(pragma)
    }
    return database
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Fault('ERR_STORAGE', `database: cannot open ${file}: ${reason}; check "database.file" and its rights`, {
      cause,
    })
  }
}

/** Opens MikroORM on the same file: listed entities and migrations, no cache on disk. */
export async function openOrm(file: string): Promise<MikroORM> {
  const orm = await MikroORM.init({
    entities: allEntities,
    dbName: resolve(file),
    extensions: [Migrator],
    metadataCache: { enabled: false },
    migrations: { migrationsList: migrations, snapshot: false, silent: true, tableName: 'migration' },
    debug: false,
  })
  for (const pragma of ormPragmas) {
    await orm.em.getConnection().execute(`pragma ${pragma}`)
  }
  quoteZeros(orm)
  return orm
}

/** MikroORM writes texts into its statements, and SQLite reads a statement up to its first NUL: one in a text stands in hex. */
function quoteZeros(orm: MikroORM): void {
  const platform = orm.em.getPlatform()
  const plain = platform.escape.bind(platform)
  platform.escape = (value: unknown): string =>
    typeof value === 'string' && value.includes('\0')
      ? `cast(x'${Buffer.from(value).toString('hex')}' as text)`
      : String(plain(value))
}
