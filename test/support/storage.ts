/** A storage in a folder of its own, with a clock the test moves. @module */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '@labgate/contract'
import { openStorage, type Storage, type StorageOptions } from '../../core/storage/storage.ts'

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
  beside(): Promise<OpenedStorage>
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

/**
 * Opens an SQLite storage in a new temporary folder; with LABGATE_TEST_POSTGRES set, a PostgreSQL in its place, so that
 * any suite can be tried on it.
 */
export const openSqlite: StorageOpener = async (options = {}) => {
  if (process.env.LABGATE_TEST_POSTGRES) return (await import('./storage-postgres.ts')).openPostgres(options)
  const folder = await mkdtemp(join(tmpdir(), 'labgate-storage-'))
  try {
    return await openIn(folder, createTestClock(), options)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function openIn(folder: string, clock: TestClock, options: Partial<StorageOptions>): Promise<OpenedStorage> {
  const file = join(folder, 'data', 'labgate.db')
  const complaints: string[] = []
  const log = complainTo(complaints)
  const storage = await openStorage({ file, clock, keys: testKeys, log, ...options })
  return {
    storage,
    clock,
    file,
    complaints,
    reopen: async (again = {}) => {
      await storage.close()
      return openIn(folder, clock, again)
    },
    beside: () => openIn(folder, clock, {}),
    close: async () => {
      await storage.close()
      await rm(folder, { recursive: true, force: true })
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
