/**
 * All that is ambient is handed in: clock, randomness, fetch, log, store, mail. A plugin touches nothing else.
 * @module
 */
import type { RouteAsk } from './authz.ts'
import type {
  AccessAsk,
  AccountId,
  AccountView,
  DatasetView,
  Decision,
  Json,
  PlaceView,
  PublicSnapshot,
  Snapshot,
  TermsView,
} from './values.ts'

/** What the time is; tests turn it. */
export interface Clock {
  now(): Date
}

/** Unguessable values from the system’s generator. */
export interface Random {
  bytes(length: number): Uint8Array
  /** 256 bits, base64url, 43 characters. */
  token(): string
  /** `length` decimal digits, uniformly distributed, leading zeros kept. */
  digits(length: number): string
}

/** Structured log. Secrets, tokens and codes never go into it. */
export interface Log {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void
  info(fields: Readonly<Record<string, unknown>>, message: string): void
  warn(fields: Readonly<Record<string, unknown>>, message: string): void
  error(fields: Readonly<Record<string, unknown>>, message: string): void
}

/** Small documents of one instance, sealed at rest. Keys of two instances never meet. */
export interface Store {
  get(key: string): Promise<Json | undefined>
  put(key: string, value: Json, ttlSeconds: number): Promise<void>
  /** Reads and deletes in one step: of any number of callers, exactly one gets the value. */
  take(key: string): Promise<Json | undefined>
  delete(key: string): Promise<void>
  /** `true` for the first caller within `ttlSeconds`, `false` for all others. */
  once(key: string, ttlSeconds: number): Promise<boolean>
  /** Adds one and returns the sum; the count is forgotten `ttlSeconds` after its first step. */
  count(key: string, ttlSeconds: number): Promise<number>
  /** Runs `work` while no other holder of `key` runs, on any process. */
  lock<T>(key: string, work: () => Promise<T>): Promise<T>
}

