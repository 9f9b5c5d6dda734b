/**
 * The storage on an SQLite file: opens it, migrates it, checks the sealing keys, and hands out the stores. Relations and
 * the console go through MikroORM; the token path goes through prepared statements beside it.
 * @module
 */
import { resolve } from 'node:path'
import { createAccountRows } from './account-rows.ts'
import { createAlone } from './alone.ts'
import { createArtifacts } from './artifacts.ts'
import { createAudit } from './audit.ts'
import { createCheckpoints } from './checkpoints.ts'
import { createCleaner } from './cleanup.ts'
import { createClientRows } from './client-rows.ts'
import { createCompact } from './compact.ts'
import { createDocuments } from './documents.ts'
import { createGeneration, createOthers } from './generation.ts'
import { type LateOrm, openLate } from './late-orm.ts'
import { createLedgerReading, createLedgerRows } from './ledger-rows.ts'
import { noNotices } from './notices.ts'
import { sqliteQueries, sqliteReadings } from './query.ts'
import { reseal } from './reseal.ts'
import { checkPurpose, createKeyRing, type KeyRing } from './sealing.ts'
import { createSessions } from './sessions.ts'
import { createSettings } from './settings.ts'
import type { Storage, StorageOptions } from './shape.ts'
import { isMissing, openDatabase, type SqliteDatabase } from './sqlite.ts'
import { createStartRows } from './start-rows.ts'
import { createTokenRows, sqliteTokenUses } from './token-rows.ts'
import { closeOnce, ormAccess } from './transactions.ts'
import {
  checkKeys,
  executedMigrations,
  migrate,
  newCheckBox,
  noDatabase,
  notMigrated,
  pendingAfter,
} from './upgrade.ts'
import { createWalSync } from './wal.ts'
import { createWorkspaceRows } from './workspace-rows.ts'
import { createWriter, troubleOf } from './writer.ts'

type FileOptions = StorageOptions & { readonly file: string }

/** Opens a file. @throws Fault as `openStorage` */
export async function openSqliteStorage(options: FileOptions): Promise<Storage> {
  const ring = createKeyRing(options.keys)
  // Else a command in the wrong folder would leave an empty database there.
  if (options.migrate === 'check' && isMissing(options.file)) throw noDatabase(options.file)
  const database = openDatabase(options.file)
  const orm = openLate(async () => (await import('./sqlite-orm.ts')).openOrm(options.file))
  try {
    await upgrade({ database, orm }, options)
    checkKeys(ring, checkBox(database, ring), options.file)
    return assemble({ options, ring, database, orm })
  } catch (error) {
    await orm.close()
    database.close()
    throw troubleOf(error)
  }
}

async function upgrade(
  { database, orm }: Pick<Opened, 'database' | 'orm'>,
  { file, log, migrate: mode = 'auto' }: FileOptions,
): Promise<void> {
  const pending = pendingAfter(executedIn(database), file)
  if (pending.length === 0) return
  if (mode === 'check') throw notMigrated(pending, file)
  log.info({ migrations: await migrate(await orm.get()) }, 'the database was migrated')
}

function executedIn(database: SqliteDatabase): string[] {
  const isNew = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'migration'").get() === undefined
  return isNew ? [] : database.prepare<[], string>(executedMigrations).pluck().all()
}

function checkBox(database: SqliteDatabase, ring: KeyRing): string | undefined {
  database
    .prepare('INSERT INTO setting ("key", value) VALUES (?, ?) ON CONFLICT DO NOTHING')
    .run(checkPurpose, newCheckBox(ring))
  const row = database
    .prepare<[string], { value: string }>('SELECT value FROM setting WHERE "key" = ?')
    .get(checkPurpose)
  return row?.value
}

interface Opened {
  readonly options: FileOptions
  readonly ring: KeyRing
  readonly database: SqliteDatabase
  readonly orm: LateOrm
}

function assemble({ options, ring, database, orm }: Opened): Storage {
  const { clock, log, pause = () => undefined } = options
  const wal = createWalSync(database.name)
  const writer = createWriter(database, { sync: wal.sync, pause })
  const checkpoints = createCheckpoints({ file: database.name, writer, log })
  const queries = sqliteQueries(database)
  const readings = sqliteReadings(resolve(options.file), createLedgerReading)
  const needs = { database, queries, readings, writer, others: createOthers(database), ring, clock, log }
  const artifacts = createArtifacts(needs)
  const sessions = createSessions(needs)
  const documents = createDocuments(needs)
  const tokenRows = createTokenRows({ queries, log, ...sqliteTokenUses(needs) })
  const alone = createAlone(`${options.file}-workspaces`)
  // It writes faster than pages are copied out of the log, and whoever has to write would wait for the end of both.
  const calm = () => checkpoints.done()
  const cleaner = createCleaner({ tables: [artifacts, documents, sessions], writer, log, pause, calm })
  return {
    orm: orm.get,
    // It begins deferred; a first statement that writes takes the lock now, while waiting for it is still safe.
    ...ormAccess({ orm, writer, pause, first: 'delete from setting where 1 = 0' }),
    during: (work) => work(),
    accountRows: createAccountRows(needs),
    clientRows: createClientRows(queries),
    ledgerRows: createLedgerRows(needs),
    tokenRows,
    startRows: createStartRows(needs),
    workspaceRows: createWorkspaceRows(needs),
    alone,
    artifacts,
    sessions,
    documents: (owner) => documents.storeOf(owner),
    audit: createAudit(needs),
    isShared: false,
    notices: noNotices,
    ring,
    settings: createSettings(database, writer),
    cleaner,
    generation: createGeneration(needs),
    ledgerGeneration: needs.others,
    dataVersion: () => Number(database.pragma('data_version', { simple: true })),
    commits: () => writer.commits(),
    migrate: () => writer.exclusive(async () => migrate(await orm.get())),
    answers: async () => database.pragma('data_version', { simple: true }) !== undefined,
    pendingMigrations: async () => pendingAfter(executedIn(database), options.file),
    compact: createCompact({ file: options.file, writer }),
    reseal: () => reseal(needs),
    close: closeOnce(async () => {
      await alone.release()
      await cleaner.stop()
      await artifacts.close()
      await tokenRows.close()
      await checkpoints.close()
      await writer.close()
      await wal.close()
      await readings.close()
      database.close()
      await orm.close()
    }),
  }
}
