/** Who changes something here, and what: the words in which leave is asked. @module */
import type { AccountId, AccountRole, Level } from '@labgate/contract'

/** Who changes something: an account with where it sat, or the house itself (`config`, `labgate grant add`), which needs no leave. */
export type Actor =
  | {
      readonly kind: 'account'
      readonly account: AccountId
      readonly address?: string | undefined
      readonly requestId?: string | undefined
    }
  | { readonly kind: 'system'; readonly name: string }

/** What is to be changed. */
export type Act =
  | { readonly on: 'dataset'; readonly do: 'create' | 'remove' }
  | { readonly on: 'dataset'; readonly do: 'change'; readonly dataset: string }
  /** Its aliases, places and tables: what services take for it. Whoever chooses them could claim somebody else's data. */
  | { readonly on: 'dataset'; readonly do: 'bind'; readonly dataset: string }
  | {
      readonly on: 'grant'
      readonly do: 'add' | 'end'
      readonly dataset: string
      readonly level: Level | undefined
      /** As `formatSubject` writes it. */
      readonly subject: string
      /** The group within which the grant counts. */
      readonly withinGroup: string | undefined
    }
  /** Terms without a dataset are the site's. */
  | { readonly on: 'terms'; readonly dataset: string | undefined }
  | { readonly on: 'group'; readonly do: 'create' | 'change' | 'remove' | 'managers'; readonly group: string }
  | { readonly on: 'group'; readonly do: 'members'; readonly group: string }
  /** `parent`: whom it belongs to. */
  | { readonly on: 'service-account'; readonly parent: AccountId | undefined }
  /** `account`: whose token. */
  | { readonly on: 'token'; readonly account: AccountId }
  | { readonly on: 'request'; readonly dataset: string }
  /** What a person says of themselves. */
  | { readonly on: 'profile'; readonly account: AccountId }
  /** What an invitation by mail gives. */
  | { readonly on: 'invitation'; readonly role: AccountRole; readonly groups: readonly string[] }

/** Gives leave, or throws. @throws Fault ERR_FORBIDDEN saying who could do it */
export type Authorise = (actor: Actor, act: Act) => Promise<void>

/** As the audit trail and `grantedBy` name an actor: an account's id, or the system's name. */
export function actorName(actor: Actor): string {
  return actor.kind === 'account' ? actor.account : actor.name
}

/** The source of a row that an actor makes. */
export function sourceOf(actor: Actor): 'database' | 'config' | 'import' {
  return actor.kind === 'system' && (actor.name === 'config' || actor.name === 'import') ? actor.name : 'database'
}

/** One page of a long list. */
export interface Paged<T> {
  readonly rows: readonly T[]
  /** How many there are in all. */
  readonly total: number
  /** Handed in as `after` it gives the next page; absent on the last. */
  readonly next: string | undefined
}

/** Which page is wanted. */
export interface PageAsk {
  readonly search?: string | undefined
  readonly after?: string | undefined
  /** At most 1,000. */
  readonly limit: number
}

/** The limit of a page within its bounds, whatever was asked for. */
export function pageLimit({ limit }: Pick<PageAsk, 'limit'>): number {
  return Number.isFinite(limit) ? Math.min(1000, Math.max(1, Math.trunc(limit))) : 1000
}

/** Part of a text, as `lower(column) like ? escape '\\'` wants it: wildcards in it are letters. */
export function partOf(search: string): string {
  return `%${search.toLowerCase().replaceAll(/[%_\\]/g, '\\$&')}%`
}
