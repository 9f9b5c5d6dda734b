/**
 * Reading on the hot path: statements that are prepared once for each connection, the same text for either database.
 * Placeholders are `?`; a list is handed in as the JSON of an array and read by `json_each`.
 * @module
 */
import Database from 'better-sqlite3'
import type { SqliteDatabase } from './sqlite.ts'

/** One statement. */
export interface Query<P extends readonly unknown[], R> {
  get(...values: P): Promise<R | undefined>
  all(...values: P): Promise<R[]>
}

/** Where statements read. */
export interface Queries {
  rows<P extends readonly unknown[], R>(sql: string): Query<P, R>
  /** The first column alone. */
  values<P extends readonly unknown[], V>(sql: string): Query<P, V>
}

/** Runs work whose reads all see one and the same instant, on statements of a connection that nobody else uses meanwhile. */
export interface Readings<T> {
  reading<R>(work: (rows: T) => Promise<R>): Promise<R>
  close(): Promise<void>
}

/** Statements on a connection to an SQLite file; each is there when it is first asked. */
export function sqliteQueries(database: SqliteDatabase): Queries {
  const query = <P extends readonly unknown[], R>(prepare: () => Database.Statement<unknown[], R>): Query<P, R> => {
    let statement: Database.Statement<unknown[], R> | undefined
    const prepared = () => {
      statement ??= prepare()
      return statement
    }
    return { get: async (...values) => prepared().get(...values), all: async (...values) => prepared().all(...values) }
  }
  return {
    rows: <P extends readonly unknown[], R>(sql: string) => query<P, R>(() => database.prepare<unknown[], R>(sql)),
    values: <P extends readonly unknown[], V>(sql: string) =>
      query<P, V>(() => database.prepare<unknown[], V>(sql).pluck()),
  }
}

interface Reader<T> {
  readonly database: SqliteDatabase
  readonly rows: T
  readonly begin: Database.Statement
  readonly commit: Database.Statement
}

/**
 * Readings of an SQLite file, on connections of their own: what the serving connection writes or others read in between
 * is not theirs. Work waits for nothing but its reads, so that mostly one connection does for all.
 */
export function sqliteReadings<T>(file: string, rowsOf: (queries: Queries) => T): Readings<T> {
  const free: Reader<T>[] = []
  const all = new Set<Reader<T>>()
  const open = (): Reader<T> => {
    const database = new Database(file, { readonly: true })
    database.pragma('busy_timeout = 5000')
    const reader = {
      database,
      rows: rowsOf(sqliteQueries(database)),
      begin: database.prepare('BEGIN'),
      commit: database.prepare('COMMIT'),
    }
    all.add(reader)
    return reader
  }
  return {
    async reading(work) {
      const reader = free.pop() ?? open()
      reader.begin.run()
      try {
        return await work(reader.rows)
      } finally {
        if (reader.database.open) {
          reader.commit.run()
          free.push(reader)
        }
      }
    },
    async close() {
      for (const { database } of all) database.close()
    },
  }
}
