/** Readings of one instant, on connections of a pool. @module */
import type pg from 'pg'
import type { Queries, Readings } from '../query.ts'
import { postgresQueries, toldAway } from './client.ts'

/** Readings on a pool: a transaction that sees the database as of its first statement. */
export function postgresReadings<T>(pool: pg.Pool, rowsOf: (queries: Queries) => T): Readings<T> {
  const known = new WeakMap<pg.PoolClient, T>()
  const rowsOn = (client: pg.PoolClient): T => {
    const rows = known.get(client) ?? rowsOf(postgresQueries(client))
    known.set(client, rows)
    return rows
  }
  return {
    async reading(work) {
      const client = await pool.connect().catch(toldAway)
      let broken: Error | undefined
      try {
        await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY').catch(toldAway)
        return await work(rowsOn(client))
      } finally {
        await client.query('COMMIT').catch((cause: Error) => {
          broken = cause
        })
        client.release(broken)
      }
    },
    close: async () => undefined,
  }
}
