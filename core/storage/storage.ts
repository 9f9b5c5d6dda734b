/**
 * The storage of one Labgate: opens the database, migrates it, checks the sealing keys, and hands out the stores.
 * Relations and the console go through MikroORM; the token path goes through prepared statements beside it.
 * @module
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { resolve } from 'node:path'
import { type Clock, Fault, type Log, type Store } from '@labgate/contract'
import type { EntityManager, MikroORM } from '@mikro-orm/sqlite'
import { type AccountRows, createAccountRows } from './account-rows.ts'
import { type Alone, createAlone } from './alone.ts'
import { type ArtifactStore, createArtifacts } from './artifacts.ts'
import { type AuditTrail, createAudit } from './audit.ts'
import { createCheckpoints } from './checkpoints.ts'
import { type Cleaner, createCleaner } from './cleanup.ts'
import { createCompact } from './compact.ts'
import { createDocuments } from './documents.ts'
import { createGeneration } from './generation.ts'
import { createLedgerReading, createLedgerRows, type LedgerRows } from './ledger-rows.ts'
import { migrations } from './migrations/list.ts'
import { sqliteQueries, sqliteReadings } from './query.ts'
import { reseal } from './reseal.ts'
import { checkPurpose, createKeyRing, type KeyRing } from './sealing.ts'
import { createSessions, type SessionStore } from './sessions.ts'
import { createSettings, type Settings } from './settings.ts'
import { openDatabase, openOrm, type SqliteDatabase } from './sqlite.ts'
import { createTokenRows, type TokenRows } from './token-rows.ts'
import { createWalSync } from './wal.ts'
import { createWorkspaceRows, type WorkspaceRows } from './workspace-rows.ts'
import { createWriter, type Pause, type Writer } from './writer.ts'

export interface StorageOptions {
  /** Path of the SQLite file; it and its folder are made when missing. */
  readonly file: string
  readonly clock: Clock
  /** Sealing secrets, revealed, newest first, each of at least 32 characters. */
  readonly keys: readonly string[]
  readonly log: Log
  /** `auto` (default) brings the schema up to date; `check` refuses when it is not. */
  readonly migrate?: 'auto' | 'check'
  /** For tests: called at named points of the writing. */
  readonly pause?: Pause
}

/** Everything that outlives the process. */
export interface Storage {
  readonly orm: MikroORM
  /** An entity manager of its own for reading; inside `transaction`, the transaction's. */
  em(): EntityManager
  /**
   * The only way to write through the ORM: one transaction, while no other write runs. Keep it short: everything
   * that writes waits for it. Inside it write through `em` only; a transaction within a transaction joins it.
   */
  transaction<T>(work: (em: EntityManager) => Promise<T>): Promise<T>
  /** Runs it once the open transaction has committed, and never when it fails; at once when none is open. It must not throw. */
  afterCommit(work: () => void): void
  /** Accounts and identities on the hot path. */
  readonly accountRows: AccountRows
  /** The ledger, as answers read it. */
  readonly ledgerRows: LedgerRows
  /** API tokens on the hot path. */
  readonly tokenRows: TokenRows
  /** Workspaces on the hot path. */
  readonly workspaceRows: WorkspaceRows
  /** Held by the one process that looks after workspaces. */
  readonly alone: Alone
  readonly artifacts: ArtifactStore
  readonly sessions: SessionStore
  /** The documents of one plugin instance. */
  documents(owner: string): Store
  readonly audit: AuditTrail
  readonly ring: KeyRing
  readonly settings: Settings
  readonly cleaner: Cleaner
  /** Another number after every commit, of whichever process; what was read at the same number is still right. */
  generation(): number
  /** Changes when another connection has written: another process, or an ORM transaction of this one. */
  dataVersion(): number
  /** Transactions committed by the group commit so far. */
  commits(): number
  /** Brings the schema up to date; says which migrations ran. */
  migrate(): Promise<string[]>
  /** Names of the migrations that have not run. */
  pendingMigrations(): Promise<string[]>
  /**
   * Rewrites the file, so that nothing deleted is left in it. Takes as long as copying it; writing waits meanwhile.
   * @throws Fault ERR_STORAGE when another process holds it
   */
  compact(): Promise<void>
  /** Seals anew, with the newest key, whatever a former key sealed; says how many values it were. */
  reseal(): Promise<number>
  /** Writes what waits and closes; called twice, the second time does nothing. */
  close(): Promise<void>
}

