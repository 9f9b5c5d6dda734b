/**
 * Our browser sessions: who is signed in, where. Ids are random tokens of the caller and lie here as digests only;
 * idle and absolute end are judged at use. A child (the cookie of a dialect's own host) lives as long as its parent.
 * @module
 */
import type { AccountId, Clock } from '@labgate/contract'
import type { Cleanable } from './cleanup.ts'
import { createRowMemory, type RowMemory } from './row-memory.ts'
import type { KeyRing } from './sealing.ts'
import {
  childOf,
  digestOf,
  handleOf,
  isOver,
  type NewSession,
  rowOf,
  type SessionRow,
  type StoredSession,
  sealedUid,
  sessionOf,
  uidDigest,
} from './session-rows.ts'
import type { SqliteDatabase } from './sqlite.ts'
import type { Writer } from './writer.ts'

export type { NewSession, SessionRow } from './session-rows.ts'

/** The sessions of all browsers. */
export interface SessionStore {
  create(session: NewSession): Promise<SessionRow>
  /**
   * `undefined` when there is none or it is over: idle too long, past its end, or its parent is over. The same object as long
   * as nothing about it was written.
   */
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
}

export interface SessionNeeds {
  readonly database: SqliteDatabase
  readonly writer: Writer
  /** See `createOthers`. */
  readonly others: () => number
  readonly ring: KeyRing
  readonly clock: Clock
}

/** A row and what it says when it is opened, which is done once. */
interface Kept {
  readonly row: StoredSession
  readonly session: SessionRow
}

/** Most sessions kept in memory, about three kilobytes each with their owners. */
const keptSessions = 2500

/** How often a use is noted. */
export const touchMs = 60_000

/** Makes the session store on one database. */
export function createSessions(needs: SessionNeeds): SessionStore & Cleanable {
  return new SessionTable(needs)
}

class SessionTable implements SessionStore, Cleanable {
  readonly #writer: Writer
  readonly #ring: KeyRing
  readonly #clock: Clock
  readonly #statements: ReturnType<typeof prepare>
  readonly #memory: RowMemory<Kept>

