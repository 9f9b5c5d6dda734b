/** A storage in a folder of its own, with a clock the test moves. @module */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStorage, type StorageOptions } from '../../core/storage/storage.ts'
import {
  complainTo,
  createTestClock,
  type OpenedStorage,
  type StorageOpener,
  type TestClock,
  testKeys,
} from './storage-world.ts'

export * from './storage-world.ts'

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
    beside: (more = {}) => openIn(folder, clock, more),
    close: async () => {
      await storage.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