/**
 * Opens the database.
 * @throws Fault ERR_STORAGE when it cannot be opened, must be migrated first (`check`) or is of a later version;
 * ERR_KEYS when the keys are not those it was sealed with
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const ring = createKeyRing(options.keys)
  const database = openDatabase(options.file)
  let orm: MikroORM | undefined
  try {
    orm = await openOrm(options.file)
    await upgrade(orm, options)
    checkKeys(database, ring, options.file)
    return assemble({ options, ring, database, orm })
  } catch (error) {
    await orm?.close(true)
    database.close()
    throw error
  }
}

interface Opened {
  readonly options: StorageOptions
  readonly ring: KeyRing
  readonly database: SqliteDatabase
  readonly orm: MikroORM
}

function assemble({ options, ring, database, orm }: Opened): Storage {
  const { clock, log, pause = () => undefined } = options
  const wal = createWalSync(database.name)
  const writer = createWriter(database, { sync: wal.sync, pause })
  const checkpoints = createCheckpoints({ file: database.name, writer, log })
  const queries = sqliteQueries(database)
  const readings = sqliteReadings(resolve(options.file), createLedgerReading)
  const needs = { database, queries, readings, writer, ring, clock, log }
  const artifacts = createArtifacts(needs)
  const sessions = createSessions(needs)
  const documents = createDocuments(needs)
  const tokenRows = createTokenRows(needs)
  const alone = createAlone(`${options.file}-workspaces`)
  const cleaner = createCleaner({ tables: [artifacts, documents, sessions], writer, log, pause })
  return {
    orm,
    ...ormAccess({ orm, writer, pause }),
    accountRows: createAccountRows(needs),
    ledgerRows: createLedgerRows(needs),
    tokenRows,
    workspaceRows: createWorkspaceRows(needs),
    alone,
    artifacts,
    sessions,
    documents: (owner) => documents.storeOf(owner),
    audit: createAudit(needs),
    ring,
    settings: createSettings(database, writer),
    cleaner,
    generation: createGeneration(needs),
    dataVersion: () => Number(database.pragma('data_version', { simple: true })),
    commits: () => writer.commits(),
    migrate: () => writer.exclusive(() => migrate(orm)),
    pendingMigrations: () => pendingMigrations(orm),
    compact: createCompact({ file: options.file, writer }),
    reseal: () => reseal(needs),
    close: closeOnce(async () => {
      alone.release()
      await cleaner.stop()
      await artifacts.close()
      await tokenRows.close()
      await checkpoints.close()
      await writer.close()
      await wal.close()
      await readings.close()
      database.close()
      await orm.close(true)
    }),
  }
}

interface OrmNeeds {
  readonly orm: MikroORM
  readonly writer: Writer
  readonly pause: Pause
}

function ormAccess({ orm, writer, pause }: OrmNeeds): Pick<Storage, 'em' | 'transaction' | 'afterCommit'> {
  const current = new AsyncLocalStorage<{ readonly em: EntityManager; readonly later: (() => void)[] }>()
  const joined = () => (writer.inside() ? current.getStore() : undefined)

  const transact = async <T>(work: (em: EntityManager) => Promise<T>) => {
    const later: (() => void)[] = []
    const outcome = await orm.em.fork().transactional(async (em) => {
      // SQLite begins deferred; a first statement that writes takes the lock now, while waiting for it is still safe.
      await em.execute('delete from setting where 1 = 0')
      const done = await current.run({ em, later }, () => work(em))
      await em.flush()
      pause('before-orm-commit')
      return done
    })
    pause('after-orm-commit')
    for (const one of later) one()
    return outcome
  }

  return {
    em: () => joined()?.em ?? orm.em.fork(),
    transaction: (work) => {
      const outer = joined()
      return outer === undefined ? writer.exclusive(() => transact(work)) : work(outer.em)
    },
    afterCommit: (work) => {
      const outer = joined()
      if (outer === undefined) work()
      else outer.later.push(work)
    },
  }
}

function closeOnce(close: () => Promise<void>): () => Promise<void> {
  let closing: Promise<void> | undefined
  return () => {
    closing ??= close()
    return closing
  }
}

async function upgrade(orm: MikroORM, { file, log, migrate: mode = 'auto' }: StorageOptions): Promise<void> {
  const known = new Set(migrations.map(({ name }) => name))
  const unknown = (await orm.migrator.getExecuted()).map(({ name }) => name).filter((name) => !known.has(name))
  if (unknown.length > 0) {
    throw new Fault(
      'ERR_STORAGE',
      `database: ${file} was migrated by a later Labgate (${unknown.join(', ')}); run that`,
    )
  }
  const pending = await pendingMigrations(orm)
  if (pending.length === 0) {
    return
  }
  if (mode === 'check') {
    throw new Fault(
      'ERR_STORAGE',
      `database: ${file} must be migrated (${pending.join(', ')}); run "labgate migrate"`,
      {
        detail: { pending },
      },
    )
  }
  log.info({ migrations: await migrate(orm) }, 'the database was migrated')
}

async function migrate(orm: MikroORM): Promise<string[]> {
  return (await orm.migrator.up()).map(({ name }) => name)
}

async function pendingMigrations(orm: MikroORM): Promise<string[]> {
  return (await orm.migrator.getPending()).map(({ name }) => name)
}

// Without this a server with the wrong keys would start, and fail later, at one row after another.
function checkKeys(database: SqliteDatabase, ring: KeyRing, file: string): void {
  const box = ring.seal('labgate', checkPurpose).toString('base64')
  database.prepare('INSERT INTO setting ("key", value) VALUES (?, ?) ON CONFLICT DO NOTHING').run(checkPurpose, box)
  const row = database
    .prepare<[string], { value: string }>('SELECT value FROM setting WHERE "key" = ?')
    .get(checkPurpose)
  try {
    ring.open(Buffer.from(row?.value ?? '', 'base64'), checkPurpose)
  } catch (cause) {
    throw new Fault(
      'ERR_KEYS',
      `keys: none of the configured keys opens ${file}, which was sealed with another; put the former key back under "keys" (a new key goes before it, not in its place)`,
      { cause },
    )
  }
}
