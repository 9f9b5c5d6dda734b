/** Counters of rate limits on PostgreSQL, in a table that a crash of the server may empty. @module */
import type pg from 'pg'
import { RateLimiterPostgres } from 'rate-limiter-flexible'
import type { MakeLimiter } from '../limiter.ts'
import { type PostgresWriter, transactionOn } from './writer.ts'

const table = 'rate_limit'

/** Makes counters on a pool. While the database does not answer, each process counts for itself. */
export function postgresLimiter(pool: pg.Pool): MakeLimiter {
  return ({ name, count, seconds, insurance }) =>
    new RateLimiterPostgres({
      storeClient: pool,
      storeType: 'pool',
      tableName: table,
      tableCreated: true,
      // The cleaner does it.
      clearExpiredByTimeout: false,
      keyPrefix: name,
      points: count,
      duration: seconds,
      // Whoever is over the limit costs no more statements.
      inMemoryBlockOnConsumed: count + 1,
      insuranceLimiter: insurance,
    })
}

/** Deletes counters that are over. */
export function expiredCounters(pool: pg.Pool, writer: PostgresWriter, now: () => number) {
  return {
    deleteExpired: (limit: number) =>
      writer.run(async (tx) => {
        const values = { now: now(), limit }
        const { changes } = await tx.run(
          `DELETE FROM ${table} WHERE key IN (SELECT key FROM ${table} WHERE expire <= @now LIMIT @limit)`,
          values,
        )
        return changes
      }),
    /** How many there are, for tests. */
    count: async () => (await transactionOn(pool).run(`SELECT key FROM ${table}`)).rows.length,
  }
}
