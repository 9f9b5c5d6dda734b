/**
 * Our browser sessions: who is signed in, where. Ids are random tokens of the caller and lie here as digests only;
 * idle and absolute end are judged at use. A child (the cookie of a dialect's own host) lives as long as its parent.
 * @module
 */
import type { AccountId, Clock, Json } from '@labgate/contract'
import { digest, type KeyRing } from './sealing.ts'
import type { SqliteDatabase } from './sqlite.ts'
import type { Writer } from './writer.ts'

/** What a session is made from. */
export interface NewSession {
  /** A random token of at least 128 bits; it is not stored. */
  readonly id: string
  readonly account: AccountId
  /** The host whose cookie carries the id. */
  readonly host: string
  readonly idleSeconds: number
  /** The absolute end, whatever happens until then. */
  readonly endsAt: Date
  readonly remember: boolean
  /** RFC 8176 values. */
  readonly amr: readonly string[]
  readonly acr?: string | undefined
  /** When the person proved who they are. */
  readonly authTime: Date
  /** The sign-in's instance id and the identity's id. */
  readonly instance: string
  readonly identity: string
  readonly address: string
  readonly userAgent: string
  readonly data?: Json | undefined
  readonly providerUid?: string | undefined
}

/** A session as it stands. */
export interface SessionRow extends Omit<NewSession, 'id'> {
  /** A public name for lists and forms; it opens nothing. */
  readonly handle: string
  /** The parent's handle. */
  readonly parent: string | undefined
  readonly createdAt: Date
  readonly lastSeenAt: Date
}

/** The sessions of all browsers. */
export interface SessionStore {
  create(session: NewSession): Promise<SessionRow>
  /** `undefined` when there is none or it is over: idle too long, past its end, or its parent is over. */
  find(id: string): Promise<SessionRow | undefined>
  /** Notes that it was used, and its parent with it; writes at most once a minute. */
  touch(id: string): Promise<void>
  /** Notes the uid of the Provider's session that was made with it. */
  bindProvider(id: string, providerUid: string): Promise<void>
  findByProviderUid(uid: string): Promise<SessionRow | undefined>
  /** Ends it and its children; the answer says what was ended. */
  end(id: string): Promise<SessionRow | undefined>
  /** Ends the account's session with this public handle. */
  endByHandle(account: AccountId, handle: string): Promise<SessionRow | undefined>
  /** Ends all sessions of an account, but not the one with the id `exceptId` and its children. */
  endByAccount(account: AccountId, options?: { readonly exceptId?: string | undefined }): Promise<SessionRow[]>
  /** The account's live sessions, last used first; children are not listed. */
  listByAccount(account: AccountId): Promise<SessionRow[]>
  /** Makes a session on another host that dies with its parent; `undefined` when the parent is over. */
  child(child: {
    /** The parent's public handle: a dialect's host never sees the parent's id. */
    readonly parentHandle: string
    readonly id: string
    readonly host: string
  }): Promise<SessionRow | undefined>
  /** Deletes at most `limit` sessions past their end. Inside the writer's turn. */
  deleteExpired(limit: number): number
}

interface Row {
  readonly digest: Buffer
  readonly parent: Buffer | null
  readonly account: string
  readonly provider_uid_digest: Buffer | null
  readonly provider_uid: Buffer | null
  readonly host: string
  readonly created_at: number
  readonly last_seen_at: number
  readonly idle_seconds: number
  readonly ends_at: number
  readonly remember: number
  readonly amr: string
  readonly acr: string | null
  readonly auth_time: number
  readonly instance: string
  readonly identity: string
  readonly address: string
  readonly user_agent: string
  readonly data: Buffer | null
}

export interface SessionNeeds {
  readonly database: SqliteDatabase
  readonly writer: Writer
  readonly ring: KeyRing
  readonly clock: Clock
}

const dataPurpose = 'session-data'
const uidPurpose = 'session-provider-uid'
const touchMs = 60_000

/** Makes the session store on one database. */
export function createSessions(needs: SessionNeeds): SessionStore {
  return new SessionTable(needs)
}

class SessionTable implements SessionStore {
  readonly #writer: Writer
  readonly #ring: KeyRing
  readonly #clock: Clock
  readonly #statements: ReturnType<typeof prepare>

  constructor({ database, writer, ring, clock }: SessionNeeds) {
    this.#writer = writer
    this.#ring = ring
    this.#clock = clock
    this.#statements = prepare(database)
  }

