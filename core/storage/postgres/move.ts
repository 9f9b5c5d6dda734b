/**
 * The move from an SQLite file to a PostgreSQL that is empty: every row of every table as it stands, in one transaction
 * that is committed only when what PostgreSQL then holds has the same counts and digests. Interrupted, it has done nothing.
 * @module
 */
import { hash } from 'node:crypto'
import { Fault } from '@labgate/contract'
import pg from 'pg'
import { type FileTable, type FileTables, type FileValue, quoted } from '../file-tables.ts'
import { migrations } from '../migrations/list.ts'
import { checkPurpose, createKeyRing } from '../sealing.ts'
import { checkKeys } from '../upgrade.ts'
import { clientConfig, databaseOf, type PostgresTarget, postgresFault } from './client.ts'
import { changeLock } from './writer.ts'

/** A table, as it was moved or is to be. */
export interface MovedTable {
  readonly name: string
  readonly rows: number
}

export interface MoveNeeds {
  readonly from: FileTables
  readonly to: PostgresTarget
  /** Sealing secrets, revealed, newest first: they must open what is moved. */
  readonly keys: readonly string[]
  /** Called before the commit. */
  readonly pause?: () => void
}

/** Looks whether a move can be made; writes nothing. @throws Fault ERR_STORAGE, ERR_CONFLICT, ERR_KEYS */
export function planMove(needs: MoveNeeds): Promise<MovedTable[]> {
  return within(needs, 'READ ONLY', (client) => checked(client, needs))
}

/** Makes it. @throws Fault as {@link planMove}, and ERR_STORAGE when what arrived differs */
export async function move(needs: MoveNeeds): Promise<MovedTable[]> {
  return within(needs, 'READ WRITE', async (client) => {
    await client.query(`SELECT pg_advisory_xact_lock(${changeLock})`)
    const moved = await checked(client, needs)
    // Nobody starts on it meanwhile, and what a migration left there gives way.
    await client.query("SET LOCAL lock_timeout = '5s'")
    await client.query(`LOCK TABLE ${needs.from.tables.map(({ name }) => quoted(name)).join(', ')}`)
    await client.query('DELETE FROM setting')
    for (const table of needs.from.tables) await moveTable(client, needs.from, table)
    needs.pause?.()
    return moved
  })
}

async function within<T>(
  { to }: MoveNeeds,
  mode: 'READ ONLY' | 'READ WRITE',
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const place = placeOf(to)
  const client = new pg.Client({ ...clientConfig(to), idle_in_transaction_session_timeout: 0, types: asText })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(`BEGIN ISOLATION LEVEL READ COMMITTED ${mode}`)
    await client.query("SET LOCAL bytea_output = 'hex'")
    const done = await work(client)
    await client.query('COMMIT')
    return done
  } catch (cause) {
    throw postgresFault(cause, `the move to ${place}`)
  } finally {
    // What was not committed goes with its connection.
    await client.end().catch(() => undefined)
  }
}

/** Values as PostgreSQL spells them, which is what digests are made of. */
const asText = { getTypeParser: () => (value: string) => value }

function placeOf(to: PostgresTarget): string {
  return `PostgreSQL database ${databaseOf(to)}`
}

async function checked(client: pg.Client, { from, to, keys }: MoveNeeds): Promise<MovedTable[]> {
  const place = placeOf(to)
  const wanted = migrations.map(({ name }) => name)
  if (from.migrations.join() !== wanted.join())
    throw new Fault('ERR_STORAGE', 'database: the file is not of this version; run "labgate migrate" on it first')
  checkKeys(createKeyRing(keys), from.setting(checkPurpose), 'the file')
  const present = await namesOf(client)
  const ran = present.includes('migration')
    ? (await client.query<{ name: string }>('SELECT name FROM migration ORDER BY id')).rows.map(({ name }) => name)
    : []
  if (ran.join() !== wanted.join())
    throw new Fault(
      'ERR_STORAGE',
      `database: ${place} has not the tables of this version; run "labgate migrate" there first, with a config that names it`,
    )
  for (const { name } of from.tables) {
    if (!present.includes(name)) throw new Fault('ERR_STORAGE', `database: ${place} has no table ${name}`)
    // A migration leaves settings, no more.
    if (name === 'setting') continue
    const { rowCount } = await client.query(`SELECT 1 FROM ${quoted(name)} LIMIT 1`)
    if (rowCount !== 0)
      throw new Fault(
        'ERR_CONFLICT',
        `${place} is not empty: ${name} has rows. A move goes into a database that nobody has served from.`,
      )
  }
  return from.tables.map(({ name, count }) => ({ name, rows: count }))
}

