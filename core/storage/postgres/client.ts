/**
 * Connections to PostgreSQL: how the address is read, and statements that are prepared once for each connection. What
 * comes back looks as SQLite gives it (numbers for booleans and for 64-bit integers, text for JSON), so that rows are
 * read by the same code.
 * @module
 */
import { Fault } from '@labgate/contract'
import pg from 'pg'
import type { Queries, Query } from '../query.ts'
import { StatementClient } from './statement.ts'
import { isAway, mendOf } from './trouble.ts'

/** Where a PostgreSQL is, and how it is reached. */
export interface PostgresTarget {
  /** `postgresql://USER@HOST:PORT/DATABASE`, without a password. */
  readonly url: string
  readonly password?: string | undefined
  /** Certificates are verified, unless this is `off`; text of the authorities that count instead of the system's. */
  readonly tls: 'off' | { readonly ca?: string | undefined }
  /** Most connections of this process in all. */
  readonly connections: number
}

/** How the connections of a process are shared out. */
export function shares({ connections }: Pick<PostgresTarget, 'connections'>) {
  const quarter = Math.max(2, Math.floor(connections / 4))
  // Beside them one that holds locks, and one that listens.
  const rest = Math.max(4, connections - 2 * quarter - 2)
  const writes = Math.max(1, Math.floor(rest / 2) - 1)
  return {
    /** Changes by people. */
    orm: quarter,
    /** Transactions of several statements. */
    units: quarter,
    /** Single statements: that read, that write. */
    reads: 2,
    writes,
    /** Several reads of one instant. */
    readings: Math.max(1, rest - 2 - writes),
  }
}

/** As `pg` wants it. */
export function clientConfig({ url, password, tls }: PostgresTarget): pg.ClientConfig {
  return {
    ...addressParts(url),
    ...(password === undefined ? {} : { password }),
    ssl: tls === 'off' ? false : { rejectUnauthorized: true, ...(tls.ca === undefined ? {} : { ca: tls.ca }) },
    application_name: 'labgate',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    // A process that hangs in the middle of a change must not hold its rows for good.
    idle_in_transaction_session_timeout: 60_000,
    types: { getTypeParser: parserOf },
  }
}