  create(session: NewSession): Promise<SessionRow> {
    return this.#insert(rowOf(session, { digest: digestOf(session.id), now: this.#now(), ring: this.#ring }))
  }

  async find(id: string): Promise<SessionRow | undefined> {
    return this.#opened(this.#alive(this.#row(id)))
  }

  async touch(id: string): Promise<void> {
    const row = this.#alive(this.#row(id))
    const at = this.#now()
    if (row !== undefined && at - row.last_seen_at >= touchMs) {
      await this.#writer.run(() => this.#statements.touch.run({ digest: row.digest, parent: row.parent, at }))
    }
  }

  async bindProvider(id: string, providerUid: string): Promise<void> {
    const key = digestOf(id)
    const uid = sealedUid(providerUid, key, this.#ring)
    await this.#writer.run(() => this.#statements.bindProvider.run({ digest: key, ...uid }))
  }

  async findByProviderUid(uid: string): Promise<SessionRow | undefined> {
    return this.#opened(this.#alive(this.#statements.getByProviderUid.get(uidDigest(uid))))
  }

  async end(id: string): Promise<SessionRow | undefined> {
    // Most ids that are ended were never stored: a fresh one is thrown away at each sign-in.
    return this.#row(id) === undefined ? undefined : this.#writer.run(() => this.#end(this.#row(id)))
  }

  endByHandle(account: AccountId, handle: string): Promise<SessionRow | undefined> {
    return this.#writer.run(() => {
      const row = this.#statements.get.get(Buffer.from(handle, 'hex'))
      return row?.account === account ? this.#end(row) : undefined
    })
  }

  endByAccount(account: AccountId, options: { readonly exceptId?: string | undefined } = {}): Promise<SessionRow[]> {
    return this.#writer.run(() => {
      const kept = options.exceptId === undefined ? undefined : this.#row(options.exceptId)
      const root = kept?.parent ?? kept?.digest
      return this.#statements.listRoots
        .all(account)
        .filter((row) => root?.equals(row.digest) !== true)
        .flatMap((row) => this.#end(row) ?? [])
    })
  }

  async listByAccount(account: AccountId): Promise<SessionRow[]> {
    const rows = this.#statements.listRoots.all(account)
    return rows.flatMap((row) => this.#opened(this.#alive(row)) ?? [])
  }

  async child(child: { parentHandle: string; id: string; host: string }): Promise<SessionRow | undefined> {
    const parent = this.#alive(this.#statements.get.get(Buffer.from(child.parentHandle, 'hex')))
    const place = { digest: digestOf(child.id), host: child.host, now: this.#now() }
    return parent === undefined ? undefined : this.#insert(childOf(parent, place))
  }

  deleteExpired(limit: number): number {
    return this.#statements.deleteExpired.run({ now: this.#now(), limit }).changes
  }

  #now(): number {
    return this.#clock.now().getTime()
  }

  #row(id: string): Row | undefined {
    return this.#statements.get.get(digestOf(id))
  }

  /** A child's own idleness does not count, only its root's. */
  #alive(row: Row | undefined): Row | undefined {
    const root = row?.parent == null ? row : this.#statements.get.get(row.parent)
    return root === undefined || isOver(root, this.#now()) ? undefined : row
  }

  #opened(row: Row | undefined): SessionRow | undefined {
    return row === undefined ? undefined : sessionOf(row, this.#ring)
  }

  async #insert(row: Row): Promise<SessionRow> {
    await this.#writer.run(() => this.#statements.insert.run(row))
    return sessionOf(row, this.#ring)
  }

  /** Inside the writer's turn. */
  #end(row: Row | undefined): SessionRow | undefined {
    if (row !== undefined) {
      this.#statements.deleteWithChildren.run({ digest: row.digest })
    }
    return this.#opened(row)
  }
}

