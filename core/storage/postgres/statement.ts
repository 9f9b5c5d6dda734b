/**
 * Named statements as they are sent over one connection: what their columns are is asked once, not each time, and what one turn
 * asks leaves together.
 * @module
 */
import pg from 'pg'

/** What `pg` calls of whatever it is given to send; its types name the first alone. */
interface Sent extends pg.Submittable {
  readonly name: string
  readonly text: string
  callback: Answered
  prepare(connection: pg.Connection): void
  handleRowDescription(said: { readonly fields: readonly Field[] }): void
  handleDataRow(said: { readonly fields: readonly (string | null)[] }): void
  handleCommandComplete(said: { readonly text: string }): void
  handleReadyForQuery(): void
  handleError(error: Error, connection: pg.Connection): void
}

interface Field {
  readonly name: string
  readonly dataTypeID: number
}

type Result = Pick<pg.QueryResult, 'rows' | 'rowCount'>
type Answered = (error: Error | null, result?: Result) => void
type Row = Record<string, unknown>

/** How the rows of one statement are read. */
interface Columns {
  readonly names: readonly string[]
  readonly parsers: readonly ((value: string) => unknown)[]
  /** All names, in their order: rows begin as copies of it. */
  readonly empty: Row
}

type Config = pg.QueryConfig & { readonly name: string }
type ParserOf = (oid: number) => (value: string) => unknown

const Query = pg.Query as unknown as new (text: string, values: unknown[] | undefined) => Sent
const { prepareValue } = (pg as unknown as { utils: { prepareValue(value: unknown): Buffer | string | null } }).utils

/** By connection and name: a statement that is prepared gives the same columns as long as it lives. */
const columnsOn = new WeakMap<pg.Connection, Map<string, Columns>>()

/** One that is asked by name, all of its rows in one answer. */
class Statement extends Query {
  // Of the class above, which sends it.
  declare name: string
  readonly #values: (Buffer | string | null)[]
  readonly #parserOf: ParserOf
  #known: Map<string, Columns> | undefined
  #columns: Columns | undefined
  readonly #rows: Row[] = []
  #count: number | null = null
  #broken: Error | undefined

  constructor({ name, text, values }: Config, parserOf: ParserOf) {
    const prepared = (values ?? []).map(prepareValue)
    super(text, prepared)
    this.name = name
    this.#values = prepared
    this.#parserOf = parserOf
  }

  override prepare(connection: pg.Connection): void {
    const known = columnsOn.get(connection) ?? new Map<string, Columns>()
    columnsOn.set(connection, known)
    this.#columns = known.get(this.name)
    if (this.#columns === undefined) {
      this.#known = known
      super.prepare(connection)
      return
    }
    connection.bind({ statement: this.name, values: this.#values }, true)
    connection.execute({}, true)
    connection.sync()
  }

  override handleRowDescription({ fields }: Parameters<Sent['handleRowDescription']>[0]): void {
    this.#columns = {
      names: fields.map(({ name }) => name),
      parsers: fields.map(({ dataTypeID }) => this.#parserOf(dataTypeID)),
      empty: Object.fromEntries(fields.map(({ name }) => [name, null])),
    }
  }

  override handleDataRow({ fields }: Parameters<Sent['handleDataRow']>[0]): void {
    const { names, parsers, empty } = this.#columns as Columns
    const row = { ...empty }
    try {
      for (const [at, value] of fields.entries())
        if (value !== null) row[names[at] as string] = (parsers[at] as (value: string) => unknown)(value)
      this.#rows.push(row)
    } catch (error) {
      this.#broken = error as Error
    }
  }

  override handleCommandComplete({ text }: Parameters<Sent['handleCommandComplete']>[0]): void {
    const count = /\d+$/.exec(text)
    this.#count = count && Number(count[0])
    this.#known?.set(this.name, this.#columns ?? none)
  }

  override handleReadyForQuery(): void {
    if (this.#broken === undefined) this.callback(null, { rows: this.#rows, rowCount: this.#count })
    else this.callback(this.#broken)
  }

  override handleError(error: Error, connection: pg.Connection): void {
    if (isStale(error)) {
      columnsOn.get(connection)?.delete(this.name)
      const { parsedStatements } = connection as unknown as { parsedStatements: Record<string, string> }
      delete parsedStatements[this.name]
      connection.close({ type: 'S', name: this.name }, true)
    }
    super.handleError(error, connection)
  }
}

/** Its table has other columns since it was prepared: PostgreSQL refuses it for good, until it is prepared anew. */
function isStale(error: Error | null): boolean {
  const { code, routine } = (error ?? {}) as { readonly code?: unknown; readonly routine?: unknown }
  return code === '0A000' && routine === 'RevalidateCachedQuery'
}

const none: Columns = { names: [], parsers: [], empty: {} }

/** A client that takes named statements as above; without a name all is as with any other. */
export class StatementClient extends pg.Client {
  #holds = false

  /** As `pg` declares it, with a callback or a promise. */
  override query(...asked: unknown[]): never {
    this.#together()
    const ask = super.query as (...asked: unknown[]) => unknown
    const [config] = asked
    if (!isNamed(config)) return ask.apply(this, asked) as never
    const send = (answered: Answered) =>
      ask.call(this, new Statement(config, (oid) => this.getTypeParser(oid)), answered) as never
    const sendTwice = (answered: Answered) =>
      // Inside a transaction it is over with it, and its COMMIT may have left already: a second one would count by itself.
      send((error, result) =>
        isStale(error) && this.getTransactionStatus() === 'I' ? send(answered) : answered(error, result),
      )
    const callback = asked.find((one) => typeof one === 'function')
    if (callback !== undefined) return sendTwice(callback as Answered)
    return new Promise((resolve, reject) => {
      sendTwice((error, result) => (error ? reject(error) : resolve(result)))
    }) as never
  }

  /** What is asked before the event loop goes on is one message to the server, not several. */
  #together(): void {
    if (this.#holds) return
    this.#holds = true
    const { stream } = (this as unknown as { connection: pg.Connection }).connection
    stream.cork()
    process.nextTick(() => {
      this.#holds = false
      stream.uncork()
    })
  }
}

function isNamed(config: unknown): config is Config {
  return typeof config === 'object' && config !== null && 'name' in config && !('submit' in config)
}
