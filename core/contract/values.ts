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
  /**
   * A whole number for dialects that know people by one. Accounts, groups, datasets and terms share one sequence; a
   * number never changes and is never given again.
   */
  readonly numericId: number
  readonly state: AccountState
  readonly role: AccountRole
  /** Unique and immutable (`preferred_username`). */
  readonly username: string
  readonly displayName: string
  /** Contact address; `emailVerified` says whether a proof was seen. */
  readonly email: string | undefined
  readonly emailVerified: boolean
  /** Slugs of the groups, sorted; those an upstream brought are `INSTANCE:NAME`. */
  readonly groups: readonly string[]
  readonly kind: 'person' | 'service'
  /** Whom a service account belongs to. */
  readonly parent: AccountId | undefined
  /** When it was made. */
  readonly createdAt: Date
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
  /** Id of the API token that was presented, when it was one. */
  readonly tokenId?: string | undefined
  /** A name of the sign-in session it is in, on whichever host; it opens nothing. */
  readonly session?: string | undefined
}

/** Levels of access, each containing those before it. */
export type Level = 'view' | 'edit' | 'manage' | 'admin'

/** What is held on one dataset or version: the highest level, and named permissions beside the levels. */
export interface Held {
  readonly level: Level | undefined
  /** Sorted. */
  readonly permissions: readonly string[]
}

/**
 * What one account may do on one dataset. The entry with `version: undefined` speaks for the dataset and for every
 * version that has no entry of its own; an entry of a version speaks for that version alone and is complete: see `heldOn`.
 */
export interface GrantView extends Held {
  readonly dataset: string
  readonly version: string | undefined
  /** What would be held if every term of use were accepted. */
  readonly beforeTerms: Held
  /** Ids of the terms that stand between the two, sorted. */
  readonly missingTerms: readonly string[]
}

/** Terms of use that concern an account, accepted or still missing. */
export interface TermsView {
  readonly terms: string
  /** See `AccountView.numericId`. */
  readonly numericId: number
  readonly title: string
  /** The least number of the text whose acceptance counts. */
  readonly requiredNumber: number
  /** Number of the newest text. */
  readonly number: number
  readonly dataset: string | undefined
  readonly datasetNumericId: number | undefined
  readonly version: string | undefined
  /** Clients and dialect instances they are limited to; empty: everywhere. */
  readonly services: readonly string[]
  /** The newest acceptance that counts. */
  readonly acceptedAt: Date | undefined
}

/** A dataset as dialects may see it. */
export interface DatasetView {
  readonly slug: string
  /** See `AccountView.numericId`. */
  readonly numericId: number
  readonly title: string
  readonly description: string
  readonly visibility: 'listed' | 'hidden'
  /** Why it is closed for everybody, while it is. */
  readonly frozen: string | undefined
  readonly aliases: readonly string[]
  readonly versions: readonly { readonly version: string; readonly title: string }[]
  readonly places: readonly PlaceView[]
  /** Names by which services know it. */
  readonly tables: readonly { readonly namespace: string; readonly name: string }[]
}

/** Where data lie: a prefix of a bucket, of the whole dataset or of one version. */
export interface PlaceView {
  readonly dataset: string
  readonly version: string | undefined
  /** With its scheme: `gs://lab-bucket`. */
  readonly bucket: string
  /** Without a leading slash; `''`: the whole bucket. */
  readonly prefix: string
}

/** What is asked: may this account (or anyone, without one) do this? */
export interface AccessAsk {
  /** `undefined`: somebody who is not signed in. */
  readonly account: AccountId | undefined
  /** Slug or alias. */
  readonly dataset: string
  readonly version?: string | undefined
  /** A level, or the name of a permission. */
  readonly verb: string
  /** Client or dialect instance that asks: terms limited to it count too. */
  readonly service?: string | undefined
}

/** Why an answer is no: the first step that is missing. */
export type Missing =
  | { readonly step: 'account'; readonly state: AccountState | 'unknown' }
  | { readonly step: 'dataset'; readonly why: 'unknown' | 'unknown-version' | 'frozen' }
  | { readonly step: 'terms'; readonly terms: string; readonly title: string; readonly number: number }
  | { readonly step: 'not-yet'; readonly from: Date }
  | { readonly step: 'over'; readonly until: Date }
  | { readonly step: 'group'; readonly group: string }
  | {
      readonly step: 'fact'
      readonly claim: string
      /** Instance that could vouch, when the condition names one. */
      readonly via: string | undefined
      /** `stale`: it was seen, longer than `days` ago. */
      readonly why: 'absent' | 'other-value' | 'stale'
      readonly days: number | undefined
    }
  | { readonly step: 'sign-in' }
  | { readonly step: 'grant' }

/** The answer. */
export interface Decision {
  readonly allowed: boolean
  /** Absent when allowed. */
  readonly missing: Missing | undefined
  readonly revision: number
}

/** Everything an adapter may know about one account: the input of `project`. */
export interface Snapshot {
  readonly account: AccountView
  /** Of the account that a service account belongs to. */
  readonly parentNumericId: number | undefined
  readonly groups: readonly string[]
  /** Groups the account looks after. */
  readonly managedGroups: readonly string[]
  /** Sorted by dataset, then version, the dataset's own entry first. */
  readonly grants: readonly GrantView[]
  readonly terms: readonly TermsView[]
  readonly facts: readonly SourcedFact[]
  /** Differs after every change that could alter the snapshot. */
  readonly revision: number
}

/** What anyone may do who is not signed in. */
export type PublicSnapshot = Pick<Snapshot, 'grants' | 'revision'>
