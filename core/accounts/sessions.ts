/**
 * Browser sessions: the one truth of who is signed in. A row per browser, its cookie only a random id; it remembers
 * the Provider's session made with it, so that ending one ends the other.
 * @module
 */
import type { AccountId, Clock } from '@labgate/contract'
import { type SessionRow, type SessionStore, touchMs } from '../storage/sessions.ts'
import type { AccountRow, Accounts } from './accounts.ts'

/** What a finished sign-in says about the session to open. */
export interface SessionStart {
  readonly account: AccountId
  readonly instance: string
  readonly identity: string
  readonly amr: readonly string[]
  readonly acr: string | undefined
  readonly authTime: Date
  readonly remember: boolean
  readonly address: string
  readonly userAgent: string
  /** The Provider's session of this browser, when there was one already. */
  readonly providerUid: string | undefined
}

/** A living session with its owner. */
export interface BrowserSession extends SessionRow {
  readonly owner: AccountRow
}

/** A session that has ended, for those who must end what hangs on it. */
export interface Ended {
  readonly account: AccountId
  readonly providerUid: string | undefined
  /** `everything`: also grants that were meant to outlive the session (offline access). */
  readonly reach: 'session' | 'everything'
}

/**
 * Ends what hangs on a session, durably, while its row still stands: a crash between the two leaves somebody signed
 * in who can sign out again, never tokens that nobody can reach. The answer is what can wait until the row is gone.
 */
export type EndListener = (ended: Ended) => Promise<() => Promise<void>>

/** How long sessions last, in seconds. */
export interface Lifetimes {
  readonly idle: number
  readonly max: number
  readonly remember: number
}

/** Who is signed in where, and how that ends. */
export interface Sessions {
  start(id: string, start: SessionStart): Promise<void>
  /** The living session of a cookie, its account active; counts as use. */
  of(id: string | undefined): Promise<BrowserSession | undefined>
  bindProvider(id: string, providerUid: string): Promise<void>
  /** Opens a row on another host that dies with its parent; `false` when the parent is over. */
  openChild(child: { readonly id: string; readonly parentHandle: string; readonly host: string }): Promise<boolean>
  /** Forgets the row only, as when a new sign-in takes its place. */
  drop(id: string): Promise<void>
  /** Ends the session of a cookie, at the issuer or on a host of a dialect, with all that hangs on it. */
  end(id: string): Promise<void>
  endByHandle(account: AccountId, handle: string): Promise<void>
  endAll(account: AccountId, options?: { readonly exceptId?: string | undefined }): Promise<void>
  /** The Provider's session has ended by itself. */
  endByProvider(providerUid: string): Promise<void>
  list(account: AccountId): Promise<SessionRow[]>
  onEnd(listener: EndListener): void
  /** Seconds until the absolute end of a session begun now. */
  lifeSeconds(remember: boolean): number
}

/** What of a session is sealed, opened when somebody asks; a class, so that thousands of them share their getters. */
class Sealed implements Pick<SessionRow, 'data' | 'providerUid'> {
  readonly #row: SessionRow

  constructor(row: SessionRow) {
    this.#row = row
  }

  get data() {
    return this.#row.data
  }

  get providerUid() {
    return this.#row.providerUid
  }
}

/** All of a session with its owner. */
function ownedBy(row: SessionRow, owner: AccountRow): BrowserSession {
  const { handle, parent, account, host, createdAt, lastSeenAt, idleSeconds, endsAt, remember } = row
  const { amr, acr, authTime, instance, identity, address, userAgent } = row
  return Object.assign(new Sealed(row), {
    ...{ owner, handle, parent, account, host, createdAt, lastSeenAt, idleSeconds, endsAt, remember },
    ...{ amr, acr, authTime, instance, identity, address, userAgent },
  })
}