/** The parts of an address: given whole, it would put its missing password in the place of ours. */
function addressParts(url: string): pg.ClientConfig {
  const address = /^[a-z]+:\/\/(?:([^@/?#]*)@)?(\[[^\]]*\]|[^/:?#]*)(?::(\d+))?\/([^?#]*)(?:\?host=([^&#]+))?$/i
  const [, user, place, port, database = '', folder] = address.exec(url) ?? []
  const host = folder ?? place?.replace(/^\[(.*)\]$/, '$1')
  // All of them are said, so that no variable of the environment and no default of a driver leads elsewhere.
  return {
    user: user ? decodeURIComponent(user) : pg.defaults.user,
    host: host ? decodeURIComponent(host) : 'localhost',
    port: Number(port ?? 5432),
    database: decodeURIComponent(database),
  }
}

/** The database's name in an address. */
export function databaseOf({ url }: Pick<PostgresTarget, 'url'>): string {
  const path = /^[a-z]+:\/\/[^/?]*\/([^?]*)/i.exec(url)?.[1] ?? ''
  return decodeURIComponent(path)
}

const parsers = new Map<number, (value: string) => unknown>([
  [16, (value) => Number(value === 't')],
  [20, Number],
  [114, String],
  [1700, Number],
])

function parserOf(oid: number, format?: 'text' | 'binary') {
  const own = format === 'binary' ? undefined : parsers.get(oid)
  return own ?? pg.types.getTypeParser(oid, format as 'text')
}

/**
 * Makes a pool whose connections take a statement before the one before it is answered. A connection that the server drops while
 * nobody uses it is no error of ours.
 */
export function createPool(target: PostgresTarget, max: number): pg.Pool {
  const config = { ...clientConfig(target), Client: StatementClient, pipeline: true }
  const pool = new pg.Pool({ ...config, max, idleTimeoutMillis: 30_000 })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => void client.on('error', () => undefined))
  return pool
}

/** Whatever runs statements: a pool, or one connection of it. */
export type Connection = Pick<pg.ClientBase, 'query'>

/** Values by position, or by name where the statement says `@name`. */
export type Values = readonly unknown[] | Readonly<Record<string, unknown>>

/** What one statement gave. */
export interface Outcome<R> {
  readonly rows: R[]
  /** How many rows it wrote. */
  readonly changes: number
}

interface Prepared {
  readonly name: string
  readonly text: string
  readonly names: readonly string[]
}

const prepared = new Map<string, Prepared>()

/** Our word for a function that PostgreSQL has under another name. */
const otherNames = [
  ['json_group_array(', 'json_agg('],
  ['json_array(', 'json_build_array('],
] as const

/**
 * PostgreSQL's spelling of a statement: `?` and `@name` are numbered, a join with a condition is no cross join, and lists are
 * gathered by functions of other names.
 */
function spelled(sql: string): Prepared {
  const known = prepared.get(sql)
  if (known) return known
  const names: string[] = []
  let count = 0
  const renamed = otherNames.reduce((text, [ours, theirs]) => text.replaceAll(ours, theirs), sql)
  const text = renamed.replaceAll('CROSS JOIN', 'JOIN').replaceAll(/\?|@(\w+)/g, (_, name: string | undefined) => {
    if (name === undefined) return `$${++count}`
    if (!names.includes(name)) names.push(name)
    return `$${names.indexOf(name) + 1}`
  })
  const made = { name: `labgate_${prepared.size}`, text, names }
  prepared.set(sql, made)
  return made
}

/** Runs one statement. */
export async function execute<R extends object = Record<string, unknown>>(
  connection: Connection,
  sql: string,
  values: Values = [],
): Promise<Outcome<R>> {
  const { name, text, names } = spelled(sql)
  const ordered = Array.isArray(values) ? values : names.map((one) => (values as Record<string, unknown>)[one])
  const asked = connection.query<R>({ name, text, values: ordered.map(storable) })
  const { rows, rowCount } = await asked.catch(toldAway)
  return { rows, changes: rowCount ?? 0 }
}

/** PostgreSQL keeps no NUL in a text: what has one is found nowhere, and is kept with the sign for it. */
function storable(value: unknown): unknown {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\u2400') : value
}

/** The hot path's statements on a pool or a connection. */
export function postgresQueries(connection: Connection): Queries {
  return {
    rows<P extends readonly unknown[], R>(sql: string): Query<P, R> {
      const all = async (...values: P) => (await execute(connection, sql, named(values))).rows as R[]
      return { all, get: async (...values) => (await all(...values))[0] }
    },
    values<P extends readonly unknown[], V>(sql: string): Query<P, V> {
      const all = async (...values: P) => {
        const { rows } = await execute(connection, sql, named(values))
        return rows.map((row) => Object.values(row)[0] as V)
      }
      return { all, get: async (...values) => (await all(...values))[0] }
    },
  }
}

/** A statement by names is handed one object. */
function named(values: readonly unknown[]): Values {
  const [first] = values
  const isNamed = typeof first === 'object' && first !== null && !ArrayBuffer.isView(first)
  return isNamed ? (first as Values) : values
}

/**
 * When it is worth asking again after a connection was lost. Sooner than a used refresh token is nothing for good: it may have been
 * used by what got no answer.
 */
const awaySeconds = 2

/** What is broken on the way is a Fault; what a statement itself met stays as it is, for those who know its code. */
export function toldAway(cause: Error): never {
  throw isAway(cause) ? postgresFault(cause, 'asking') : cause
}

/** What went wrong, for whoever runs the site. */
export function postgresFault(cause: unknown, doing: string): unknown {
  if (!(cause instanceof Error) || cause instanceof TypeError || cause.name === 'Fault') return cause
  const code = (cause as { code?: unknown }).code
  const said = typeof code === 'string' && !cause.message.includes(code) ? `${cause.message} (${code})` : cause.message
  const mend = mendOf(cause)
  return new Fault('ERR_STORAGE', `database: ${doing} failed: ${said}${mend === undefined ? '' : `; ${mend}`}`, {
    cause,
    ...(isAway(cause) ? { retryAfterSeconds: awaySeconds } : {}),
  })
}
