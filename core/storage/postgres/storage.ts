/**
 * The storage on a PostgreSQL that several processes may share. Nothing that another process must know lives in memory:
 * sign-ins in progress are rows too, and what was read is asked for again at each answer (one statement tells whether it
 * still stands).
 * @module
 */
import { Fault } from '@labgate/contract'
import pg from 'pg'
import type { AccountRows } from '../account-rows.ts'
import { createCleaner } from '../cleanup.ts'
import { createClientRows } from '../client-rows.ts'
import { type LateOrm, openLate } from '../late-orm.ts'
import { createLedgerReading, createLedgerRows, type LedgerReading, type LedgerRows } from '../ledger-rows.ts'
import type { Readings } from '../query.ts'
import { checkPurpose, createKeyRing, type KeyRing } from '../sealing.ts'
import type { Storage, StorageOptions } from '../shape.ts'
import { createStartRows } from '../start-rows.ts'
import { createTokenRows } from '../token-rows.ts'
import { closeOnce, ormAccess } from '../transactions.ts'
import { checkKeys, executedMigrations, migrate, newCheckBox, notMigrated, pendingAfter } from '../upgrade.ts'
import { createPostgresArtifacts } from './artifacts.ts'
import {
  type Connection,
  clientConfig,
  createPool,
  databaseOf,
  type PostgresTarget,
  postgresFault,
  postgresQueries,
  shares,
  toldAway,
} from './client.ts'
import { createPostgresDocuments } from './documents.ts'
import { expiredCounters, postgresLimiter } from './limiter.ts'
import { createLocks } from './locks.ts'
import { createNotices } from './notices.ts'
import { postgresReadings } from './readings.ts'
import { createRecall, type Recall, recalledQueries } from './recall.ts'
import { resealPostgres } from './reseal.ts'
import { createPostgresSessions } from './sessions.ts'
import {
  postgresAccountRows,
  postgresAudit,
  postgresSettings,
  postgresTokenUses,
  postgresWorkspaceRows,
  type SmallNeeds,
} from './small-rows.ts'
import { createWires } from './wires.ts'
import { changeLock, createPostgresWriter, forgetting, migrationLock, transactionOn } from './writer.ts'

type PostgresOptions = StorageOptions & { readonly postgres: PostgresTarget }

/** The oldest PostgreSQL that understands every statement of ours. */
const oldest = 14
const workspacesPlace = 1

/** Opens a PostgreSQL. @throws Fault as `openStorage` */
export async function openPostgresStorage(options: PostgresOptions): Promise<Storage> {
  const ring = createKeyRing(options.keys)
  const place = placeOf(options.postgres)
  await lookAt(options.postgres, place)
  const orm = openLate(async () => (await import('./orm.ts')).openPostgresOrm(options.postgres))
  const pools = poolsOf(options.postgres)
  try {
    const pending = pendingAfter(await executedIn(pools.writes), place)
    if (pending.length > 0) {
      if (options.migrate !== 'auto') throw notMigrated(pending, place)
      options.log.info({ migrations: await migrateAlone(orm, options.postgres) }, 'the database was migrated')
    }
    checkKeys(ring, await checkBox(pools.writes, ring), place)
    return assemble({ options, ring, orm, pools, place })
  } catch (error) {
    await Promise.all([orm.close(), ...Object.values(pools).map((pool) => pool.end())])
    throw error
  }
}

/** Where it is, without who asks there. */
function placeOf(target: PostgresTarget): string {
  const host = /@([^/?]*)/.exec(target.url)?.[1] || 'this machine'
  return `PostgreSQL database ${databaseOf(target)} on ${host}`
}

/** One connection, so that what is wrong is said in words. */
async function lookAt(target: PostgresTarget, place: string): Promise<void> {
  const client = new pg.Client(clientConfig(target))
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ version: string }>("SELECT current_setting('server_version_num') AS version")
    const version = Math.floor(Number(rows[0]?.version) / 10_000)
    if (version < oldest)
      throw new Fault('ERR_STORAGE', `database: ${place} is version ${version}; version ${oldest} or later is needed`)
  } catch (cause) {
    throw postgresFault(cause, `connecting to ${place}`)
  } finally {
    await client.end().catch(() => undefined)
  }
}

type Pools = ReturnType<typeof poolsOf>

function poolsOf(target: PostgresTarget) {
  const { reads, writes, readings, units } = shares(target)
  return {
    reads: createWires(target, { count: reads, atOnce: Number.POSITIVE_INFINITY }),
    writes: createWires(target, { count: writes, atOnce: 1 }),
    readings: createPool(target, readings),
    units: createPool(target, units),
  }
}

/** Two processes that start at once must not both migrate. */
async function migrateAlone(orm: LateOrm, target: PostgresTarget): Promise<string[]> {
  const client = new pg.Client(clientConfig(target))
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query(`SELECT pg_advisory_lock(${migrationLock})`)
    return await migrate(await orm.get())
  } finally {
    // The lock ends with its connection.
    await client.end()
  }
}

async function executedIn(connection: Connection): Promise<string[]> {
  const { run } = transactionOn(connection)
  const { rows } = await run<{ found: string | null }>("SELECT to_regclass('migration')::text AS found")
  if (rows[0]?.found == null) return []
  return (await run<{ name: string }>(executedMigrations)).rows.map(({ name }) => name)
}

