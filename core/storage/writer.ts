/**
 * All writing goes one after another through here. Small synchronous units share a transaction: those of one turn of
 * the event loop, and all that come while the disk is waited for (group commit). A unit settles when it is on disk;
 * others see it from its COMMIT on. Asynchronous ORM transactions take the same place in the line, so that neither
 * ever waits for the other inside SQLite, which would block the whole process.
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Fault } from '@labgate/contract'
import { SqliteError } from 'better-sqlite3'
import type { SqliteDatabase } from './sqlite.ts'

/** Called synchronously at named points, by tests that end the process there. `-orm-`: transactions of the ORM. */
export type Pause = (
  point:
    | 'before-commit'
    | 'after-commit'
    | 'after-sync'
    | 'before-orm-commit'
    | 'after-orm-commit'
    | 'before-cleanup-step'
    | 'after-cleanup-step',
) => void

/** The one way to the write lock. */
export interface Writer {
  /**
   * Runs a synchronous unit inside a transaction and settles when its COMMIT is on disk. A unit that throws is rolled
   * back alone; it may be run a second time when another unit of its batch threw, so it must do nothing but database work.
   * @throws TypeError inside the work of `exclusive`: the unit would wait for the work that waits for it
   */
  run<T>(unit: () => T, options?: RunOptions): Promise<T>
  /** Runs asynchronous work while no batch and no other such work runs. Work begun inside work runs within it. */
  exclusive<T>(work: () => Promise<T>): Promise<T>
  /** Whether the caller runs inside the work of `exclusive`. */
  inside(): boolean
  /** How many transactions were committed by `run`, for metrics and tests. */
  commits(): number
  /** How many of them held more than quiet units; it grows with the COMMIT, before the disk. */
  changes(): number
  /** How many transactions of `run` were rolled back. */
  rollbacks(): number
  /** Commits what waits and refuses what comes later. */
  close(): Promise<void>
}

export interface RunOptions {
  /**
   * No answer that is kept depends on what it writes (a line of the trail, when something was last used), or those that do
   * are told of it otherwise (tokens, sessions): nothing is read again for it.
   */
  readonly quiet?: boolean
}

export interface WriterNeeds {
  /** Settles when everything committed before the call is on disk. Default: the connection syncs at COMMIT itself. */
  readonly sync?: () => Promise<void>
  readonly pause?: Pause
}

interface Waiting {
  readonly quiet: boolean
  /** Does the work and keeps its outcome. */
  attempt(): void
  resolve(): void
  reject(error: unknown): void
}

/** How long units are gathered at most while more of them come. */
const gatherMs = 2

let commitsHere = 0

/** How often this process has committed to any file, by whichever writer: whoever keeps a look at what others commit looks again. */
export function commitsOfProcess(): number {
  return commitsHere
}

/** Makes the writer of one connection. */
export function createWriter(database: SqliteDatabase, needs: WriterNeeds = {}): Writer {
  return new GroupCommit(database, needs)
}

class GroupCommit implements Writer {
  readonly #database: SqliteDatabase
  readonly #pause: Pause
  readonly #sync: () => Promise<void>
  readonly #begin
  readonly #commit
  readonly #rollback
  readonly #scope = new AsyncLocalStorage<{ open: boolean }>()
  readonly #queue: (() => void)[] = []
  #batch: Waiting[] = []
  #busy = false
  #closed = false
  #broken: Fault | undefined
  #commits = 0
  #changes = 0
  #rollbacks = 0

  constructor(database: SqliteDatabase, { sync = async () => undefined, pause = () => undefined }: WriterNeeds) {
    this.#database = database
    this.#pause = pause
    this.#sync = sync
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
    this.#rollback = database.prepare('ROLLBACK')
  }