/** Makes the sessions on their store. */
export function createSessions(needs: {
  store: SessionStore
  accounts: Accounts
  clock: Clock
  lifetimes: Lifetimes
  host: string
}): Sessions {
  const { store, accounts, clock, lifetimes } = needs
  /** By the session as it stands, which is another object as soon as anything about it is written. */
  const owned = new WeakMap<SessionRow, BrowserSession>()
  const withOwner = (row: SessionRow, owner: AccountRow): BrowserSession => {
    const known = owned.get(row)
    if (known?.owner === owner) return known
    const session = ownedBy(row, owner)
    owned.set(row, session)
    return session
  }
  const listeners: EndListener[] = []
  const tell = async (rows: readonly SessionRow[], reach: Ended['reach']): Promise<(() => Promise<void>)[]> => {
    const left: (() => Promise<void>)[] = []
    for (const { account, providerUid } of rows)
      for (const listener of listeners) left.push(await listener({ account, providerUid, reach }))
    return left
  }
  const endThem = async (
    rows: readonly SessionRow[],
    reach: Ended['reach'],
    remove: () => Promise<readonly SessionRow[]>,
  ): Promise<void> => {
    const told = new Set(rows.map(({ providerUid }) => providerUid))
    const left = await tell(rows, reach)
    const removed = await remove()
    // The Provider's session may have been bound, or another one opened, in between.
    left.push(
      ...(await tell(
        removed.filter(({ providerUid }) => !told.has(providerUid)),
        reach,
      )),
    )
    for (const work of left) await work()
  }
  const listOf = <T>(one: T | undefined): T[] => (one === undefined ? [] : [one])
  const lifeSeconds: Sessions['lifeSeconds'] = (remember) => (remember ? lifetimes.remember : lifetimes.max)

  return {
    lifeSeconds,
    onEnd: (listener) => void listeners.push(listener),
    async start(id, start) {
      const now = clock.now()
      await store.create({
        id,
        host: needs.host,
        account: start.account,
        providerUid: start.providerUid,
        idleSeconds: start.remember ? lifeSeconds(true) : lifetimes.idle,
        endsAt: new Date(now.getTime() + lifeSeconds(start.remember) * 1000),
        remember: start.remember,
        amr: start.amr,
        acr: start.acr,
        authTime: start.authTime,
        instance: start.instance,
        identity: start.identity,
        address: start.address,
        userAgent: start.userAgent.slice(0, 300),
      })
    },
    async of(id) {
      if (id === undefined) return undefined
      const row = await store.find(id)
      if (!row) return undefined
      const owner = await accounts.acting(row.account)
      // Programs have tokens; nobody signs in as one.
      if (owner?.kind !== 'person') return undefined
      if (clock.now().getTime() - row.lastSeenAt.getTime() >= touchMs) await store.touch(id)
      return withOwner(row, owner)
    },
    bindProvider: (id, providerUid) => store.bindProvider(id, providerUid),
    openChild: async (child) => (await store.child(child)) !== undefined,
    drop: async (id) => void (await store.end(id)),
    async end(id) {
      const row = await store.find(id)
      if (row?.parent === undefined) return endThem(listOf(row), 'session', async () => listOf(await store.end(id)))
      // On a host of a dialect: the one at the issuer is the session, or the next page there signed them in again.
      const { account, parent } = row
      const root = (await store.listByAccount(account)).filter(({ handle }) => handle === parent)
      await endThem(root, 'session', async () => listOf(await store.endByHandle(account, parent)))
    },
    async endByHandle(account, handle) {
      const rows = (await store.listByAccount(account)).filter((row) => row.handle === handle)
      await endThem(rows, 'everything', async () => listOf(await store.endByHandle(account, handle)))
    },
    async endAll(account, options = {}) {
      const spared = options.exceptId === undefined ? undefined : await store.find(options.exceptId)
      const rows = (await store.listByAccount(account)).filter(({ handle }) => handle !== spared?.handle)
      await endThem(rows, 'everything', () => store.endByAccount(account, options))
    },
    async endByProvider(providerUid) {
      const row = await store.findByProviderUid(providerUid)
      if (row) await store.endByHandle(row.account, row.handle)
    },
    list: (account) => store.listByAccount(account),
  }
}
