/**
 * The tables of another system, from an SQLite file or from the plain text of `pg_dump`. A dump is read once, line by
 * line, into a private temporary database that vanishes when it is closed; of it and of a file alike only the columns
 * that a source names are ever read, so that tokens and keys stay where they are. @module
 */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { Fault } from '@labgate/contract'
import Database from 'better-sqlite3'
import { atLine, linesOf, type Piece, piecesOf } from './sql-lines.ts'
import { copyFields, createdTable, insertOf, nameList, qualifiedName, type Value } from './sql-values.ts'

/** The columns that are read, by table. */
export type Wanted = Readonly<Record<string, readonly string[]>>

/** A row: every wanted column as text; absent where the table has no such column. */
export type Row = Readonly<Record<string, Value | undefined>>

/** Tables of another system. */
export interface Tables {
  readonly file: string
  has(table: string): boolean
  /** The rows of a wanted table, by its first wanted column; none when there is no such table. */
  rows(table: string): Iterable<Row>
  close(): void
}

/** Opens a file for reading. @throws Fault ERR_INPUT when it is neither, cut off, or damaged; with the line */
export async function openTables(path: string, wanted: Wanted, shown = path): Promise<Tables> {
  const head = await headOf(path, shown)
  if (head.toString('latin1', 0, 15) === 'SQLite format 3') return tablesIn(openFile(path, shown), wanted, shown)
  const refusal = refusalOf(head)
  if (refusal !== undefined) throw new Fault('ERR_INPUT', `${shown}: ${refusal}`)
  // Without a name it is a file that SQLite deletes at once.
  const database = new Database('')
  try {
    await load(database, { path, wanted, shown })
    return tablesIn(database, wanted, shown)
  } catch (error) {
    database.close()
    throw error
  }
}

async function headOf(path: string, shown: string): Promise<Buffer> {
  const unread = (cause: unknown) => {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
    const why = { ENOENT: 'there is no such file', EISDIR: 'is a folder; make a plain dump: pg_dump -f dump.sql' }[code]
    return new Fault('ERR_INPUT', `${shown}: ${why ?? `cannot be read (${code})`}`, { cause })
  }
  const file = await open(path).catch((cause: unknown) => Promise.reject(unread(cause)))
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0)
    return buffer.subarray(0, bytesRead)
  } catch (cause) {
    throw unread(cause)
  } finally {
    await file.close()
  }
}

function refusalOf(head: Buffer): string | undefined {
  const isTar = head.toString('latin1', 257, 262) === 'ustar'
  if (head.toString('latin1', 0, 5) === 'PGDMP' || isTar)
    return 'is an archive of pg_dump (-Fc, -Ft); write it as plain text: pg_restore -f dump.sql FILE'
  if (head[0] === 0x1f && head[1] === 0x8b) return 'is compressed; unpack it: gunzip FILE'
  if (head.includes(0)) return 'is neither an SQLite database nor the plain text of pg_dump'
  return head.length === 0 ? 'is empty' : undefined
}

function openFile(path: string, shown: string): Database.Database {
  try {
    const database = new Database(path, { readonly: true, fileMustExist: true })
    database.pragma('query_only = ON')
    database.prepare('select count(*) from sqlite_master').get()
    return database
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Fault('ERR_INPUT', `${shown}: SQLite cannot read it: ${reason}; copy the database with sqlite3 .backup`, {
      cause,
    })
  }
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

function tablesIn(database: Database.Database, wanted: Wanted, file: string): Tables {
  const columnsOf = (table: string) =>
    database.prepare<[string], string>('select lower(name) from pragma_table_info(?)').pluck().all(table)
  return {
    file,
    has: (table) => columnsOf(table).length > 0,
    *rows(table) {
      const [present, columns = []] = [new Set(columnsOf(table)), wanted[table]]
      const some = columns.filter((column) => present.has(column))
      if (some.length === 0) return
      const order = `order by length(${quoted(some[0] ?? '')}), ${quoted(some[0] ?? '')}`
      const names = some.map((column) => `cast(${quoted(column)} as text) as ${quoted(column)}`)
      const select = database.prepare<[], Row>(`select ${names.join(', ')} from ${quoted(table)} ${order}`)
      try {
        yield* select.iterate()
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause)
        throw new Fault('ERR_INPUT', `${file}: table ${table}: ${reason}`, { cause })
      }
    },
    close: () => database.close(),
  }
}

interface Loading {
  readonly path: string
  readonly wanted: Wanted
  readonly shown: string
}

/** What the columns of the rows that come are called. */
interface Target {
  readonly columns: readonly string[]
  readonly add: (row: readonly Value[]) => void
}

async function load(database: Database.Database, loading: Loading): Promise<void> {
  const { path, shown } = loading
  const loader = createLoader(database, loading)
  database.exec('begin')
  for await (const piece of piecesOf(linesOf(createReadStream(path), shown), shown)) loader(piece)
  database.exec('commit')
}