/** One message to one address. */
export interface Message {
  /** One strict address (RFC 5321 §4.1.2 without quoted local parts). */
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

/** Sends mail in the name of the site. */
export interface Mail {
  /** @throws Fault ERR_MAIL when the server did not take the message */
  send(message: Message): Promise<void>
}

/** A way to sign in, as adapters may list it. */
export interface SignIn {
  readonly id: string
  readonly plugin: string
  readonly label: string
}

/** What every instance may touch; everything ambient comes in here. */
export interface Context<Config = unknown> {
  /** The instance's id: in URLs, rows, logs, metrics. */
  readonly id: string
  readonly config: Config
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  /** Guarded: time-out, size cap, egress rules, metrics. Hand it to libraries as their custom fetch. */
  readonly fetch: typeof globalThis.fetch
  readonly store: Store
  /** A text of the plugin in `locale` (default English), `{name}` replaced by `values.name`. */
  text(key: string, values?: Readonly<Record<string, string | number>>, locale?: string): string
}

/** What a way to sign in may touch. */
export interface AuthContext<Config = unknown> extends Context<Config> {
  readonly mail: Mail
  /** Where the upstream sends the browser back to: the redirect URI to register there. */
  readonly redirectUri: URL
  /** The name deployers gave their Labgate, for mails and pages. */
  readonly siteName: string
}

/** What adapters may ask of accounts. */
export interface AccountsFace {
  find(id: AccountId): Promise<AccountView | undefined>
  findByUsername(username: string): Promise<AccountView | undefined>
  findByVerifiedEmail(email: string): Promise<AccountView | undefined>
  /** Whether the account may act at all, now. Asked by every door. */
  mayAct(id: AccountId): Promise<boolean>
  findByNumericId(id: number): Promise<AccountView | undefined>
  /** Those whose name, username or address contains `part`; at most 100, newest first. */
  search(part: string): Promise<readonly AccountView[]>
  /** People by number, without programs and without those that were merged away or erased. */
  people(ask: PeopleAsk): Promise<{ readonly accounts: readonly AccountView[]; readonly total: number }>
  /** All members of a group, by its number. */
  groupMembers(group: number): Promise<readonly GroupMember[] | undefined>
  /** By slug or number. */
  findGroup(group: string | number): Promise<GroupView | undefined>
  /** Groups of this site, no upstream's, whose slug or title contains `part`; at most 100, by slug. */
  searchGroups(part: string): Promise<readonly GroupView[]>
  /** Who looks after a person: their managers, by username; not the managers of those. */
  managers(id: AccountId): Promise<readonly AccountView[]>
}

/** A group as adapters may see it. */
export interface GroupView {
  readonly slug: string
  /** See `AccountView.numericId`. */
  readonly numericId: number
  readonly title: string
  readonly description: string
}

/** Which people, and which page of them. */
export interface PeopleAsk {
  readonly createdFrom?: Date | undefined
  readonly createdUntil?: Date | undefined
  /** How many to pass over. */
  readonly offset: number
  /** At most 1,000. */
  readonly limit: number
}

/** Somebody in a group. */
export interface GroupMember {
  readonly account: AccountView
  /** Whether they look after it. */
  readonly manages: boolean
}

/** An API token without its value. */
export interface TokenView {
  readonly id: string
  readonly account: AccountId
  readonly name: string
  /** The first characters of the value, to know it again. */
  readonly hint: string
  readonly scopes: readonly string[]
  readonly createdAt: Date
  readonly expiresAt: Date | undefined
  readonly lastUsedAt: Date | undefined
}

/** Who is at hand: the request that a handler answers. */
export type AtHand = Pick<RouteAsk, 'principal' | 'address' | 'requestId'>

/** API tokens of the person at hand. Nobody else's can be seen, made or revoked here. */
export interface TokensFace {
  /** Those that count now, newest first; at most 1,000. */
  list(who: AtHand): Promise<readonly TokenView[]>
  /**
   * The value is in this answer and nowhere else. One that is made by a token gets neither more scopes nor a longer life
   * than that; the scope of the admin API is never given.
   * @throws Fault ERR_INPUT, ERR_FORBIDDEN, ERR_CONFLICT (too many)
   */
  make(
    who: AtHand,
    token: { readonly name: string; readonly scopes: readonly string[]; readonly lifeSeconds?: number },
  ): Promise<{ readonly value: string; readonly token: TokenView }>
  /** `false` when they have no such token. */
  revoke(who: AtHand, id: string): Promise<boolean>
  /** The token of a value that counts now, if it is theirs. */
  find(who: AtHand, value: string): Promise<TokenView | undefined>
}

/** What somebody may look after, now. */
export interface RightsView {
  /** Whether they administer the site. */
  readonly admin: boolean
  /** Datasets held at `admin`. */
  readonly datasets: readonly string[]
  /** Datasets held at `manage` or more. */
  readonly managed: readonly string[]
  /** Groups they manage. */
  readonly groups: readonly string[]
  /** Whether there is anything at all. */
  readonly any: boolean
}

/** What an operation of the admin API is given: path parameters, query and body as its OpenAPI document says. */
export interface OperationInput {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | number | boolean>>
  readonly body?: Json
}

/**
 * The admin API in the name of who is at hand, for dialects that have an administration of their own: input is checked,
 * leave asked and every change audited as over HTTP. A token needs the scope `admin` besides the dialect's; a session
 * must be as fresh as the console wants it (`access.adminFreshness`) to change something.
 */
export interface AdminFace {
  rights(who: AtHand): Promise<RightsView>
  /**
   * Calls an operation by its `operationId` (`GET /api/admin/v1/openapi.json`); the answer is its JSON, `null` when it
   * has none.
   * @throws Fault ERR_INPUT, ERR_FORBIDDEN, ERR_NOT_FOUND, ERR_CONFLICT and whatever else the operation names
   */
  call(who: AtHand, operation: string, input?: OperationInput): Promise<Json>
}

/** What the person at hand changes of themselves. */
export interface SelfFace {
  /**
   * What is absent stays. The address must be one that a way to sign in of theirs vouches for; `null`: none any more.
   * @throws Fault ERR_INPUT, ERR_CONFLICT
   */
  change(
    who: AtHand,
    patch: { readonly displayName?: string | undefined; readonly email?: string | null | undefined },
  ): Promise<void>
}

/** What adapters may ask of access. */
export interface AccessFace {
  /**
   * Terms that are limited to services count where one of these asks: `where.service`, which is the instance itself
   * when a dialect does not name another.
   * @throws Fault ERR_NOT_FOUND when there is no such account
   */
  snapshot(id: AccountId, where?: { readonly service?: string | undefined }): Promise<Snapshot>
  anyone(where?: { readonly service?: string | undefined }): Promise<PublicSnapshot>
  /** `service` as in `snapshot`. */
  decide(ask: AccessAsk): Promise<Decision>
  /** Terms of the service itself, of no dataset, that the account has yet to accept; `service` as in `snapshot`. */
  missingTerms(ask: {
    readonly account: AccountId
    readonly service?: string | undefined
  }): Promise<readonly TermsView[]>
  /** By slug or alias, or by number. */
  dataset(name: string | number): Promise<DatasetView | undefined>
  /** The dataset behind a table of a service. */
  datasetOfTable(table: { readonly namespace: string; readonly name: string }): Promise<DatasetView | undefined>
  /** Places in a bucket such as `gs://lab-bucket`. */
  placesIn(bucket: string): Promise<readonly PlaceView[]>
  /** Which of these objects of a table anyone may see; ids are unsigned 64-bit integers. */
  publicRoots(table: {
    readonly namespace: string
    readonly name: string
    /** Absent: all there are. */
    readonly roots?: readonly bigint[]
  }): Promise<readonly bigint[]>
  /** Living terms of use by their number. */
  terms(id: number): Promise<{ readonly terms: string; readonly title: string } | undefined>
}

/** What a dialect may touch. */
export interface AuthzContext<Config = unknown> extends Context<Config> {
  readonly accounts: AccountsFace
  readonly access: AccessFace
  readonly tokens: TokensFace
  readonly admin: AdminFace
  readonly self: SelfFace
  readonly mail: Mail
  /** Where a person reads and accepts terms of use, and then comes back to `back`, a path of this instance's host. */
  termsUrl(terms: string, back: string): URL
  /**
   * Notes in the audit trail that something was given to an account (`dialect.issued`), under the id of the request.
   * Ids and short words only, never what was given. Rejects when it could not be kept: then do not give it.
   */
  noteIssue(issue: {
    readonly account: AccountId
    readonly ask: Pick<RouteAsk, 'requestId' | 'address'>
    readonly detail: Readonly<Record<string, string>>
  }): Promise<void>
  /** An absolute URL of this instance, on its own host and prefix. */
  url(path: string): URL
  signIns(): readonly SignIn[]
}

/** What a place to run may touch. */
export interface RunnerContext<Config = unknown> extends Context<Config> {
  /** Names this Labgate on an engine or host that several share: small letters and digits, never changing. Label with it. */
  readonly installation: string
}

export type { Json }