  constructor({ database, writer, others, ring, clock }: SessionNeeds) {
    this.#writer = writer
    this.#ring = ring
    this.#clock = clock
    this.#statements = prepare(database)
    this.#memory = createRowMemory({
      ...{ database, writer, others },
      size: keptSessions,
      keyOf: ({ session }) => session.handle,
      nameOf: ({ row }) => row.provider_uid_digest?.toString('hex'),
    })
  }

  create(session: NewSession): Promise<SessionRow> {
    return this.#insert(rowOf(session, { digest: digestOf(session.id), now: this.#now(), ring: this.#ring }))
  }

  async find(id: string): Promise<SessionRow | undefined> {
    return this.#alive(this.#known(handleOf(id)))?.session
  }

  async touch(id: string): Promise<void> {
    const row = this.#alive(this.#known(handleOf(id)))?.row
    const at = this.#now()
    if (row !== undefined && at - row.last_seen_at >= touchMs) {
      await this.#write(() => {
        for (const digest of [row.digest, row.parent]) if (digest !== null) this.#memory.changed(digest.toString('hex'))
        this.#statements.touch.run({ digest: row.digest, parent: row.parent, at })
      })
    }
  }

  async bindProvider(id: string, providerUid: string): Promise<void> {
    const digest = digestOf(id)
    const uid = sealedUid(providerUid, digest, this.#ring)
    await this.#write(() => {
      const known = this.#memory.peek(digest.toString('hex'))
      if (known === undefined) this.#memory.changed(digest.toString('hex'))
      else this.#memory.wrote(this.#kept({ ...known.row, ...uid }))
      this.#statements.bindProvider.run({ digest, ...uid })
    })
  }

  async findByProviderUid(uid: string): Promise<SessionRow | undefined> {
    const digest = uidDigest(uid)
    this.#memory.refresh()
    const known = this.#memory.peekBy(digest.toString('hex'))
    return this.#alive(known ?? this.#read(this.#statements.getByProviderUid.get(digest)))?.session
  }

  async end(id: string): Promise<SessionRow | undefined> {
    // Most ids that are ended were never stored: a fresh one is thrown away at each sign-in.
    return this.#known(handleOf(id)) === undefined ? undefined : this.#write(() => this.#end(this.#row(digestOf(id))))
  }

  endByHandle(account: AccountId, handle: string): Promise<SessionRow | undefined> {
    return this.#write(() => {
      const row = this.#row(Buffer.from(handle, 'hex'))
      return row?.account === account ? this.#end(row) : undefined
    })
  }

  endByAccount(account: AccountId, options: { readonly exceptId?: string | undefined } = {}): Promise<SessionRow[]> {
    return this.#write(() => {
      const kept = options.exceptId === undefined ? undefined : this.#row(digestOf(options.exceptId))
      const root = kept?.parent ?? kept?.digest
      return this.#statements.listRoots
        .all(account)
        .filter((row) => root?.equals(row.digest) !== true)
        .flatMap((row) => this.#end(row) ?? [])
    })
  }

  async listByAccount(account: AccountId): Promise<SessionRow[]> {
    const rows = this.#statements.listRoots.all(account)
    return rows.flatMap((row) => (isOver(row, this.#now()) ? [] : [sessionOf(row, this.#ring)]))
  }

  async child(child: { parentHandle: string; id: string; host: string }): Promise<SessionRow | undefined> {
    const parent = this.#alive(this.#known(child.parentHandle))?.row
    const place = { digest: digestOf(child.id), host: child.host, now: this.#now() }
    return parent === undefined ? undefined : this.#insert(childOf(parent, place))
  }

  deleteExpired(limit: number): number {
    return this.#statements.deleteExpired.run({ now: this.#now(), limit }).changes
  }

  #now(): number {
    return this.#clock.now().getTime()
  }

  /** As it is stored, whatever is known of it. */
  #row(digest: Buffer): StoredSession | undefined {
    return this.#statements.get.get(digest)
  }

  /** By the digest in hexadecimal: most are in memory, where that is their name. */
  #known(handle: string): Kept | undefined {
    this.#memory.refresh()
    return this.#memory.peek(handle) ?? this.#read(this.#row(Buffer.from(handle, 'hex')))
  }

  #read(row: StoredSession | undefined): Kept | undefined {
    return row && this.#memory.read(this.#kept(row))
  }

  #kept(row: StoredSession): Kept {
    return { row, session: sessionOf(row, this.#ring) }
  }

  /** A child's own idleness does not count, only its root's. */
  #alive(kept: Kept | undefined): Kept | undefined {
    const parent = kept?.session.parent
    const root = parent === undefined ? kept : this.#known(parent)
    return root === undefined || isOver(root.row, this.#now()) ? undefined : kept
  }

  /** Who keeps a look at sessions asks here each time, and is told of all writes by the memory. */
  #write<T>(unit: () => T): Promise<T> {
    return this.#writer.run(unit, { quiet: true })
  }

  async #insert(row: StoredSession): Promise<SessionRow> {
    const kept = this.#kept(row)
    await this.#write(() => {
      this.#statements.insert.run(row)
      this.#memory.wrote(kept)
    })
    return kept.session
  }

  /** Inside the writer's turn. Children that are still known have no root any more. */
  #end(row: StoredSession | undefined): SessionRow | undefined {
    if (row === undefined) return undefined
    this.#memory.changed(row.digest.toString('hex'))
    this.#statements.deleteWithChildren.run({ digest: row.digest })
    return sessionOf(row, this.#ring)
  }
}

function prepare(database: SqliteDatabase) {
  return {
    get: database.prepare<[Buffer], StoredSession>('SELECT * FROM browser_session WHERE digest = ?'),
    getByProviderUid: database.prepare<[Buffer], StoredSession>(
      'SELECT * FROM browser_session WHERE provider_uid_digest = ? ORDER BY created_at DESC LIMIT 1',
    ),
    listRoots: database.prepare<[string], StoredSession>(
      'SELECT * FROM browser_session WHERE account = ? AND parent IS NULL ORDER BY last_seen_at DESC',
    ),
    insert: database.prepare<[StoredSession]>(
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