function prepare(database: SqliteDatabase) {
  return {
    get: database.prepare<[Buffer], Row>('SELECT * FROM browser_session WHERE digest = ?'),
    getByProviderUid: database.prepare<[Buffer], Row>(
      'SELECT * FROM browser_session WHERE provider_uid_digest = ? ORDER BY created_at DESC LIMIT 1',
    ),
    listRoots: database.prepare<[string], Row>(
      'SELECT * FROM browser_session WHERE account = ? AND parent IS NULL ORDER BY last_seen_at DESC',
    ),
    insert: database.prepare<[Row]>(
      `INSERT INTO browser_session (digest, parent, account, provider_uid_digest, provider_uid, host, created_at,
         last_seen_at, idle_seconds, ends_at, remember, amr, acr, auth_time, instance, identity, address, user_agent, data)
       VALUES (@digest, @parent, @account, @provider_uid_digest, @provider_uid, @host, @created_at,
         @last_seen_at, @idle_seconds, @ends_at, @remember, @amr, @acr, @auth_time, @instance, @identity, @address,
         @user_agent, @data)`,
    ),
    touch: database.prepare<[{ digest: Buffer; parent: Buffer | null; at: number }]>(
      'UPDATE browser_session SET last_seen_at = @at WHERE digest IN (@digest, @parent) AND last_seen_at < @at',
    ),
    bindProvider: database.prepare<[{ digest: Buffer; provider_uid: Buffer; provider_uid_digest: Buffer }]>(
      `UPDATE browser_session SET provider_uid = @provider_uid, provider_uid_digest = @provider_uid_digest
       WHERE digest = @digest`,
    ),
    deleteWithChildren: database.prepare<[{ digest: Buffer }]>(
      'DELETE FROM browser_session WHERE digest = @digest OR parent = @digest',
    ),
    deleteExpired: database.prepare<[{ now: number; limit: number }]>(
      `DELETE FROM browser_session WHERE digest IN
         (SELECT digest FROM browser_session WHERE ends_at <= @now ORDER BY ends_at LIMIT @limit)`,
    ),
  }
}

function isOver(row: Row, now: number): boolean {
  return row.ends_at <= now || row.last_seen_at + row.idle_seconds * 1000 <= now
}

function digestOf(id: string): Buffer {
  return digest('BrowserSession', id)
}

function uidDigest(uid: string): Buffer {
  return digest('provider-uid', uid)
}

function sealedUid(uid: string, place: Buffer, ring: KeyRing) {
  return { provider_uid: ring.seal(uid, uidPurpose, place), provider_uid_digest: uidDigest(uid) }
}

function rowOf(session: NewSession, place: { digest: Buffer; now: number; ring: KeyRing }): Row {
  const { digest: key, now, ring } = place
  const none = { provider_uid: null, provider_uid_digest: null }
  return {
    digest: key,
    parent: null,
    account: session.account,
    ...(session.providerUid === undefined ? none : sealedUid(session.providerUid, key, ring)),
    host: session.host,
    created_at: now,
    last_seen_at: now,
    idle_seconds: session.idleSeconds,
    ends_at: session.endsAt.getTime(),
    remember: Number(session.remember),
    amr: session.amr.join(' '),
    acr: session.acr ?? null,
    auth_time: session.authTime.getTime(),
    instance: session.instance,
    identity: session.identity,
    address: session.address,
    user_agent: session.userAgent,
    data: session.data === undefined ? null : ring.seal(JSON.stringify(session.data), dataPurpose, key),
  }
}

function childOf(parent: Row, place: { digest: Buffer; host: string; now: number }): Row {
  return {
    ...parent,
    digest: place.digest,
    // A child of a child hangs from the same root, so that ending the root reaches all.
    parent: parent.parent ?? parent.digest,
    host: place.host,
    created_at: place.now,
    last_seen_at: place.now,
    provider_uid: null,
    provider_uid_digest: null,
    data: null,
  }
}

function sessionOf(row: Row, ring: KeyRing): SessionRow {
  return {
    handle: row.digest.toString('hex'),
    parent: row.parent?.toString('hex'),
    account: row.account,
    host: row.host,
    createdAt: new Date(row.created_at),
    lastSeenAt: new Date(row.last_seen_at),
    idleSeconds: row.idle_seconds,
    endsAt: new Date(row.ends_at),
    remember: row.remember === 1,
    amr: row.amr === '' ? [] : row.amr.split(' '),
    acr: row.acr ?? undefined,
    authTime: new Date(row.auth_time),
    instance: row.instance,
    identity: row.identity,
    address: row.address,
    userAgent: row.user_agent,
    data: row.data === null ? undefined : (JSON.parse(ring.open(row.data, dataPurpose, row.digest).toString()) as Json),
    providerUid: row.provider_uid === null ? undefined : ring.open(row.provider_uid, uidPurpose, row.digest).toString(),
  }
}
