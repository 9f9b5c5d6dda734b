/**
 * A place in front of a database that one process at a time may hold, and that falls free with the process, however it
 * ends: the operating system's lock on a file beside the database, taken as SQLite takes it.
 * @module
 */
import { closeSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import Database from 'better-sqlite3'
import { makeFolder } from './folder.ts'

/** The place. */
export interface Alone {
  /** Takes the place, unless another one holds it; whoever has it keeps it. */
  hold(): Promise<boolean>
  /** Whether this one has it. */
  holds(): boolean
  release(): Promise<void>
}

/** Makes a place by the name of its file, which stays behind empty. */
export function createAlone(file: string): Alone {
  let held: Database.Database | undefined
  return {
    async hold() {
      if (held) return true
      const path = resolve(file)
      makeFolder(dirname(path))
      closeSync(openSync(path, 'a', 0o600))
      const database = new Database(path, { timeout: 0 })
      try {
        database.exec('BEGIN EXCLUSIVE')
        held = database
        return true
      } catch (error) {
        database.close()
        if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return false
        throw error
      }
    },
    holds: () => held !== undefined,
    async release() {
      held?.close()
      held = undefined
    },
  }
}
