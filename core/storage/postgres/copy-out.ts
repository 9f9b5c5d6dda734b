/** Rows of a PostgreSQL, as of one instant, in an SQLite file of the same schema, where anything may be tried. @module */
import { Fault } from '@labgate/contract'
import Database from 'better-sqlite3'
import pg from 'pg'
import { quoted } from '../file-tables.ts'
import { notMigrated } from '../upgrade.ts'
import { clientConfig, databaseOf, type PostgresTarget, postgresFault } from './client.ts'

/** What says nothing of who people are and what they hold, and may be long. */
const leftOut = new Set([
  ...['artifact', 'browser_session', 'document', 'audit_event', 'workspace_event'],
  ...['migration', 'sqlite_sequence'],
])
const size = 2000

/**
 * Fills a file that was just migrated. The server goes on meanwhile.
 * @throws Fault ERR_STORAGE when PostgreSQL cannot be read, or has another schema
 */
export async function copyToFile(target: PostgresTarget, file: string): Promise<void> {
  const place = `PostgreSQL database ${databaseOf(target)}`
  const client = new pg.Client({ ...clientConfig(target), idle_in_transaction_session_timeout: 0 })
  client.on('error', () => undefined)
  const copy = new Database(file, { fileMustExist: true })
  try {
    await client.connect()
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    await assertSameSchema(client, copy, place)
    // It stands as a whole or is thrown away; order and the disk do not matter.
    copy.pragma('foreign_keys = OFF')
    copy.pragma('synchronous = OFF')
    copy.exec('BEGIN')
    for (const name of namesIn(copy, "SELECT name FROM sqlite_master WHERE type = 'table'"))
      if (!leftOut.has(name)) await copyTable(client, copy, name)
    copy.exec('COMMIT')
  } catch (cause) {
    throw postgresFault(cause, `copying ${place}`)
  } finally {
    copy.close()
    await client.end().catch(() => undefined)
  }
}

function namesIn(database: Database.Database, sql: string): string[] {
  return database.prepare<[], string>(sql).pluck().all()
}

async function assertSameSchema(client: pg.Client, copy: Database.Database, place: string): Promise<void> {
  const ours = namesIn(copy, 'SELECT name FROM migration')
  const { rows } = await client.query<{ name: string }>('SELECT name FROM migration').catch((cause: unknown) => {
    throw (cause as { code?: string }).code === '42P01' ? notMigrated(ours, place) : cause
  })
  const theirs = new Set(rows.map(({ name }) => name))
  const pending = ours.filter((name) => !theirs.has(name))
  if (pending.length > 0) throw notMigrated(pending, place)
  if (theirs.size > ours.length)
    throw new Fault('ERR_STORAGE', `database: ${place} is of a later version of Labgate; plan with that one`)
}

async function copyTable(client: pg.Client, copy: Database.Database, name: string): Promise<void> {
  const columns = namesIn(copy, `SELECT name FROM pragma_table_info('${name}') ORDER BY cid`).map(quoted).join(', ')
  copy.exec(`DELETE FROM ${quoted(name)}`)
  const places = columns.replaceAll(/"[^"]*"/g, '?')
  const insert = copy.prepare<unknown[]>(`INSERT INTO ${quoted(name)} (${columns}) VALUES (${places})`)
  await client.query(`DECLARE copying NO SCROLL CURSOR FOR SELECT ${columns} FROM ${quoted(name)}`)
  for (;;) {
    const { rows } = await client.query<unknown[]>({ text: `FETCH ${size} FROM copying`, rowMode: 'array' })
    for (const row of rows) insert.run(...row)
    if (rows.length < size) break
  }
  await client.query('CLOSE copying')
}
