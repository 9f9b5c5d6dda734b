/** Deleting what is expired, in short steps. It only wins space: expiry is judged where a row is used. @module */
import { setImmediate as yieldTurn } from 'node:timers/promises'
import type { Log } from '@labgate/contract'
import type { Pause } from './writer.ts'

/** Something with expired rows. */
export interface Cleanable {
  deleteExpired(limit: number): number | Promise<number>
}

/** Deletes expired rows, by hand or every few seconds. */
export interface Cleaner {
  /**
   * Deletes at most `limit` rows of each table, each table in a transaction of its own; says how many it were. Without a
   * limit as many as are deleted in some milliseconds, by what the step before took.
   */
  step(limit?: number): Promise<number>
  start(options: { readonly intervalSeconds: number }): void
  /** Stops the timer and waits for the step under way. */
  stop(): Promise<void>
}

export interface CleanerNeeds {
  readonly tables: readonly Cleanable[]
  /** Gives each deletion its turn. */
  readonly writer: { run<T>(unit: () => T): Promise<T> }
  readonly log: Log
  readonly pause: Pause
  /** Settles when there is nothing that a step would be in the way of. */
  readonly calm?: () => Promise<void>
  /** Milliseconds of a clock that only goes on. */
  readonly elapsed?: () => number
}

/** Milliseconds for which a step shall hold the writer, and the event loop with it. */
const holdMs = 5
/** Rows of the first step, when nobody knows yet how long one takes, and of the largest. */
const [firstRows, mostRows] = [20, 200]

/**
 * How many rows of one table a step takes. A row costs what its places in all indexes cost: 30 µs where they are in memory,
 * 200 among ten million others.
 */
function createPace() {
  let rows = firstRows
  return {
    rows: () => rows,
    /** Fewer than were asked for say little. */
    took(ms: number, deleted: number) {
      if (deleted < rows) return
      const fitting = ms > 0 ? Math.floor((rows * holdMs) / ms) : mostRows
      rows = Math.max(1, Math.min(fitting, rows * 2, mostRows))
    },
  }
}

/** Makes the cleaner; it does nothing until it is asked to. */
export function createCleaner(needs: CleanerNeeds): Cleaner {
  const { writer, log, pause, calm = async () => undefined, elapsed = () => performance.now() } = needs
  const tables = needs.tables.map((table) => ({ table, pace: createPace() }))
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let stopped = false

  const step = async (limit?: number) => {
    let sum = 0
    for (const { table, pace } of tables) {
      await calm()
      pause('before-cleanup-step')
      // What is done elsewhere, by PostgreSQL, holds nobody here.
      let heldMs = 0
      const deleted = await writer.run(() => {
        const start = elapsed()
        const found = table.deleteExpired(limit ?? pace.rows())
        heldMs = elapsed() - start
        return found
      })
      if (limit === undefined) pace.took(heldMs, deleted)
      sum += deleted
      pause('after-cleanup-step')
    }
    return sum
  }

  const sweep = async () => {
    try {
      while (!stopped && (await step()) > 0) {
        await yieldTurn()
      }
    } catch (error) {
      log.warn({ error }, 'cleaning up expired rows failed; it is tried again')
    }
  }

  return {
    step,
    start: ({ intervalSeconds }) => {
      stopped = false
      timer ??= setInterval(() => {
        running = running.then(sweep)
      }, intervalSeconds * 1000).unref()
    },
    stop: async () => {
      stopped = true
      clearInterval(timer)
      timer = undefined
      await running
    },
  }
}
