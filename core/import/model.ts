/**
 * What another system holds, in our words. A source turns its tables into this and knows nothing of what is here; the
 * plan compares it with what is here and knows nothing of the source. Keys are the source's own, and stay. @module
 */
import type { Level } from '@labgate/contract'

/** Names a row at the source, for good: `17`. */
export type Key = string

/** Somebody. */
export interface FoundPerson {
  readonly key: Key
  /** What a sign-in must vouch for: an address in small letters, or its own id of the person. At least one. */
  readonly names: readonly string[]
  readonly email: string | undefined
  readonly displayName: string
  /** The whole number that services there know them by. */
  readonly number: number | undefined
  readonly state: 'active' | 'deactivated'
}

/** A service account. */
export interface FoundProgram {
  readonly key: Key
  readonly username: string
  readonly displayName: string
  readonly description: string
  readonly number: number | undefined
  readonly state: 'active' | 'deactivated'
  /** The person it belongs to. */
  readonly parent: Key | undefined
}

/** A group. */
export interface FoundGroup {
  readonly key: Key
  readonly slug: string
  readonly title: string
}

/** That somebody is in a group, or looks after it. */
export interface FoundMember {
  readonly group: Key
  readonly who: Holder & { readonly kind: 'person' | 'program' }
}

/** A dataset with all its parts. */
export interface FoundDataset {
  readonly key: Key
  readonly slug: string
  readonly title: string
  readonly description: string
  readonly aliases: readonly string[]
  readonly versions: readonly string[]
  readonly places: readonly {
    readonly version: string | undefined
    readonly bucket: string
    readonly prefix: string
  }[]
  readonly tables: readonly { readonly namespace: string; readonly name: string }[]
}

/** An object of a table that anyone may see. */
export interface FoundRoot {
  readonly namespace: string
  readonly name: string
  readonly root: string
}

/** Terms of use. */
export interface FoundTerms {
  readonly key: Key
  readonly id: string
  readonly title: string
  readonly markdown: string
  readonly dataset: Key
  readonly version: string | undefined
  readonly services: readonly string[]
}

/** That somebody accepted terms. */
export interface FoundAcceptance {
  readonly terms: Key
  readonly person: Key
  readonly at: Date | undefined
  readonly address: string | undefined
}

/** Whom a grant is for. */
export type Holder =
  | { readonly kind: 'person' | 'program' | 'group'; readonly key: Key }
  | { readonly kind: 'signed-in' }

/** A line of the ledger. */
export interface FoundGrant {
  readonly holder: Holder
  readonly dataset: Key
  readonly version: string | undefined
  /** Exactly one of `level` and `permission`. */
  readonly level: Level | undefined
  readonly permission: string | undefined
  /** Counts only while the holder is in this group. */
  readonly withinGroup: Key | undefined
}

/**
 * What whoever imports has to know. `lost`: has no place here and is left out. `mind`: reads differently here.
 * `do`: to be done by hand.
 */
export interface Note {
  readonly kind: 'lost' | 'mind' | 'do'
  readonly what: string
  /** Which ones. */
  readonly of: readonly string[]
}

/** All that a source holds. */
export interface Found {
  readonly people: readonly FoundPerson[]
  readonly programs: readonly FoundProgram[]
  readonly groups: readonly FoundGroup[]
  readonly members: readonly FoundMember[]
  readonly managers: readonly FoundMember[]
  readonly datasets: readonly FoundDataset[]
  readonly roots: readonly FoundRoot[]
  readonly terms: readonly FoundTerms[]
  readonly acceptances: readonly FoundAcceptance[]
  readonly grants: readonly FoundGrant[]
  readonly notes: readonly Note[]
  /** What must be mended at the source first: to leave it out would open what is closed there. */
  readonly problems: readonly string[]
}
