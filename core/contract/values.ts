/**
 * The one vocabulary between sign-ins, dialects and runners: facts about a person, principals and what they may do.
 * @module
 */

/** A value that JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** An account's id: opaque, random, never reused; the `sub` of every token (OpenID Connect Core §2). */
export type AccountId = string

/** A claim's name: a registered one (`email`, `name`, `orcid`) or the deployer's own. */
export type ClaimName = string

/**
 * How we know a value. `verified`: the upstream vouches for it; `asserted`: it says so without a proof;
 * `self`: the person typed it there. A missing flag of the upstream means `self`.
 */
export type Trust = 'verified' | 'asserted' | 'self'

/** A value about a person, and how we know it. */
export interface Fact {
  readonly claim: ClaimName
  readonly value: Json
  readonly trust: Trust
}

/** A fact with the identity it came from and when it was last seen. */
export interface SourcedFact extends Fact {
  /** Id of the plugin instance that brought it. */
  readonly via: string
  readonly issuer: string
  readonly subject: string
  readonly at: Date
}

/** Whether an account may act: only `active` ones do. */
export type AccountState = 'pending' | 'active' | 'deactivated'
/** What an account may look after. */
export type AccountRole = 'user' | 'manager' | 'admin'

/** An account as adapters and pages may see it. */
export interface AccountView {
  readonly id: AccountId
  readonly state: AccountState
  readonly role: AccountRole
  /** Unique and immutable (`preferred_username`). */
  readonly username: string
  readonly displayName: string
  /** Contact address; `emailVerified` says whether a proof was seen. */
  readonly email: string | undefined
  readonly emailVerified: boolean
  /** Slugs of the groups, sorted. */
  readonly groups: readonly string[]
}

/** Who asks: a person or a service account, by session or by token. */
export interface Principal {
  readonly kind: 'person' | 'service'
  readonly account: AccountView
  readonly via: 'session' | 'token'
  /** Scopes of the token; a session has `['*']`. */
  readonly scopes: readonly string[]
  readonly authenticatedAt: Date
  /** RFC 8176 values. */
  readonly amr: readonly string[]
}

/** Levels of access, each containing those before it. */
export type Level = 'view' | 'edit' | 'manage' | 'admin'

/** What one account may do on one dataset (or one version of it). */
export interface GrantView {
  readonly dataset: string
  readonly version: string | undefined
  readonly level: Level | undefined
  readonly permissions: readonly string[]
}

/** Terms of use, accepted or still missing. */
export interface TermsView {
  readonly terms: string
  readonly version: number
  readonly acceptedAt: Date | undefined
}

/** Everything an adapter may know about one account: the input of `project`. */
export interface Snapshot {
  readonly account: AccountView
  readonly groups: readonly string[]
  readonly grants: readonly GrantView[]
  readonly terms: readonly TermsView[]
  readonly facts: readonly SourcedFact[]
  /** Grows with every change that could alter the snapshot. */
  readonly revision: number
}