async function checkBox(connection: Connection, ring: KeyRing): Promise<string | undefined> {
  const { run } = transactionOn(connection)
  await run('INSERT INTO setting ("key", value) VALUES (?, ?) ON CONFLICT DO NOTHING', [
    checkPurpose,
    newCheckBox(ring),
  ])
  return (await run<{ value: string }>('SELECT value FROM setting WHERE "key" = ?', [checkPurpose])).rows[0]?.value
}

interface Opened {
  readonly options: PostgresOptions
  readonly ring: KeyRing
  readonly orm: LateOrm
  readonly pools: Pools
  readonly place: string
}

function assemble({ options, ring, orm, pools, place }: Opened): Storage {
  const { clock, log, postgres, pause = () => undefined } = options
  const { reads, units } = pools
  const recall = createRecall()
  const writer = createPostgresWriter({ single: pools.writes, pool: units, recall, pause })
  const queries = postgresQueries(reads)
  const readings = postgresReadings(pools.readings, createLedgerReading)
  const locks = createLocks(postgres, log, recall.forget)
  const notices = createNotices(postgres, log)
  const needs = { ...{ reads, units, recall, queries, readings }, ...{ writer, locks, ring, clock, log, pause } }
  const settings = postgresSettings(needs)
  const artifacts = createPostgresArtifacts(needs)
  const sessions = createPostgresSessions(needs)
  const documents = createPostgresDocuments(needs)
  const tokenRows = createTokenRows({ queries, log, ...postgresTokenUses(needs) })
  const alone = locks.alone(workspacesPlace)
  const counters = expiredCounters(reads, writer, () => clock.now().getTime())
  const tables = [artifacts, documents, sessions, counters]
  const cleaner = createCleaner({ tables, writer: { run: async (unit) => unit() }, log, pause })
  const access = ormAccess({ orm, writer, pause, first: `select pg_advisory_xact_lock(${changeLock})` })
  let looks = 0
  return {
    orm: orm.get,
    ...access,
    // How it begins and ends is not the ORM's to tell.
    transaction: (work) => access.transaction(work).catch(toldAway),
    during: recall.during,
    ...recalledRows(needs),
    clientRows: createClientRows(queries),
    tokenRows,
    startRows: createStartRows(needs),
    workspaceRows: postgresWorkspaceRows(needs),
    alone,
    artifacts,
    sessions,
    documents: (owner) => documents.storeOf(owner),
    // Long looks into the trail must not hold up those who ask for a row.
    audit: postgresAudit({ ...needs, queries: postgresQueries(pools.readings) }),
    isShared: true,
    notices,
    ring,
    settings,
    cleaner,
    limiter: postgresLimiter(reads),
    generation: () => Number.NaN,
    ledgerGeneration: () => Number.NaN,
    dataVersion: () => ++looks,
    commits: () => writer.commits() + artifacts.commits(),
    answers: async () => (await transactionOn(reads).run('SELECT 1')).rows.length === 1,
    migrate: () => migrateAlone(orm, postgres),
    pendingMigrations: async () => pendingAfter(await executedIn(pools.writes), place),
    compact: () => compact(pools.units),
    reseal: () => resealPostgres({ reads, writer, settings, ring }),
    close: closeOnce(async () => {
      await alone.release()
      await cleaner.stop()
      await tokenRows.close()
      await writer.close()
      await locks.close()
      await notices.close()
      await Promise.all([orm.close(), ...Object.values(pools).map((pool) => pool.end())])
    }),
  }
}

/** Accounts and the ledger; what a request asks again of them is remembered. */
function recalledRows(needs: SmallNeeds & { recall: Recall; readings: Readings<LedgerReading> }) {
  const { queries, readings, recall, writer } = needs
  const [recalled, standing] = [recall.part(), recall.part()]
  const known = recalledQueries(queries, recalled)
  const anew = createLedgerReading(queries)
  const forget = () => {
    recalled.forget()
    standing.forget()
  }
  const told = { ...writer, ...forgetting(writer, { forget }) }
  const accountRows: AccountRows = {
    ...postgresAccountRows({ ...needs, queries: known, writer: told }),
    // Who is asked about twice may have come in by another tab in between.
    identity: anew.accounts.identity,
  }
  const ledgerRows: LedgerRows = {
    ...createLedgerRows({ queries: known, readings }),
    // What is kept for as long as these stand must not have been read before them.
    revisions: (account) =>
      standing.read(account, () => {
        recalled.forget()
        return anew.revisions(account)
      }),
    standing: (account, known) =>
      standing.read(`account ${account}`, () => {
        recalled.forget()
        const asked = anew.standing(account, known)
        // Who asks for the revisions alone has them.
        standing.read(account, async () => (await asked)?.revisions).catch(() => undefined)
        return asked
      }),
  }
  return { accountRows, ledgerRows }
}

/** Writes every table of ours anew. */
async function compact(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(
    'SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = current_schema()',
  )
  for (const { name } of rows)
    await pool.query(`VACUUM (FULL, ANALYZE) ${name}`).catch((cause: unknown) => {
      throw postgresFault(cause, `rewriting ${name}`)
    })
}
