/** What tests of a storage have in common, whichever database is below. @module */
import type { Log } from '@labgate/contract'
import type { Storage, StorageOptions } from '../../core/storage/storage.ts'

/** A clock that stands still until it is moved. */
export interface TestClock {
  now(): Date
  /** Moves it forward. */
  pass(seconds: number): void
}

export interface OpenedStorage {
  readonly storage: Storage
  readonly clock: TestClock
  readonly file: string
  /** Warnings and errors that were logged. */
  readonly complaints: string[]
  /** Closes it and opens the same database again. */
  reopen(options?: Partial<StorageOptions>): Promise<OpenedStorage>
  /** Opens the same database a second time, as another process does; close its `storage` alone. */
  beside(options?: Partial<StorageOptions>): Promise<OpenedStorage>
  /** Closes it and removes the folder. */
  close(): Promise<void>
}

/** How a suite gets its database, whichever it is. */
export type StorageOpener = (options?: Partial<StorageOptions>) => Promise<OpenedStorage>

export const testKeys = ['first test key first test key first test key']

/** A clock that begins at a fixed instant. */
export function createTestClock(start = Date.UTC(2026, 0, 1)): TestClock {
  let at = start
  return {
    now: () => new Date(at),
    pass: (seconds) => {
      at += seconds * 1000
    },
  }
}

/** A log that keeps warnings and errors. */
export function complainTo(complaints: string[]): Log {
  const complain = (fields: Readonly<Record<string, unknown>>, message: string) => {
    complaints.push(`${message} ${fields.error ?? ''}`)
  }
  const ignore = () => undefined
  return { debug: ignore, info: ignore, warn: complain, error: complain }
}
