/** The tables of an SQLite file as plain rows, for a move to another database. @module */
import { existsSync } from 'node:fs'
import { Fault } from '@labgate/contract'
import Database from 'better-sqlite3'

/** What one column of one row holds: numbers whole, whatever their size. */
export type FileValue = string | bigint | number | Buffer | null

/** One table. */
export interface FileTable {
  readonly name: string
  readonly columns: readonly string[]
  readonly count: number
  /** The highest number that its own sequence has given; 0 where it has none. */
  readonly given: number
}

/** An open file. */
export interface FileTables {
  /** Whatever another one refers to comes before it. */
  readonly tables: readonly FileTable[]
  /** Names of the migrations that have run. */
  readonly migrations: readonly string[]
  setting(key: string): string | undefined
  /** All rows in the order in which they came, `size` at a time; nothing else may be asked meanwhile. */
  rows(table: FileTable, size: number): Iterable<readonly (readonly FileValue[])[]>
  close(): void
}

/** What is the database's own, and says nothing of what is in it. */
const besides = new Set(['migration', 'sqlite_sequence'])

/**
 * Opens a file that nobody else has open, and keeps it from everybody until it is closed; `beside` others for a look.
 * @throws Fault ERR_STORAGE, ERR_CONFLICT when another process has it
 */
export function openFileTables(file: string, how: 'alone' | 'beside'): FileTables {
  if (!existsSync(file)) throw new Fault('ERR_STORAGE', `database: there is no file ${file}`)
  const database = opened(file, how)
  try {
    return tablesOf(database)
  } catch (cause) {
    database.close()
    throw new Fault('ERR_STORAGE', `database: ${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function opened(file: string, how: 'alone' | 'beside'): Database.Database {
  let database: Database.Database | undefined
  try {
    database = new Database(file, { readonly: how === 'beside', fileMustExist: true, timeout: 0 })
    if (how === 'alone') {
      // In this mode the log is not shared, so SQLite lets nobody in beside us, and us in beside nobody (sqlite.org/wal.html#noshm).
      database.pragma('locking_mode = EXCLUSIVE')
      database.exec('BEGIN EXCLUSIVE')
    } else database.exec('BEGIN')
    return database
  } catch (cause) {
    database?.close()
    if (cause instanceof Database.SqliteError && cause.code.startsWith('SQLITE_BUSY'))
      throw new Fault('ERR_CONFLICT', `Another process has ${file} open. Stop the server that serves from it first.`)
    throw new Fault('ERR_STORAGE', `database: ${file} cannot be opened: ${(cause as Error).message}`, { cause })
  }
}

function tablesOf(database: Database.Database): FileTables {
  const texts = (sql: string, ...values: string[]) =>
    database
      .prepare<string[], string>(sql)
      .pluck()
      .all(...values)
  const names = texts(`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid`)
  const given = new Map(
    names.includes('sqlite_sequence')
      ? database.prepare<[], [string, number]>('SELECT name, seq FROM sqlite_sequence').raw().all()
      : [],
  )
  const parents = new Map(
    names.map((name) => [name, texts('SELECT DISTINCT "table" FROM pragma_foreign_key_list(?)', name)]),
  )
  const tables = inOrder(names, parents)
    .filter((name) => !besides.has(name))
    .map((name) => ({
      name,
      columns: texts('SELECT name FROM pragma_table_info(?) ORDER BY cid', name),
      count:
        database
          .prepare<[], number>(`SELECT count(*) FROM ${quoted(name)}`)
          .pluck()
          .get() ?? 0,
      given: given.get(name) ?? 0,
    }))
  return {
    tables,
    migrations: names.includes('migration') ? texts('SELECT name FROM migration ORDER BY id') : [],
    setting: (key) => texts('SELECT value FROM setting WHERE "key" = ?', key)[0],
    *rows({ name, columns }, size) {
      const all = database.prepare<[], FileValue[]>(
        `SELECT ${columns.map(quoted).join(', ')} FROM ${quoted(name)} ORDER BY rowid`,
      )
      let chunk: FileValue[][] = []
      for (const row of all.safeIntegers().raw().iterate()) {
        chunk.push(row)
        if (chunk.length < size) continue
        yield chunk
        chunk = []
      }
      if (chunk.length > 0) yield chunk
    },
    close: () => void database.close(),
  }
}

/** Names after those that they refer to. */
function inOrder(names: readonly string[], parents: ReadonlyMap<string, readonly string[]>): string[] {
  const seen = new Set<string>()
  const ordered: string[] = []
  const add = (name: string) => {
    if (seen.has(name)) return
    seen.add(name)
    for (const parent of parents.get(name) ?? []) add(parent)
    ordered.push(name)
  }
  for (const name of names) add(name)
  return ordered
}

/** A name as it stands in a statement. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
