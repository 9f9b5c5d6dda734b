/**
 * Writing to PostgreSQL. What one statement can do is one statement, a transaction by itself: it holds no row while it waits
 * for another one's, so that no two of them can stand in each other's way. Changes through the ORM go one after another, over
 * all processes: leave is asked, quotas are counted and numbers are given by what is committed, so nothing may be committed in
 * between.
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Fault } from '@labgate/contract'
import type pg from 'pg'
import { createUnderWay } from '../../under-way.ts'
import type { Pause } from '../writer.ts'
import { type Connection, execute, type Outcome, postgresFault, type Values } from './client.ts'
import type { Recall, Recalled } from './recall.ts'

/** Runs statements: inside a transaction, or each by itself. */
export interface Transaction {
  run<R extends object = Record<string, unknown>>(sql: string, values?: Values): Promise<Outcome<R>>
}

/** Two locks that the processes of one site share; arbitrary, and never another's. */
export const changeLock = 4_105_177_301
export const migrationLock = 4_105_177_302

/** The one way to write beside the ORM. Each write settles after its COMMIT; none is allowed inside the work of `exclusive`. */
export interface PostgresWriter {
  /** Runs one statement. @throws TypeError inside the work of `exclusive` */
  one<R extends object = Record<string, unknown>>(sql: string, values?: Values): Promise<Outcome<R>>
  /**
   * Runs several statements inside a transaction. They may be run a second time when another process was in the way.
   * @throws TypeError inside the work of `exclusive`
   */
  run<T>(unit: (tx: Transaction) => Promise<T>): Promise<T>
  /** One such work at a time in this process; the database keeps the others out. */
  exclusive<T>(work: () => Promise<T>): Promise<T>
  inside(): boolean
  commits(): number
  close(): Promise<void>
}

/** Statements on one connection. */
export function transactionOn(connection: Connection): Transaction {
  return { run: (sql, values) => execute(connection, sql, values) }
}

export interface PostgresWriterNeeds {
  /** Runs single statements. */
  readonly single: Connection
  /** Connections for transactions. */
  readonly pool: pg.Pool
  readonly recall: Pick<Recall, 'forget' | 'without'>
  readonly pause: Pause
}

/** Makes the writer. */
export function createPostgresWriter({ single, pool, recall, pause }: PostgresWriterNeeds): PostgresWriter {
  const scope = new AsyncLocalStorage<{ open: boolean }>()
  const underWay = createUnderWay<Promise<unknown>>()
  let last: Promise<unknown> = Promise.resolve()
  let closed = false
  let commits = 0
  const inside = () => scope.getStore()?.open === true
  const refuse = () => {
    if (closed)
      throw new Fault('ERR_STORAGE', 'database: it was closed while a request still wrote; the server is stopping')
  }
  const write = async <T>(attempt: () => Promise<T>): Promise<T> => {
    if (inside())
      throw new TypeError('inside storage.transaction() write through the given entity manager, or after it has ended')
    refuse()
    const writing = repeated(attempt)
    const over = underWay.add(writing)
    try {
      return await writing
    } catch (error) {
      throw postgresFault(error, 'writing')
    } finally {
      over()
    }
  }
  const committed = () => {
    commits += 1
    pause('after-commit')
  }
  return {
    inside,
    commits: () => commits,
    one: (sql, values) =>
      write(async () => {
        pause('before-commit')
        const outcome = await execute(single, sql, values)
        committed()
        return outcome as never
      }),
    run: (unit) =>
      write(async () => {
        const outcome = await transact(pool, unit, () => pause('before-commit'))
        committed()
        return outcome
      }),
    async exclusive(work) {
      if (inside()) return work()
      refuse()
      const before = last
      const turn = Promise.withResolvers<void>()
      last = turn.promise
      await before
      const place = { open: true }
      try {
        return await scope.run(place, () => recall.without(work))
      } finally {
        place.open = false
        recall.forget()
        turn.resolve()
      }
    },
    async close() {
      closed = true
      await last
      await Promise.allSettled(underWay.all())
    },
  }
}

async function transact<T>(pool: pg.Pool, unit: (tx: Transaction) => Promise<T>, beforeCommit: () => void): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('BEGIN')
    const outcome = await unit(transactionOn(client))
    beforeCommit()
    await client.query('COMMIT')
    return outcome
  } catch (error) {
    await client.query('ROLLBACK').catch((cause: Error) => {
      broken = cause
    })
    throw error
  } finally {
    client.release(broken)
  }
}

/** Writes after which the current request reads anew. */
export function forgetting(
  { one, run }: Pick<PostgresWriter, 'one' | 'run'>,
  { forget }: Pick<Recalled, 'forget'>,
): Pick<PostgresWriter, 'one' | 'run'> {
  return {
    one: (...statement) => one(...statement).finally(() => forget()) as never,
    run: (unit) => run(unit).finally(() => forget()),
  }
}

/** Once more, when another one was first. */
async function repeated<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isInTheWay(error) || tries === 5) throw error
    }
  }
}

/** Serialization failure, deadlock: the other one was first. */
function isInTheWay(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === '40001' || code === '40P01'
}
