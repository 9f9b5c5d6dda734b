/** A storage on a real PostgreSQL: one server for each test process, a database of its own for each that is opened. @module */
import type { PostgresTarget } from '../../core/storage/postgres/client.ts'
import { checkPurpose } from '../../core/storage/sealing.ts'
import { openStorage, type StorageOptions } from '../../core/storage/storage.ts'
import { type Postgres, startPostgres } from './postgres.ts'
import {
  complainTo,
  createTestClock,
  type OpenedStorage,
  type StorageOpener,
  type TestClock,
  testKeys,
} from './storage-world.ts'

let server: Promise<Postgres> | undefined
let migrated: Promise<void> | undefined
let count = 0

/** The server of this test process; it ends with its tests. */
export function sharedPostgres(): Promise<Postgres> {
  server ??= startPostgres().then((started) => {
    started.endWithProcess()
    return started
  })
  return server
}

/** How a database of the server is reached. */
export function targetOf(url: string): PostgresTarget {
  return { url, tls: 'off', connections: 10 }
}

/** A database that is migrated and empty; the migrations run once for all of them. */
export async function newDatabase(): Promise<string> {
  const postgres = await sharedPostgres()
  migrated ??= migrateTemplate(postgres)
  await migrated
  const name = `labgate_${++count}`
  await postgres.copy(name, 'template_labgate')
  return postgres.url(name)
}

async function migrateTemplate(postgres: Postgres): Promise<void> {
  await postgres.create('template_labgate', '')
  const target = targetOf(postgres.url('template_labgate'))
  const log = complainTo([])
  const storage = await openStorage({
    postgres: target,
    clock: createTestClock(),
    keys: testKeys,
    log,
    migrate: 'auto',
  })
  // Whoever opens a copy brings keys of their own.
  await storage.settings.delete(checkPurpose)
  await storage.close()
}

/** Opens a storage on a database of its own. */
export const openPostgres: StorageOpener = async (options = {}) => {
  return openOn(await newDatabase(), createTestClock(), options)
}

async function openOn(url: string, clock: TestClock, options: Partial<StorageOptions>): Promise<OpenedStorage> {
  const complaints: string[] = []
  const log = complainTo(complaints)
  const storage = await openStorage({ postgres: targetOf(url), clock, keys: testKeys, log, ...options })
  return {
    storage,
    clock,
    file: url,
    complaints,
    reopen: async (again = {}) => {
      await storage.close()
      return openOn(url, clock, again)
    },
    beside: (more = {}) => openOn(url, clock, more),
    close: () => storage.close(),
  }
}
