/** What the pages for those who look after the lab show: datasets, grants, requests and explanations. @module */
import type { Level } from '@labgate/contract'
import type { ConsoleField, ConsoleForm, ConsoleFrameView, PagingView } from './views-console.ts'
import type { AuditLineView } from './views-console-people.ts'
import type { Notice, Post } from './views-parts.ts'

interface InConsole {
  readonly frame: ConsoleFrameView
}

/** The first page of the console. */
export interface ConsoleHomeView extends InConsole {
  /** Names are keys of texts under `console.home`. */
  readonly cards: readonly { readonly name: string; readonly count: number; readonly href: string }[]
  readonly shortcuts: readonly { readonly name: string; readonly href: string }[]
}

interface DatasetsView extends InConsole {
  readonly paging: PagingView
  readonly datasets: readonly {
    readonly slug: string
    readonly title: string
    readonly href: string
    readonly isHidden: boolean
    readonly isFrozen: boolean
    readonly ofConfig: boolean
    readonly versions: number
  }[]
  readonly isNewOffered: boolean
}

interface DatasetNewView extends InConsole {
  readonly form: ConsoleForm
}

/** A word about somebody or something, with where more of it stands. */
export interface LinkView {
  readonly label: string
  readonly href?: string | undefined
}

interface DatasetView extends InConsole {
  readonly dataset: {
    readonly slug: string
    readonly title: string
    readonly description: string
    readonly isHidden: boolean
    readonly frozen: string | undefined
    readonly aliases: readonly string[]
    readonly versions: readonly {
      readonly version: string
      readonly title: string
      readonly places: readonly string[]
    }[]
    /** Of the dataset as a whole. */
    readonly places: readonly string[]
    readonly tables: readonly string[]
    readonly ofConfig: boolean
    readonly createdAt: Date
    readonly updatedAt: Date
  }
  readonly admins: readonly LinkView[]
  readonly moreAdmins: boolean
  readonly terms: readonly (LinkView & { readonly isRetired: boolean; readonly version: string | undefined })[]
  readonly grants: { readonly count: number; readonly href: string }
  readonly requests?: { readonly count: number; readonly href: string } | undefined
  readonly roots?: string | undefined
  readonly addGrant: string
  readonly nameAdmin?: string | undefined
  readonly addTerms?: string | undefined
  readonly facts?: ConsoleForm | undefined
  /** Whether the form comes again with what was typed. */
  readonly isFactsOpen: boolean
  readonly freeze?: ConsoleForm | undefined
  readonly open?: Post | undefined
  readonly remove?: Post | undefined
}

interface RootsView extends InConsole {
  readonly dataset: { readonly slug: string; readonly title: string; readonly href: string; readonly ofConfig: boolean }
  readonly paging: PagingView
  readonly roots: readonly {
    readonly table: string
    readonly root: string
    readonly by: LinkView
    readonly at: Date
    readonly remove?: Post | undefined
  }[]
  readonly hasTables: boolean
  readonly change?: ConsoleForm | undefined
}

/** A line of the ledger in words. */
export interface GrantLineView {
  readonly id: number
  readonly href?: string | undefined
  readonly who: LinkView
  /** What kind of holder it is, as a key under `console.subjects`. */
  readonly kind: string
  readonly dataset: LinkView
  readonly version: string | undefined
  readonly level: Level | undefined
  readonly permission: string | undefined
  /** Every condition in words. */
  readonly conditions: readonly string[]
  readonly state: 'current' | 'ahead' | 'over' | 'ended'
  readonly ofConfig: boolean
  readonly at: Date
}

interface GrantsView extends InConsole {
  readonly paging: PagingView
  readonly filters: readonly ConsoleField[]
  readonly grants: readonly GrantLineView[]
  /** Where to add one, with the dataset of the filter. */
  readonly add: string
}

interface GrantNewView extends InConsole {
  readonly post: Post
  readonly who: readonly ConsoleField[]
  readonly what: readonly ConsoleField[]
  readonly conditions: readonly ConsoleField[]
  readonly hasConditions: boolean
  readonly why: ConsoleField
}

interface GrantView extends InConsole {
  readonly grant: GrantLineView & {
    readonly by: LinkView
    readonly why: string
    readonly source: string
    readonly endedAt: Date | undefined
    readonly endedBy: LinkView | undefined
  }
  readonly end?: Post | undefined
  readonly trail: readonly (Pick<AuditLineView, 'id' | 'at' | 'type' | 'address' | 'requestId'> & {
    readonly by: LinkView
  })[]
  readonly explain?: string | undefined
}

/** A request for access in a list. */
export interface RequestLineView {
  readonly id: number
  readonly who: LinkView
  readonly dataset: LinkView
  readonly version: string | undefined
  readonly level: Level
  readonly why: string
  readonly state: 'open' | 'granted' | 'refused' | 'withdrawn'
  readonly at: Date
  readonly decidedAt: Date | undefined
  readonly decidedBy: LinkView | undefined
  readonly note: string
  readonly grant?: ConsoleForm | undefined
  readonly refuse?: ConsoleForm | undefined
  /** Which of the two comes again with what was typed. */
  readonly isOpen?: 'grant' | 'refuse' | undefined
}

interface RequestsView extends InConsole {
  readonly paging: PagingView
  readonly filters: readonly ConsoleField[]
  readonly requests: readonly RequestLineView[]
}

interface ExplainView extends InConsole {
  readonly fields: readonly ConsoleField[]
  /** Posts nothing: the question stands in the address. */
  readonly event: ConsoleField
  readonly problem?: Notice | undefined
  readonly refused?:
    | {
        readonly at: Date
        readonly who: LinkView
        readonly code: string
        readonly detail: string
        /** About no dataset, as at sign-in: no answer of now stands below. */
        readonly isBare?: true
      }
    | undefined
  readonly answer?:
    | {
        readonly allowed: boolean
        readonly question: string
        readonly words: readonly string[]
        readonly lines: readonly (GrantLineView & { readonly counts: boolean; readonly missing: readonly string[] })[]
        readonly terms: readonly (LinkView & {
          readonly acceptedAt: Date | undefined
          readonly services: readonly string[]
          readonly number: number
        })[]
        readonly wire: readonly { readonly id: string; readonly plugin: string; readonly json: string }[]
      }
    | undefined
}

/** View name to its data. */
export interface LedgerConsoleViews {
  readonly 'console-home': ConsoleHomeView
  readonly 'console-datasets': DatasetsView
  readonly 'console-dataset-new': DatasetNewView
  readonly 'console-dataset': DatasetView
  readonly 'console-roots': RootsView
  readonly 'console-grants': GrantsView
  readonly 'console-grant-new': GrantNewView
  readonly 'console-grant': GrantView
  readonly 'console-requests': RequestsView
  readonly 'console-explain': ExplainView
}