  async run<T>(unit: () => T, { quiet = false }: RunOptions = {}): Promise<T> {
    if (this.inside()) {
      throw new TypeError('inside storage.transaction() write through the given entity manager, or after it has ended')
    }
    this.#refuse()
    return await new Promise((resolve, reject) => {
      this.#batch.push(waitingFor({ unit, quiet, resolve, reject }))
      // Whoever holds the line takes the batch along when it leaves.
      if (this.#batch.length === 1 && !this.#busy) {
        this.#gather()
      }
    })
  }

  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.inside()) {
      return work()
    }
    this.#refuse()
    await this.#take()
    const place = { open: true }
    try {
      this.#refuseBroken()
      return await this.#scope.run(place, work)
    } catch (error) {
      throw troubleOf(error)
    } finally {
      place.open = false
      commitsHere += 1
      this.#busy = false
      // A batch before the next such work, and such work before the next batch: neither can starve the other.
      if (!this.#flush()) this.#next()
    }
  }

  inside(): boolean {
    return this.#scope.getStore()?.open === true
  }

  commits(): number {
    return this.#commits
  }

  changes(): number {
    return this.#changes
  }

  rollbacks(): number {
    return this.#rollbacks
  }

  async close(): Promise<void> {
    this.#closed = true
    while (this.#busy || this.#batch.length > 0) {
      await this.#take()
      this.#busy = false
      if (!this.#flush()) this.#next()
    }
  }

  #refuse(): void {
    if (this.#closed) {
      throw new Fault('ERR_STORAGE', 'database: it was closed while a request still wrote; the server is stopping')
    }
    this.#refuseBroken()
  }

  #refuseBroken(): void {
    if (this.#broken !== undefined) {
      throw this.#broken
    }
  }

  async #take(): Promise<void> {
    if (this.#busy) {
      return new Promise((go) => this.#queue.push(go))
    }
    this.#busy = true
  }

  #next(): void {
    const next = this.#queue.shift()
    if (next !== undefined) {
      // Taken before the next one's turn begins, so that nobody slips in between.
      this.#busy = true
      next()
    }
  }

  /** Commits when a turn of the event loop has brought no further unit, or after `gatherMs`: many share one wait for the disk. */
  #gather(before = this.#batch.length, since = performance.now()): void {
    setImmediate(() => {
      const { length } = this.#batch
      if (length > before && !this.#busy && performance.now() - since < gatherMs) this.#gather(length, since)
      else this.#flush()
    })
  }

  /** `false`: there is nothing to commit, or somebody else holds the line. */
  #flush(): boolean {
    if (this.#busy || this.#batch.length === 0) {
      return false
    }
    this.#busy = true
    const units = this.#batch
    this.#batch = []
    const committed = this.#commitAll(units)
    if (committed.length === 0) {
      this.#leave()
    } else {
      void this.#settle(committed)
    }
    return true
  }

  #commitAll(units: readonly Waiting[]): readonly Waiting[] {
    const error = this.#attempt(units)
    if (error === undefined) {
      return units
    }
    return units.filter((unit) => {
      const own = units.length === 1 ? error : this.#attempt([unit])
      if (own !== undefined) {
        unit.reject(storageFault(own))
      }
      return own === undefined
    })
  }

  async #settle(units: readonly Waiting[]): Promise<void> {
    try {
      await this.#sync()
    } catch (cause) {
      // What the disk refused once it may report as written the next time (the kernel forgets it), so nothing that is
      // committed from here on could be believed.
      const fault = brokenFault(cause)
      this.#broken = fault
      for (const unit of [...units, ...this.#batch.splice(0)]) {
        unit.reject(fault)
      }
      this.#leave()
      return
    }
    this.#pause('after-sync')
    for (const unit of units) {
      unit.resolve()
    }
    this.#leave()
  }

  #leave(): void {
    this.#busy = false
    this.#next()
    // Those who have just been answered ask again: their units are not far.
    if (!this.#busy && this.#batch.length > 0) this.#gather(0)
  }

  /** Returns what was thrown, if anything; nothing of these units was written then. */
  #attempt(units: readonly Waiting[]): unknown {
    try {
      this.#transact(units)
      return undefined
    } catch (error) {
      return error ?? new Error('a unit threw nothing')
    }
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
      this.#rollbacks += 1
      if (this.#database.inTransaction) {
        this.#rollback.run()
      }
      throw error
    }
    this.#commits += 1
    commitsHere += 1
    if (!units.every(({ quiet }) => quiet)) {
      this.#changes += 1
    }
    this.#pause('after-commit')
  }
}

function waitingFor<T>(needs: {
  readonly unit: () => T
  readonly quiet: boolean
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}): Waiting {
  let outcome: { readonly value: T } | undefined
  return {
    quiet: needs.quiet,
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
  return error instanceof SqliteError ? writingFailed(error.code, error) : error
}

const trouble = /^SQLITE_(?:FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB|BUSY|LOCKED)/

/** What the file or its disk is to blame for, by whichever library it comes, as a Fault; everything else as it is. */
export function troubleOf(error: unknown): unknown {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' && trouble.test(code) ? writingFailed(code, error) : error
}

function writingFailed(code: string, cause: unknown): Fault {
  return new Fault('ERR_STORAGE', `database: writing failed (${code}); check free space and rights`, { cause })
}

function brokenFault(cause: unknown): Fault {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new Fault(
    'ERR_STORAGE',
    `database: the disk did not take what was written (${reason}); nothing more is written until Labgate is started again; check the disk`,
    { cause },
  )
}
