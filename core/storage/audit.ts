/** The audit trail: appended, read, never changed. @module */
import type { AccountId, Clock, Json } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { AuditEventEntity } from './entities.ts'
import type { Queries } from './query.ts'
import type { SqliteDatabase } from './sqlite.ts'
import type { Writer } from './writer.ts'

/** Something that happened. Never put a secret, a token or a code in `detail`. */
export interface NewAuditEvent {
  /** What happened, dotted: `session.ended`. */
  readonly type: string
  /** Who did it: an account id, `system`, or a command's name. */
  readonly actor?: AccountId | undefined
  /** Whom it concerns. */
  readonly account?: AccountId | undefined
  readonly client?: string | undefined
  readonly address?: string | undefined
  readonly requestId?: string | undefined
  readonly detail?: Json | undefined
}

/** A line of the trail. Ids grow with time. */
export interface AuditLine extends NewAuditEvent {
  readonly id: number
  readonly at: Date
}

export interface AuditQuery {
  /** Whom it concerns. */
  readonly account?: AccountId | undefined
  /** Whom it concerns or who did it; `account` is not looked at then. */
  readonly party?: AccountId | undefined
  readonly type?: string | undefined
  /** Only lines older than the one with this id. */
  readonly before?: number | undefined
  /** Only lines of this request: what an error page calls its reference. */
  readonly requestId?: string | undefined
  readonly limit: number
}

/** Lines about one thing, within a span of time, which keeps the reading short however long the trail is. */
export interface AuditAbout {
  /** The member of `detail` that names it: `grant`. */
  readonly name: string
  readonly value: string | number
  readonly from: Date
  readonly until: Date
  readonly limit: number
}

/** The trail of the installation. */
export interface AuditTrail {
  /** Settles when the line is durable. @throws Fault ERR_STORAGE when it could not be written */
  append(event: NewAuditEvent): Promise<void>
  /** Appends within an ORM transaction: the line is there exactly when the change is. */
  appendIn(em: EntityManager, event: NewAuditEvent): Promise<void>
  /** Newest first. */
  list(query: AuditQuery): Promise<AuditLine[]>
  /** Newest first. */
  about(query: AuditAbout): Promise<AuditLine[]>
}

interface Row {
  readonly id: number
  readonly at: number
  readonly type: string
  readonly actor: string | null
  readonly account: string | null
  readonly client: string | null
  readonly address: string | null
  readonly request_id: string | null
  readonly detail: string | null
}

/** A line as it is written. */
export type AuditRow = Omit<Row, 'id'>

export interface AuditNeeds {
  readonly database: SqliteDatabase
  readonly queries: Queries
  readonly writer: Writer
  readonly clock: Clock
}

/** Makes the trail on one database. */
export function createAudit({ database, queries, writer, clock }: AuditNeeds): AuditTrail {
  const insert = database.prepare<[AuditRow]>(insertLine)
  return createAuditTrail({
    clock,
    queries,
    append: async (row) => {
      // No answer depends on the trail.
      await writer.run(() => insert.run(row), { quiet: true })
    },
  })
}

/** What one line is written with. */
export const insertLine = `INSERT INTO audit_event (at, type, actor, account, client, address, request_id, detail)
  VALUES (@at, @type, @actor, @account, @client, @address, @request_id, @detail)`

// Casts say of what type a value is that may be null: PostgreSQL would not know.
const whose = '(cast(@account as text) IS NULL OR account = @account)'
const what = `(cast(@type as text) IS NULL OR type = @type) AND (cast(@before as bigint) IS NULL OR id < @before)`
const ofRequest = '(cast(@requestId as text) IS NULL OR request_id = @requestId)'
// Two walks along an index each; as one condition they would be a walk through everything.
const ofParty = (column: 'account' | 'actor') =>
  `SELECT * FROM (SELECT * FROM audit_event WHERE ${column} = @party AND ${what} AND ${ofRequest}
     ${column === 'actor' ? upon : ''} ORDER BY at DESC, id DESC LIMIT @limit) AS of_${column}`
