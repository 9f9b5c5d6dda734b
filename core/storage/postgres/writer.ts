/**
 * Writing to PostgreSQL. Small units of one turn of the event loop, and all that come while a transaction is under way,
 * share the next one (group commit). Changes through the ORM go one after another, over all processes: leave is asked,
 * quotas are counted and numbers are given by what is committed, so nothing may be committed in between.
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Fault } from '@labgate/contract'
import type pg from 'pg'
import type { Pause } from '../writer.ts'
import { type Connection, execute, type Outcome, postgresFault, type Values } from './client.ts'

/** Runs statements inside a transaction. */
export interface Transaction {
  run<R extends object = Record<string, unknown>>(sql: string, values?: Values): Promise<Outcome<R>>
}

/** Two locks that the processes of one site share; arbitrary, and never another's. */
export const changeLock = 4_105_177_301
export const migrationLock = 4_105_177_302

export interface UnitOptions {
  /** It writes what changes through the ORM read and write again: it waits for those, and they for it. */
  readonly besideChanges?: boolean
}

/** The one way to write beside the ORM. */
export interface PostgresWriter {
  /**
   * Runs a unit inside a transaction and settles after COMMIT. A unit that throws is rolled back alone; it may be run a
   * second time when another unit of its batch threw, or another process was in the way.
   * @throws TypeError inside the work of `exclusive`
   */
  run<T>(unit: (tx: Transaction) => Promise<T>, options?: UnitOptions): Promise<T>
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

interface Waiting {
  attempt(tx: Transaction): Promise<void>
  resolve(): void
  reject(error: unknown): void
}

/** Makes the writer on a pool. */
export function createPostgresWriter(pool: pg.Pool, pause: Pause): PostgresWriter {
  const scope = new AsyncLocalStorage<{ open: boolean }>()
  const lines = { plain: createLine(pool, { pause }), beside: createLine(pool, { pause, lock: changeLock }) }
  let last: Promise<unknown> = Promise.resolve()
  let closed = false
  const inside = () => scope.getStore()?.open === true
  const refuse = () => {
    if (closed)
      throw new Fault('ERR_STORAGE', 'database: it was closed while a request still wrote; the server is stopping')
  }
  return {
    inside,
    commits: () => lines.plain.commits() + lines.beside.commits(),
    async run(unit, { besideChanges = false } = {}) {
      if (inside())
        throw new TypeError(
          'inside storage.transaction() write through the given entity manager, or after it has ended',
        )
      refuse()
      return lines[besideChanges ? 'beside' : 'plain'].run(unit)
    },
    async exclusive(work) {
      if (inside()) return work()
      refuse()
      const before = last
      const turn = Promise.withResolvers<void>()
      last = turn.promise
      await before
      const place = { open: true }
      try {
        return await scope.run(place, work)
      } finally {
        place.open = false
        turn.resolve()
      }
    },
    async close() {
      closed = true
      await last
      await Promise.all([lines.plain.settled(), lines.beside.settled()])
    },
  }
}

/** Most units in one transaction: what a rollback costs stays small. */
const mostUnits = 200

interface LineNeeds {
  readonly pause: Pause
  /** Taken, shared, before anything is written. */
  readonly lock?: number
}

/** Units in one transaction: all of them, or none. */
async function transact(pool: pg.Pool, units: readonly Waiting[], { pause, lock }: LineNeeds): Promise<void> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('BEGIN')
    if (lock !== undefined) await client.query(`SELECT pg_advisory_xact_lock_shared(${lock})`)
    for (const unit of units) await unit.attempt(transactionOn(client))
    pause('before-commit')
    await client.query('COMMIT')
    pause('after-commit')
  } catch (error) {
    await client.query('ROLLBACK').catch((cause: Error) => {
      broken = cause
    })
    throw error
  } finally {
    client.release(broken)
  }
}

function createLine(pool: pg.Pool, needs: LineNeeds) {
  let waiting: Waiting[] = []
  let running: Promise<void> | undefined
  let commits = 0

  const attempt = async (units: readonly Waiting[]): Promise<unknown> => {
    for (let tries = 0; ; tries++) {
      try {
        await transact(pool, units, needs)
        commits += 1
        return undefined
      } catch (error) {
        if (!isInTheWay(error) || tries === 5) return error ?? new Error('a unit threw nothing')
      }
    }
  }
  const settle = async (units: readonly Waiting[]): Promise<void> => {
    const error = await attempt(units)
    for (const unit of units) {
      const own = error === undefined ? undefined : units.length === 1 ? error : await attempt([unit])
      if (own === undefined) unit.resolve()
      else unit.reject(postgresFault(own, 'writing'))
    }
  }
  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const units = waiting.slice(0, mostUnits)
      waiting = waiting.slice(mostUnits)
      await settle(units)
    }
    running = undefined
  }
  const start = () => {
    // Out of whatever the caller stands in: the line is nobody's own.
    running ??= new Promise<void>((done) => setImmediate(() => void drain().then(done)))
  }
  return {
    commits: () => commits,
    run: <T>(unit: (tx: Transaction) => Promise<T>) =>
      new Promise<T>((resolve, reject) => {
        let outcome: { readonly value: T } | undefined
        waiting.push({
          attempt: async (tx) => {
            outcome = { value: await unit(tx) }
          },
          resolve: () => outcome && resolve(outcome.value),
          reject,
        })
        start()
      }),
    settled: async () => {
      while (running !== undefined) await running
    },
  }
}

/** Serialization failure, deadlock: the other one was first. */
export function isInTheWay(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === '40001' || code === '40P01'
}
