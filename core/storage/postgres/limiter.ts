/** Counters of rate limits on PostgreSQL, in a table that a crash of the server may empty. @module */
import { RateLimiterPostgres } from 'rate-limiter-flexible'
import type { MakeLimiter } from '../limiter.ts'
import type { Connection } from './client.ts'
import { type PostgresWriter, transactionOn } from './writer.ts'

const table = 'rate_limit'

/** Makes counters. While the database does not answer, each process counts for itself. */
export function postgresLimiter(single: Connection): MakeLimiter {
  return ({ name, count, seconds, insurance }) =>
    new RateLimiterPostgres({
      storeClient: single,
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
export function expiredCounters(single: Connection, writer: PostgresWriter, now: () => number) {
  return {
    async deleteExpired(limit: number) {
      // Others count, or clean up, meanwhile: each takes rows that nobody else has.
      const { changes } = await writer.one(
        `DELETE FROM ${table} WHERE key IN
          (SELECT key FROM ${table} WHERE expire <= @now LIMIT @limit FOR UPDATE SKIP LOCKED)`,
        { now: now(), limit },
      )
      return changes
    },
    /** How many there are, for tests. */
    count: async () => (await transactionOn(single).run(`SELECT key FROM ${table}`)).rows.length,
  }
}
