/** The audit trail: appended, read, never changed. @module */
import type { AccountId, Clock, Json } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { AuditEventEntity } from './entities.ts'
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

export interface AuditNeeds {
  readonly database: SqliteDatabase
  readonly writer: Writer
  readonly clock: Clock
}

/** Makes the trail on one database. */
export function createAudit({ database, writer, clock }: AuditNeeds): AuditTrail {
  const insert = database.prepare<[Omit<Row, 'id'>]>(
    `INSERT INTO audit_event (at, type, actor, account, client, address, request_id, detail)
     VALUES (@at, @type, @actor, @account, @client, @address, @request_id, @detail)`,
  )
  const select = database.prepare<[Record<string, unknown>], Row>(
    `SELECT * FROM audit_event
     WHERE (@account IS NULL OR account = @account) AND (@type IS NULL OR type = @type)
       AND (@before IS NULL OR id < @before)
     ORDER BY id DESC LIMIT @limit`,
  )
  const selectOfAccount = database.prepare<[Record<string, unknown>], Row>(
    `SELECT * FROM audit_event
     WHERE account = @account AND (@type IS NULL OR type = @type) AND (@before IS NULL OR id < @before)
     ORDER BY at DESC, id DESC LIMIT @limit`,
  )

  const selectOfRequest = database.prepare<[Record<string, unknown>], Row>(
    `SELECT * FROM audit_event
     WHERE request_id = @requestId AND (@account IS NULL OR account = @account) AND (@type IS NULL OR type = @type)
       AND (@before IS NULL OR id < @before)
     ORDER BY id DESC LIMIT @limit`,
  )
  // Two walks along an index each; as one condition they would be a walk through everything.
  const ofParty = (column: 'account' | 'actor') =>
    `SELECT * FROM (SELECT * FROM audit_event
       WHERE ${column} = @party AND (@type IS NULL OR type = @type) AND (@before IS NULL OR id < @before)
         AND (@requestId IS NULL OR request_id = @requestId)
       ORDER BY at DESC, id DESC LIMIT @limit)`
  const selectOfParty = database.prepare<[Record<string, unknown>], Row>(
    `${ofParty('account')} UNION ${ofParty('actor')} ORDER BY id DESC LIMIT @limit`,
  )
  const selectAbout = database.prepare<[Record<string, unknown>], Row>(
    `SELECT * FROM audit_event
     WHERE at BETWEEN @from AND @until AND json_extract(detail, '$.' || @name) = @value
     ORDER BY id DESC LIMIT @limit`,
  )

  return {
    append: async (event) => {
      const row = rowOf(event, clock.now().getTime())
      await writer.run(() => insert.run(row))
    },
    appendIn: async (em, { type, ...event }) => {
      await em.insert(AuditEventEntity, { ...definedOf(event), type, at: clock.now() })
    },
    list: async ({ account, party, type, before, requestId, limit }) => {
      const query = { account: account ?? null, type: type ?? null, before: before ?? null, limit }
      if (party !== undefined) return selectOfParty.all({ ...query, party, requestId: requestId ?? null }).map(lineOf)
      if (requestId !== undefined) return selectOfRequest.all({ ...query, requestId }).map(lineOf)
      return (account === undefined ? select : selectOfAccount).all(query).map(lineOf)
    },
    about: async ({ from, until, ...query }) =>
      selectAbout.all({ ...query, from: from.getTime(), until: until.getTime() }).map(lineOf),
  }
}

function rowOf(event: NewAuditEvent, at: number): Omit<Row, 'id'> {
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
