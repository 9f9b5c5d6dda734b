/** What the pages of a person’s own access and tokens show. @module */
import type { Level } from '@labgate/contract'
import type { PagingView } from './views-console.ts'
import type { TokenMadeView, TokenMakeView, TokenView } from './views-console-people.ts'
import type { Notice, Post } from './views-parts.ts'

/** Something that stands between a person and access, and where to mend it. */
export interface MissingView {
  readonly text: string
  readonly link?: { readonly label: string; readonly href: string } | undefined
}

/** One dataset that a person holds something on. */
export interface MyDatasetView {
  readonly title: string
  /** Its own page. */
  readonly href: string
  /** Versions that are spoken for; empty: the whole dataset. */
  readonly version: string | undefined
  /** What counts now: a level or the names of permissions; absent: nothing yet. */
  readonly holds: string | undefined
  readonly missing: readonly MissingView[]
}

/** A request for access, as the person who made it sees it. */
export interface MyRequestView {
  readonly dataset: string
  readonly version: string | undefined
  readonly level: Level
  readonly state: 'open' | 'granted' | 'refused' | 'withdrawn'
  readonly at: Date
  readonly note: string
  readonly withdraw?: Post | undefined
}

/** What may I see. */
export interface MyAccessView {
  readonly now: Date
  readonly message?: Notice | undefined
  readonly mine: readonly MyDatasetView[]
  readonly requests: readonly MyRequestView[]
  readonly terms: readonly {
    readonly title: string
    readonly href: string
    readonly acceptedAt: Date | undefined
  }[]
  /** Datasets that are listed for everybody. */
  readonly others: readonly { readonly title: string; readonly text: string; readonly href: string }[]
  readonly paging: PagingView
}

/** Why, for one dataset. */
export interface MyDatasetPageView {
  readonly now: Date
  readonly message?: Notice | undefined
  readonly dataset: { readonly title: string; readonly slug: string; readonly description: string }
  /** Links to the answers for each version; the first is the dataset as a whole. */
  readonly versions: readonly { readonly label: string; readonly href: string; readonly current: boolean }[]
  readonly answers: readonly { readonly level: Level; readonly allowed: boolean; readonly words: readonly string[] }[]
  readonly next: readonly MissingView[]
  /** Lines of the ledger that speak of this person. */
  readonly lines: readonly {
    readonly text: string
    readonly why: string
    readonly counts: boolean
    readonly since: Date
  }[]
  readonly request?: MyRequestView | undefined
  /** Posts `level` and `why`. */
  readonly ask?: (Post & { readonly levels: readonly Level[]; readonly why: string }) | undefined
}

/** A person’s API tokens. */
export interface MyTokensView {
  readonly now: Date
  readonly message?: Notice | undefined
  readonly tokens: readonly TokenView[]
  readonly paging: PagingView
  readonly make: TokenMakeView
  readonly made?: TokenMadeView | undefined
  /** The sign-in is too old to make one. */
  readonly signInAgain: boolean
}

/** One line of a person's history. */
export interface HistoryLineView {
  readonly at: Date
  /** Kind of event with dashes for dots: `sign-in-done`. */
  readonly what: string
  readonly by: 'self' | 'other'
  /** Services, ways in, groups. */
  readonly about: readonly string[]
  readonly address: string | undefined
}

/** What happened to a person's account; posts `take` to get everything that is kept. */
export interface MyHistoryView {
  readonly now: Date
  readonly lines: readonly HistoryLineView[]
  readonly first?: string | undefined
  readonly next?: string | undefined
  readonly take: Post
}

/** View name to its data. */
export interface PersonViews {
  readonly tokens: MyTokensView
  readonly 'my-access': MyAccessView
  readonly 'my-history': MyHistoryView
  readonly 'my-dataset': MyDatasetPageView
}