function createLoader(database: Database.Database, { wanted, shown }: Loading): (piece: Piece) => void {
  /** Columns by table, as it was created: an INSERT may name none. */
  const created = new Map<string, { readonly schema: string; readonly columns: readonly string[] }>()
  const targets = new Map<string, Target>()
  let copying: Target | undefined
  const targetOf = (line: number, asked: { schema: string; table: string; columns: readonly string[] | undefined }) => {
    const { schema, table } = asked
    if (!Object.hasOwn(wanted, table)) return undefined
    const known = created.get(table)
    if (known && known.schema !== schema)
      throw atLine(shown, line, `the table ${table} stands in two schemas, ${known.schema} and ${schema}; dump one: -n`)
    const columns = asked.columns ?? known?.columns
    if (columns === undefined) throw atLine(shown, line, `nothing says which columns the table ${table} has`)
    if (known === undefined) created.set(table, { schema, columns })
    const key = JSON.stringify([table, columns])
    const target = targets.get(key) ?? makeTarget(database, { table, columns, wanted: wanted[table] ?? [] })
    targets.set(key, target)
    return target
  }
  const put = (target: Target | undefined, row: readonly Value[], line: number) => {
    if (target === undefined) return
    if (row.length !== target.columns.length)
      throw atLine(shown, line, `${row.length} values for ${target.columns.length} columns; make the dump anew`)
    target.add(row)
  }
  return (piece) => {
    if (piece.kind === 'end') copying = undefined
    else if (piece.kind === 'row') put(copying, copying === undefined ? [] : copyFields(piece.text), piece.line)
    else copying = statement(piece, { created, targetOf, put, wanted, shown })
  }
}

interface Reading {
  readonly created: Map<string, { readonly schema: string; readonly columns: readonly string[] }>
  readonly targetOf: (
    line: number,
    asked: { schema: string; table: string; columns: readonly string[] | undefined },
  ) => Target | undefined
  readonly put: (target: Target | undefined, row: readonly Value[], line: number) => void
  readonly wanted: Wanted
  readonly shown: string
}

/** Reads a statement; says where the rows of a COPY go that follow it. */
function statement({ text, line }: Extract<Piece, { kind: 'statement' }>, reading: Reading): Target | undefined {
  const { created, targetOf, put, wanted, shown } = reading
  const encoding = /^\s*SET\s+client_encoding\s*=\s*'([^']*)'/i.exec(text)?.[1]
  if (encoding !== undefined && encoding.toUpperCase() !== 'UTF8')
    throw atLine(shown, line, `the dump is in ${encoding}; make it with pg_dump --encoding=UTF8`)
  const table = createdTable(text)
  if (table !== undefined && Object.hasOwn(wanted, table.table)) {
    if (created.has(table.table))
      throw atLine(shown, line, `the table ${table.table} is there twice; dump one database and one schema`)
    created.set(table.table, table)
    // Empty tables are tables too.
    targetOf(line, table)
  }
  const copy = /^\s*COPY\s+/i.exec(text)
  const name = copy === null ? undefined : qualifiedName(text.slice(copy[0].length))
  if (name !== undefined && /FROM\s+stdin/i.test(name.rest)) {
    if (Object.hasOwn(wanted, name.table) && /\bFORMAT\b|\bCSV\b|\bDELIMITER\b/i.test(name.rest))
      throw atLine(shown, line, 'COPY is not in the text format; pg_dump writes it so')
    return targetOf(line, { ...name, columns: nameList(name.rest)?.names })
  }
  const into = /^\s*INSERT\s+INTO\s+/i.exec(text)
  const goal = into === null ? undefined : qualifiedName(text.slice(into[0].length))
  if (goal === undefined || !Object.hasOwn(wanted, goal.table)) return undefined
  const insert = insertOf(text)
  if (insert === undefined) throw atLine(shown, line, `this INSERT into ${goal.table} is not one that pg_dump writes`)
  const target = targetOf(line, insert)
  for (const row of insert.rows) put(target, row, line)
  return undefined
}

function makeTarget(
  database: Database.Database,
  { table, columns, wanted }: { table: string; columns: readonly string[]; wanted: readonly string[] },
): Target {
  const places = wanted.map((column) => columns.indexOf(column)).filter((place) => place >= 0)
  const names = places.map((place) => quoted(columns[place] ?? '')).join(', ')
  if (places.length === 0) return { columns, add: () => undefined }
  database.exec(`create table if not exists ${quoted(table)} (${names})`)
  const insert = database.prepare(
    `insert into ${quoted(table)} (${names}) values (${places.map(() => '?').join(', ')})`,
  )
  return { columns, add: (row) => void insert.run(places.map((place) => row[place] ?? null)) }
}
