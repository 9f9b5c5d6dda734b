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
  /** Deletes at most `limit` (200) rows of each table, each table in a transaction of its own; says how many it were. */
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
}

/** Makes the cleaner; it does nothing until it is asked to. */
export function createCleaner({ tables, writer, log, pause }: CleanerNeeds): Cleaner {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let stopped = false

  const step = async (limit = 200) => {
    let deleted = 0
    for (const table of tables) {
      pause('before-cleanup-step')
      deleted += await writer.run(() => table.deleteExpired(limit))
      pause('after-cleanup-step')
    }
    return deleted
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
