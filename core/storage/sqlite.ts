/** Opening an SQLite file: the file itself, and the connection of the hot path. MikroORM's beside it is in `sqlite-orm.ts`. @module */
import { accessSync, closeSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Fault } from '@labgate/contract'
import Database from 'better-sqlite3'
import { makeFolder } from './folder.ts'

export type SqliteDatabase = Database.Database

/** What every connection that writes begins with. WAL: readers never wait for the writer; its checkpoints are made beside the serving of requests (checkpoints.ts). */
export const pragmas = ['journal_mode = WAL', 'wal_autocheckpoint = 0', 'foreign_keys = ON', 'busy_timeout = 5000']
// A commit that was reported survives a power cut: the serving connection's is waited for by the writer, without
// holding the event loop (wal.ts).
const servingPragmas = [...pragmas, 'synchronous = NORMAL']

/**
 * KiB of pages that the serving connection keeps of a file of so many bytes: 16 MiB, of large files a thirty-second up to 128 MiB, which holds
 * what every lookup passes on its way to the row; else that is read again for each.
 */
export function pageCacheKiB(bytes: number): number {
  return Math.round(Math.min(128 * 1024, Math.max(16 * 1024, bytes / 1024 / 32)))
}

/**
 * Makes the file (mode 0600) and its folder when they are missing, and opens the hot path's connection.
 * @throws Fault ERR_STORAGE when the file cannot be made or is no database
 */
export function openDatabase(file: string): SqliteDatabase {
  try {
    const path = resolve(file)
    makeFolder(dirname(path))
    // SQLite gives its -wal and -shm files the mode of the file itself.
    closeSync(openSync(path, 'a', 0o600))
    const database = new Database(path)
    for (const pragma of servingPragmas) {
      database.pragma(pragma)
    }
    // Negative: KiB, not pages.
    database.pragma(`cache_size = -${pageCacheKiB(statSync(path).size)}`)
    return database
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Fault('ERR_STORAGE', `database: cannot open ${file}: ${reason}; check "database.file" and its rights`, {
      cause,
    })
  }
}

/** Whether there is no such file yet; of one that cannot be looked at, opening it says what is wrong. */
export function isMissing(file: string): boolean {
  try {
    accessSync(resolve(file))
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT'
  }
}
