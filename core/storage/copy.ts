/** A copy of the database file at one instant, beside a server that goes on. @module */
import { Fault } from '@labgate/contract'
import Database from 'better-sqlite3'

/** Writes the copy to `to`, which must not be there yet; what was deleted is not in it. @throws Fault ERR_STORAGE */
export function copyDatabase(file: string, to: string): void {
  let database: Database.Database | undefined
  try {
    database = new Database(file, { readonly: true, fileMustExist: true, timeout: 5_000 })
    database.prepare('VACUUM INTO ?').run(to)
  } catch (cause) {
    throw new Fault('ERR_STORAGE', `the database ${file} cannot be copied: ${(cause as Error).message}`, { cause })
  } finally {
    database?.close()
  }
}
