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

/** Called synchronously at named points, by tests that end the process there. `-orm-`: transactions of the ORM. */
export type Pause = (
  point:
    | 'before-commit'
    | 'after-commit'
    | 'before-orm-commit'
    | 'after-orm-commit'
    | 'before-cleanup-step'
    | 'after-cleanup-step',
) => void

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
  return new GroupCommit(database, pause)
}

class GroupCommit implements Writer {
  readonly #database: SqliteDatabase
  readonly #pause: Pause
  readonly #begin
  readonly #commit
  readonly #rollback
  readonly #scope = new AsyncLocalStorage<{ open: boolean }>()
  readonly #queue: (() => void)[] = []
  #batch: Waiting[] = []
  #busy = false
  #closed = false
  #commits = 0

  constructor(database: SqliteDatabase, pause: Pause) {
    this.#database = database
    this.#pause = pause
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    this.#rollback = database.prepare('ROLLBACK')
  }

  async run<T>(unit: () => T): Promise<T> {
    if (this.inside()) {
      throw new TypeError('inside storage.transaction() write through the given entity manager, or after it has ended')
    }
    this.#refuseClosed()
    return await new Promise((resolve, reject) => {
      this.#batch.push(waitingFor({ unit, resolve, reject }))
      if (this.#batch.length === 1) {
        setImmediate(() => this.#flush())
      }
    })
  }

  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.inside()) {
      return work()
    }
    this.#refuseClosed()
    await this.#take()
    const place = { open: true }
    try {
      return await this.#scope.run(place, work)
    } finally {
      place.open = false
      this.#release()
    }
  }

  inside(): boolean {
    return this.#scope.getStore()?.open === true
  }

  commits(): number {
    return this.#commits
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      await this.#take()
      this.#release()
    }
  }

  #refuseClosed(): void {
    if (this.#closed) {
      throw new Fault('ERR_STORAGE', 'database: it was closed while a request still wrote; the server is stopping')
    }
  }

  async #take(): Promise<void> {
    if (this.#busy) {
      return new Promise((go) => this.#queue.push(go))
    }
    this.#busy = true
  }

  #release(): void {
    this.#busy = false
    this.#flush()
    const next = this.#queue.shift()
    if (next !== undefined) {
      // Taken before the next one's turn begins, so that nobody slips in between.
      this.#busy = true
      next()
    }
  }

  #flush(): void {
    if (this.#busy || this.#batch.length === 0) {
      return
    }
    const units = this.#batch
    this.#batch = []
    const error = this.#settle(units)
    if (error === undefined) {
      return
    }
    for (const unit of units) {
      const own = units.length === 1 ? error : this.#settle([unit])
      if (own !== undefined) {
        unit.reject(storageFault(own))
      }
    }
  }

  /** Returns what was thrown, if anything; nothing of these units was written then. */
  #settle(units: readonly Waiting[]): unknown {
    try {
      this.#transact(units)
    } catch (error) {
      return error
    }
    for (const unit of units) {
      unit.resolve()
    }
    return undefined
  }

  #transact(units: readonly Waiting[]): void {
    this.#begin.run()
    try {
      for (const unit of units) {
        unit.attempt()
      }
      this.#pause('before-commit')
      this.#commit.run()
    } catch (error) {
      if (this.#database.inTransaction) {
        this.#rollback.run()
      }
      throw error
    }
    this.#commits += 1
    this.#pause('after-commit')
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

function storageFault(error: unknown): unknown {
  if (isFault(error) || !(error instanceof SqliteError)) {
    return error
  }
  return new Fault('ERR_STORAGE', `database: writing failed (${error.code}); check free space and rights`, {
    cause: error,
  })
}
