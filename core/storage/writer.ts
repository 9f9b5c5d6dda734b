/**
 * All writing goes one after another through here. Small synchronous units of one turn of the event loop share one
 * transaction (group commit); asynchronous ORM transactions take the same place in the line, so that neither ever
 * waits for the other inside SQLite, which would block the whole process.
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Fault, isFault } from '@labgate/contract'
import { SqliteError } from 'better-sqlite3'
import type { SqliteDatabase } from './sqlite.ts'

/** Called synchronously at named points, by tests that end the process there. */
export type Pause = (point: 'before-commit' | 'after-commit' | 'before-cleanup-step' | 'after-cleanup-step') => void

/** The one way to the write lock. */
export interface Writer {
  /**
   * Runs a synchronous unit inside a transaction and settles after COMMIT. A unit that throws is rolled back alone;
   * it may be run a second time when another unit of its batch threw, so it must do nothing but database work.
   * @throws TypeError inside the work of `exclusive`: the unit would wait for the work that waits for it
   */
  run<T>(unit: () => T): Promise<T>
  /** Runs asynchronous work while no batch and no other such work runs. Work begun inside work runs within it. */
  exclusive<T>(work: () => Promise<T>): Promise<T>
  /** Whether the caller runs inside the work of `exclusive`. */
  inside(): boolean
  /** How many transactions were committed by `run`, for metrics and tests. */
  commits(): number
  /** Commits what waits and refuses what comes later. */
  close(): Promise<void>
}

interface Waiting {
  /** Does the work and keeps its outcome. */
  attempt(): void
  resolve(): void
  reject(error: unknown): void
}

/** Makes the writer of one connection. */
export function createWriter(database: SqliteDatabase, pause: Pause = () => undefined): Writer {
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  const rollback = database.prepare('ROLLBACK')
  const scope = new AsyncLocalStorage<{ open: boolean }>()
  const queue: (() => void)[] = []
  let batch: Waiting[] = []
  let busy = false
  let closed = false
  let commits = 0

  const transact = (units: readonly Waiting[]) => {
    begin.run()
    try {
      for (const unit of units) {
        unit.attempt()
      }
      pause('before-commit')
      commit.run()
    } catch (error) {
      if (database.inTransaction) {
        rollback.run()
      }
      throw error
    }
    commits += 1
    pause('after-commit')
  }

  const settle = (units: readonly Waiting[]): unknown => {
    try {
      transact(units)
    } catch (error) {
      return error
    }
    for (const unit of units) {
      unit.resolve()
    }
    return undefined
  }

  const flush = () => {
    if (busy || batch.length === 0) {
      return
    }
    const units = batch
    batch = []
    const error = settle(units)
    if (error === undefined) {
      return
    }
    for (const unit of units) {
      const own = units.length === 1 ? error : settle([unit])
      if (own !== undefined) {
        unit.reject(storageFault(own))
      }
    }
  }

  const release = () => {
    busy = false
    flush()
    const next = queue.shift()
    if (next !== undefined) {
      // Taken before the next waiter's turn begins, so that nobody slips in between.
      busy = true
      next()
    }
  }

  const take = (): Promise<void> => {
    if (busy) {
      return new Promise((go) => queue.push(go))
    }
    busy = true
    return Promise.resolve()
  }

  const inside = () => scope.getStore()?.open === true

  return {
    inside,
    commits: () => commits,
    run: async (unit) => {
      refuseInside(inside())
      refuseClosed(closed)
      return await new Promise((resolve, reject) => {
        batch.push(waitingFor({ unit, resolve, reject }))
        if (batch.length === 1) {
          setImmediate(flush)
        }
      })
    },
    exclusive: async (work) => {
      if (inside()) {
        return work()
      }
      refuseClosed(closed)
      await take()
      const place = { open: true }
      try {
        return await scope.run(place, work)
      } finally {
        place.open = false
        release()
      }
    },
    close: async () => {
      if (closed) {
        return
      }
      closed = true
      await take()
      release()
    },
  }
}

function waitingFor<T>(needs: {
  readonly unit: () => T
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}): Waiting {
  let outcome: { readonly value: T } | undefined
  return {
    attempt: () => {
      outcome = { value: needs.unit() }
    },
    resolve: () => {
      if (outcome !== undefined) {
        needs.resolve(outcome.value)
      }
    },
    reject: needs.reject,
  }
}

function refuseInside(inside: boolean): void {
  if (inside) {
    throw new TypeError('inside storage.transaction() write through the given entity manager, or after it has ended')
  }
}

function refuseClosed(closed: boolean): void {
  if (closed) {
    throw new Fault('ERR_STORAGE', 'database: it was closed while a request still wrote; the server is stopping')
  }
}

function storageFault(error: unknown): unknown {
  if (isFault(error) || !(error instanceof SqliteError)) {
    return error
  }
  return new Fault('ERR_STORAGE', `database: writing failed (${error.code}); check free space and rights`, {
    cause: error,
  })
}
