/** Browser sessions as rows: what of them is a digest, what is sealed, and when one is over. @module */
import type { AccountId, Json } from '@labgate/contract'
import { digest, digestText, type KeyRing } from './sealing.ts'

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

/** A row as it is stored. */
export interface StoredSession {
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

const dataPurpose = 'session-data'
const uidPurpose = 'session-provider-uid'

/** Idle too long, or past its end. */
export function isOver(row: StoredSession, now: number): boolean {
  return row.ends_at <= now || row.last_seen_at + row.idle_seconds * 1000 <= now
}

/** What stands for a session's id. */
export function digestOf(id: string): Buffer {
  return digest('BrowserSession', id)
}

/** The same in hexadecimal: a session's handle. */
export function handleOf(id: string): string {
  return digestText('BrowserSession', id)
}

/** What stands for a uid of the Provider's session. */
export function uidDigest(uid: string): Buffer {
  return digest('provider-uid', uid)
}

/** The Provider's uid as columns. */
export function sealedUid(uid: string, place: Buffer, ring: KeyRing) {
  return { provider_uid: apart(ring.seal(uid, uidPurpose, place)), provider_uid_digest: uidDigest(uid) }
}

/** A new session as a row. */
export function rowOf(session: NewSession, place: { digest: Buffer; now: number; ring: KeyRing }): StoredSession {
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
    data: session.data === undefined ? null : apart(ring.seal(JSON.stringify(session.data), dataPurpose, key)),
  }
}

/** Bytes that may be kept: Node cuts small ones from slabs of 64 KB, and whoever keeps one keeps its slab. */
function apart(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length)
  own.set(bytes)
  return own
}

/** A child on another host as a row. */
export function childOf(parent: StoredSession, place: { digest: Buffer; host: string; now: number }): StoredSession {
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

/** A row, opened: what of it is sealed when somebody asks, for most want to know no more than whether it lives. */
export function sessionOf(row: StoredSession, ring: KeyRing): SessionRow {
  return Object.assign(new Sealed(row, ring), {
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
  })
}

/** A class, for thousands are kept: V8 gives an object with getters of its own a table of its own, at three times the memory. */
class Sealed implements Pick<SessionRow, 'data' | 'providerUid'> {
  readonly #row: StoredSession
  readonly #ring: KeyRing
  #data: { readonly value: Json | undefined } | undefined
  #providerUid: { readonly value: string | undefined } | undefined

  constructor(row: StoredSession, ring: KeyRing) {
    this.#row = row
    this.#ring = ring
  }

  get data(): Json | undefined {
    const text = this.#data === undefined ? this.#open(this.#row.data, dataPurpose) : undefined
    this.#data ??= { value: text === undefined ? undefined : (JSON.parse(text) as Json) }
    return this.#data.value
  }

  get providerUid(): string | undefined {
    this.#providerUid ??= { value: this.#open(this.#row.provider_uid, uidPurpose) }
    return this.#providerUid.value
  }

  #open(box: Buffer | null, purpose: string): string | undefined {
    return box === null ? undefined : this.#ring.open(box, purpose, this.#row.digest).toString()
  }
}