// As the index of actors says it: what somebody did to themselves is found by whom it concerns.
const upon = 'AND actor IS NOT NULL AND (account IS NULL OR actor <> account)'

/** The reads by name, so that a test can ask how they would run. */
export const auditReads = {
  all: `SELECT * FROM audit_event WHERE ${whose} AND ${what} ORDER BY id DESC LIMIT @limit`,
  ofAccount: `SELECT * FROM audit_event WHERE account = @account AND ${what} ORDER BY at DESC, id DESC LIMIT @limit`,
  ofRequest: `SELECT * FROM audit_event WHERE request_id = @requestId AND ${whose} AND ${what}
     ORDER BY id DESC LIMIT @limit`,
  ofParty: `${ofParty('account')} UNION ${ofParty('actor')} ORDER BY id DESC LIMIT @limit`,
  about: `SELECT * FROM audit_event
     WHERE at BETWEEN @from AND @until AND cast(json_extract(detail, '$.' || cast(@name as text)) as text) = @value
     ORDER BY id DESC LIMIT @limit`,
}

type Named = readonly [Readonly<Record<string, unknown>>]

/** The trail on any database; `append` writes one line and settles when it is durable. */
export function createAuditTrail(needs: {
  readonly clock: Clock
  readonly queries: Queries
  append(row: AuditRow): Promise<void>
}): AuditTrail {
  const { clock, queries } = needs
  const all = queries.rows<Named, Row>(auditReads.all)
  const ofAccount = queries.rows<Named, Row>(auditReads.ofAccount)
  const ofOneRequest = queries.rows<Named, Row>(auditReads.ofRequest)
  const ofOneParty = queries.rows<Named, Row>(auditReads.ofParty)
  const about = queries.rows<Named, Row>(auditReads.about)
  const rowsOf = ({ account, party, type, before, requestId, limit }: AuditQuery): Promise<Row[]> => {
    const query = { account: account ?? null, type: type ?? null, before: before ?? null, limit }
    if (party !== undefined) return ofOneParty.all({ ...query, party, requestId: requestId ?? null })
    if (requestId !== undefined) return ofOneRequest.all({ ...query, requestId })
    return (account === undefined ? all : ofAccount).all(query)
  }
  return {
    append: async (event) => needs.append(rowOf(event, clock.now().getTime())),
    appendIn: async (em, { type, ...event }) => {
      await em.insert(AuditEventEntity, { ...definedOf(event), type, at: clock.now() })
    },
    list: async (query) => (await rowsOf(query)).map(lineOf),
    about: async ({ from, until, value, ...query }) => {
      const span = { from: from.getTime(), until: until.getTime() }
      return (await about.all({ ...query, ...span, value: String(value) })).map(lineOf)
    },
  }
}

function rowOf(event: NewAuditEvent, at: number): AuditRow {
  return {
    at,
    type: event.type,
    actor: event.actor ?? null,
    account: event.account ?? null,
    client: event.client ?? null,
    address: event.address ?? null,
    request_id: event.requestId ?? null,
    detail: event.detail === undefined ? null : JSON.stringify(event.detail),
  }
}

function lineOf(row: Row): AuditLine {
  return {
    id: row.id,
    at: new Date(row.at),
    type: row.type,
    ...definedOf({
      actor: row.actor ?? undefined,
      account: row.account ?? undefined,
      client: row.client ?? undefined,
      address: row.address ?? undefined,
      requestId: row.request_id ?? undefined,
      detail: row.detail === null ? undefined : (JSON.parse(row.detail) as Json),
    }),
  }
}

function definedOf<T extends Omit<NewAuditEvent, 'type'>>(event: T) {
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined)) as Omit<
    NewAuditEvent,
    'type'
  >
}
