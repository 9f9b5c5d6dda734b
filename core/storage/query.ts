/**
 * Reading on the hot path: statements that are prepared once for each connection, the same text for either database.
 * Placeholders are `?`; a list is handed in as the JSON of an array and read by `json_each`.
 * @module
 */
import Database from 'better-sqlite3'
import { turnOfLoop } from './generation.ts'
import type { SqliteDatabase } from './sqlite.ts'
import { commitsOfProcess } from './writer.ts'

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

/** A transaction that reads, and for how many. */
interface Instant<T> {
  readonly reader: Reader<T>
  /** When it began; whoever comes in the same turn, with nothing committed here since, may read in it. */
  readonly turn: number
  readonly commits: number
  users: number
}

/**
 * Readings of an SQLite file, on connections of their own: what the serving connection writes or others read in between
 * is not theirs. Work waits for nothing but its reads, so that mostly one connection does for all. Requests of one turn of the
 * event loop share one instant: they had arrived before it, so that nobody has heard of a later commit and asked after it.
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
  let last: Instant<T> | undefined
  const join = (): Instant<T> => {
    const [turn, commits] = [turnOfLoop(), commitsOfProcess()]
    if (last !== undefined && last.users > 0 && last.turn === turn && last.commits === commits) return last
    const reader = free.pop() ?? open()
    reader.begin.run()
    last = { reader, turn, commits, users: 0 }
    return last
  }
  const leave = (instant: Instant<T>) => {
    const { reader } = instant
    instant.users -= 1
    if (instant.users > 0 || !reader.database.open) return
    reader.commit.run()
    free.push(reader)
  }
  return {
    async reading(work) {
      const instant = join()
      instant.users += 1
      try {
        return await work(instant.reader.rows)
      } finally {
        leave(instant)
      }
    },
    async close() {
      for (const { database } of all) database.close()
    },
  }
}
