/** What the pages for those who look after the lab show: groups, terms, service accounts, tokens, audit. @module */
import type { AccountState, Level } from '@labgate/contract'
import type { ConsoleFrameView, PagingView } from './views-console.ts'
import type { Post } from './views-parts.ts'

/** An account in a list: who it is, as far as it is still known. */
export interface WhoView {
  /** An account’s id, or the name of a part of the house. */
  readonly id: string
  /** Absent: there is no such account (any more). */
  readonly name?: string | undefined
  readonly username?: string | undefined
}

/** What somebody typed, by the names of the fields. */
export type Typed = Readonly<Record<string, string>>

interface InConsole {
  readonly frame: ConsoleFrameView
}

interface GroupsView extends InConsole {
  readonly paging: PagingView
  readonly groups: readonly GroupLine[]
  readonly isNewOffered: boolean
}

interface GroupLine {
  readonly slug: string
  readonly title: string
  readonly memberCount: number
  /** Who keeps it when it is not kept here. */
  readonly keeper?: string | undefined
}

interface GroupNewView extends InConsole {
  readonly post: Post
  readonly typed: Typed
}

interface GroupView extends InConsole {
  readonly group: GroupLine & { readonly description: string }
  readonly paging: PagingView
  readonly members: readonly (WhoView & {
    readonly email?: string | undefined
    readonly state: AccountState
    readonly isService: boolean
    readonly isManager: boolean
    /** What put them there, in words. */
    readonly sources: readonly string[]
    readonly since: Date
    readonly remove?: Post | undefined
  })[]
  readonly managers: readonly (WhoView & { readonly remove?: Post | undefined })[]
  /** Posts `account`. */
  readonly addMember?: Post | undefined
  /** Posts `account`. */
  readonly addManager?: Post | undefined
  /** Posts `title` and `description`. */
  readonly change?: Post | undefined
  /** Posts the slug once more as `typed`. */
  readonly remove?: Post | undefined
  readonly typed: Typed
}

interface TermsListView extends InConsole {
  readonly paging: PagingView
  readonly terms: readonly {
    readonly id: string
    readonly title: string
    readonly dataset: string | undefined
    readonly version: string | undefined
    readonly services: readonly string[]
    readonly number: number
    readonly isRetired: boolean
  }[]
}

interface TermsNewView extends InConsole {
  readonly post: Post
  readonly typed: Typed
  /** Those the person may choose from; `undefined`: any, and none. */
  readonly datasets: readonly string[] | undefined
  readonly services: readonly string[]
  /** Markdown to show as it will look. */
  readonly preview?: string | undefined
}

interface TermsOneView extends InConsole {
  readonly terms: TermsListView['terms'][number] & {
    readonly requiredNumber: number
    readonly markdown: string
    readonly isOfConfig: boolean
    readonly acceptAt: string
  }
  readonly texts: readonly {
    readonly number: number
    readonly digest: string
    readonly by: WhoView
    readonly at: Date
    /** Whether an acceptance of it still counts. */
    readonly counts: boolean
  }[]
  /** Posts `markdown`, `again` and `do` (`preview` or `publish`). */
  readonly publish?: Post | undefined
  readonly preview?: string | undefined
  /** Posts `title` and `services`. */
  readonly change?: Post | undefined
  readonly services: readonly string[]
  readonly retire?: Post | undefined
  readonly paging: PagingView
  readonly acceptances: readonly (WhoView & {
    readonly number: number
    readonly at: Date
    readonly address: string | undefined
    readonly counts: boolean
  })[]
  readonly csv: string
  readonly invitations: readonly InvitationView[]
  /** Posts `level`, `seats` and `until`. */
  readonly invite?: (Post & { readonly levels: readonly Level[] }) | undefined
  /** The link that was just made; shown this once. */
  readonly made?: string | undefined
  readonly typed: Typed
}

interface InvitationView {
  readonly id: string
  readonly level: Level | undefined
  readonly by: WhoView
  readonly at: Date
  readonly endsAt: Date | undefined
  readonly seats: number | undefined
  readonly used: number
  readonly state: 'open' | 'full' | 'over' | 'ended'
  readonly end?: Post | undefined
}

/** A token in a list. */
export interface TokenView {
  readonly id: string
  readonly name: string
  readonly hint: string
  readonly scopes: readonly string[]
  readonly at: Date
  readonly expiresAt: Date | undefined
  readonly lastUsedAt: Date | undefined
  readonly lastUsedAddress: string | undefined
  readonly state: 'active' | 'expired' | 'revoked'
  readonly owner?: (WhoView & { readonly href?: string | undefined }) | undefined
  readonly revoke?: Post | undefined
}