async function namesOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()',
  )
  return rows.map(({ name }) => name)
}

interface Column {
  readonly name: string
  readonly type: string
}

/** Columns with their types, in the order of the file's. */
async function columnsOf(client: pg.Client, { name, columns }: FileTable): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
    [quoted(name)],
  )
  const types = new Map(rows.map((row) => [row.name, row.type]))
  if (types.size !== columns.length || columns.some((column) => !types.has(column)))
    throw new Fault('ERR_STORAGE', `database: the columns of ${name} are others there; run "labgate migrate" on both`)
  return columns.map((column) => ({ name: column, type: types.get(column) ?? '' }))
}

const chunk = 1000

async function moveTable(client: pg.Client, from: FileTables, table: FileTable): Promise<void> {
  const columns = await columnsOf(client, table)
  const list = columns.map(({ name }) => quoted(name)).join(', ')
  const cast = columns.map(({ name, type }) => `${quoted(name)}::${type}`).join(', ')
  const arrays = columns.map((_, index) => `$${index + 1}::text[]`).join(', ')
  const insert = `INSERT INTO ${quoted(table.name)} (${list}) SELECT ${cast} FROM unnest(${arrays}) AS row (${list})`
  const sent = createDigest()
  for (const rows of from.rows(table, chunk)) {
    const texts = rows.map((row) => row.map((value, index) => spelled(value, columns[index]?.type ?? '')))
    for (const row of texts) sent.add(row)
    await client.query(
      insert,
      columns.map((_, index) => texts.map((row) => row[index])),
    )
  }
  await setSequences(client, table)
  const arrived = await digestOf(client, table, list)
  if (arrived !== sent.value())
    throw new Fault('ERR_STORAGE', `database: the rows of ${table.name} are not the same there; nothing was moved`)
}

/** A value of the file as PostgreSQL spells the same; it keeps no NUL in a text. */
function spelled(value: FileValue, type: string): string | null {
  if (value === null) return null
  if (Buffer.isBuffer(value)) return `\\x${value.toString('hex')}`
  if (type === 'boolean') return Number(value) === 0 ? 'f' : 't'
  return String(value).replaceAll('\0', '\u2400')
}

/** The next number is above every one that was given, also to rows that are gone. */
async function setSequences(client: pg.Client, { name, columns, given }: FileTable): Promise<void> {
  for (const column of columns) {
    const { rows } = await client.query<{ sequence: string | null }>(
      'SELECT pg_get_serial_sequence($1, $2) AS sequence',
      [quoted(name), column],
    )
    const sequence = rows[0]?.sequence
    if (sequence && given > 0) await client.query('SELECT setval($1, $2)', [sequence, given])
  }
}

async function digestOf(client: pg.Client, { name }: FileTable, list: string): Promise<string> {
  const digest = createDigest()
  await client.query(`DECLARE arrived NO SCROLL CURSOR FOR SELECT ${list} FROM ${quoted(name)}`)
  for (;;) {
    const { rows } = await client.query<(string | null)[]>({ text: `FETCH ${chunk} FROM arrived`, rowMode: 'array' })
    if (rows.length === 0) break
    for (const row of rows) digest.add(row)
  }
  await client.query('CLOSE arrived')
  return digest.value()
}

/** Of rows in whatever order: how many, and the sum of their digests. */
function createDigest() {
  let count = 0
  let sum = 0n
  return {
    add(row: readonly (string | null)[]): void {
      count += 1
      sum += BigInt(`0x${hash('sha256', JSON.stringify(row))}`)
    },
    value: () => `${count} ${sum}`,
  }
}
