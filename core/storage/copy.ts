/** A copy of the database file at one instant, beside a server that goes on. @module */
import Database from 'better-sqlite3'

/** Writes the copy to `to`, which must not be there yet; what was deleted is not in it. */
export function copyDatabase(file: string, to: string): void {
  const database = new Database(file, { readonly: true, fileMustExist: true, timeout: 5_000 })
  try {
    database.prepare('VACUUM INTO ?').run(to)
  } finally {
    database.close()
  }
}