/** What a new token is made of. Posts `name`, `scope` (many) and `days`. */
export interface TokenMakeView extends Post {
  readonly scopes: readonly { readonly name: string; readonly description: string; readonly checked: boolean }[]
  /** Days it may live; `0`: until it is revoked. */
  readonly lives: readonly number[]
  readonly typed: Typed
}

/** A token that was just made; its value is shown this once. */
export interface TokenMadeView {
  readonly name: string
  readonly value: string
}

interface ClientsView extends InConsole {
  readonly clients: readonly {
    readonly id: string
    readonly name: string
    readonly source: 'config' | 'database' | 'registered'
    /** When it goes, unless it is used. */
    readonly endsAt?: Date | undefined
    readonly remove?: Post | undefined
  }[]
  /** Those that can still be used. */
  readonly invitations: readonly {
    readonly id: string
    readonly note: string
    readonly redirectHosts: readonly string[]
    readonly scopes: readonly string[]
    readonly used: number
    readonly uses: number
    readonly endsAt: Date
    readonly end: Post
  }[]
}

interface ClientNewView extends InConsole {
  /** Posts `preset`, `url`, `id`, `name`, `redirectUri` and `firstParty`. */
  readonly post: Post
  readonly presets: readonly { readonly name: string; readonly title: string; readonly text: string }[]
  readonly typed: Typed
}

interface ClientAddedView extends InConsole {
  readonly id: string
  readonly name: string
  readonly redirectUris: readonly string[]
  /** Where a browser may go after signing out. */
  readonly returns: readonly string[]
  readonly scopes: readonly string[]
  /** Which file of its own side the lines are for. */
  readonly file: string
  /** What to do with them. */
  readonly where: string
  /** With the secret in them; shown this once. */
  readonly lines: string
}

interface ServiceAccountsView extends InConsole {
  readonly paging: PagingView
  readonly accounts: readonly (ServiceLine & { readonly parent?: WhoView | undefined })[]
}

interface ServiceLine {
  readonly id: string
  readonly username: string
  readonly displayName: string
  readonly state: AccountState
}

interface ServiceAccountNewView extends InConsole {
  readonly post: Post
  readonly typed: Typed
}

interface ServiceAccountView extends InConsole {
  readonly account: ServiceLine & { readonly description: string; readonly createdAt: Date }
  readonly parent?: (WhoView & { readonly state: AccountState }) | undefined
  /** Posts `displayName`, `description` and `parent`. */
  readonly change: Post
  readonly turn: Post
  readonly paging: PagingView
  readonly tokens: readonly TokenView[]
  readonly make: TokenMakeView
  readonly made?: TokenMadeView | undefined
  readonly typed: Typed
}

interface TokensView extends InConsole {
  readonly paging: PagingView
  readonly state: string
  readonly tokens: readonly TokenView[]
}

interface AuditView extends InConsole {
  readonly filter: { readonly account: string; readonly type: string; readonly request: string }
  readonly types: readonly string[]
  readonly lines: readonly AuditLineView[]
  readonly first?: string | undefined
  readonly next?: string | undefined
}

/** One line of the trail. */
export interface AuditLineView {
  readonly id: number
  readonly at: Date
  readonly type: string
  readonly actor?: WhoView | undefined
  readonly account?: WhoView | undefined
  readonly client?: string | undefined
  readonly address?: string | undefined
  readonly requestId?: string | undefined
  /** What it was about, by name. */
  readonly about: readonly { readonly name: string; readonly value: string }[]
  /** What was other before: only what differs. */
  readonly changes: readonly {
    readonly name: string
    readonly before: string | undefined
    readonly after: string | undefined
  }[]
}

/** View name to its data. */
export interface PeopleConsoleViews {
  readonly 'console-groups': GroupsView
  readonly 'console-group-new': GroupNewView
  readonly 'console-group': GroupView
  readonly 'console-terms': TermsListView
  readonly 'console-terms-new': TermsNewView
  readonly 'console-terms-one': TermsOneView
  readonly 'console-clients': ClientsView
  readonly 'console-client-new': ClientNewView
  readonly 'console-client-added': ClientAddedView
  readonly 'console-service-accounts': ServiceAccountsView
  readonly 'console-service-account-new': ServiceAccountNewView
  readonly 'console-service-account': ServiceAccountView
  readonly 'console-tokens': TokensView
  readonly 'console-audit': AuditView
}
