/** What the console's pages about accounts show: people, those who wait, invitations by mail. @module */
import type { AccountRole, AccountState, Trust } from '@labgate/contract'
import type { ConsoleFrameView, PagingView } from './views-console.ts'
import type { AuditLineView, Typed, WhoView } from './views-console-people.ts'
import type { Post } from './views-parts.ts'

interface InConsole {
  readonly frame: ConsoleFrameView
}

interface PeopleView extends InConsole {
  readonly paging: PagingView
  readonly filter: { readonly state: string; readonly role: string; readonly kind: string }
  readonly people: readonly {
    readonly id: string
    readonly displayName: string
    readonly username: string
    readonly email?: string | undefined
    readonly state: AccountState | 'merged' | 'erased'
    readonly role: AccountRole
    readonly isService: boolean
    readonly lastSignIn?: Date | undefined
    readonly href: string
  }[]
}

/** One thing that a source says of a person. */
export interface FactView {
  readonly claim: string
  readonly value: string
  readonly trust: Trust
}

interface AccountView extends InConsole {
  readonly account: {
    readonly id: string
    readonly displayName: string
    readonly username: string
    readonly email?: string | undefined
    readonly emailVerified: boolean
    readonly state: AccountState | 'merged' | 'erased'
    readonly role: AccountRole
    readonly createdAt: Date
    readonly lastSignIn?: Date | undefined
    readonly erasedAt?: Date | undefined
    readonly mergedInto?: (WhoView & { readonly href: string }) | undefined
  }
  /** Where the decision about somebody who waits is made. */
  readonly waiting?: string | undefined
  /** Posts the state that it becomes. */
  readonly turn?: (Post & { readonly to: 'active' | 'deactivated' }) | undefined
  /** Posts `role`. */
  readonly setRole?: Post | undefined
  readonly facts: readonly (FactView & { readonly source: string; readonly at: Date })[]
  readonly identities: readonly {
    readonly method: string
    readonly issuer: string
    readonly subject: string
    readonly lastSeen: Date
    /** Absent: it stays, as it is the only way in. */
    readonly unlink?: Post | undefined
  }[]
  readonly sessions: readonly {
    readonly device: string
    readonly address: string
    readonly method: string
    readonly since: Date
    readonly lastSeen: Date
    readonly end: Post
  }[]
  /** Ends all of them, and what services got by them. */
  readonly signOut?: Post | undefined
  readonly groups: readonly {
    readonly slug: string
    readonly title: string
    readonly source: string
    readonly since: Date
    readonly remove?: Post | undefined
  }[]
  /** Posts `group`. */
  readonly addGroup?: Post | undefined
  /** Other rooms, with what they have of this account. */
  readonly links: readonly { readonly name: string; readonly count: number; readonly href: string }[]
  readonly history: readonly AuditLineView[]
  readonly historyAt: string
  readonly mergeAt?: string | undefined
  readonly exportIt?: Post | undefined
  /** Posts the username once more as `typed`. */
  readonly erase?: Post | undefined
  readonly typed: Typed
}

interface HistoryView extends InConsole {
  readonly person: { readonly name: string; readonly href: string }
  readonly lines: readonly AuditLineView[]
  readonly first?: string | undefined
  readonly next?: string | undefined
}

/** A heading and what stands under it. */
export interface MergeLine {
  /** Key of its name among the texts: `console.merge.identities`. */
  readonly name: string
  readonly items: readonly string[]
}

interface MergeView extends InConsole {
  readonly from: WhoView & { readonly href: string }
  /** What was typed for the other account. */
  readonly word: string
  readonly into?: (WhoView & { readonly href: string }) | undefined
  readonly moves: readonly MergeLine[]
  readonly ends: readonly MergeLine[]
  readonly stays: readonly MergeLine[]
  /** Why it cannot be done. */
  readonly refused?: string | undefined
  /** Posts the id of the other account as `into`. */
  readonly post?: Post | undefined
}

/** Somebody who waits. */
export interface WaitingLine {
  readonly who: WhoView
  readonly email?: string | undefined
  readonly emailVerified: boolean
  readonly since: Date
  readonly signIns: readonly {
    readonly method: string
    readonly subject: string
    readonly at: Date
    readonly facts: readonly FactView[]
  }[]
}

interface WaitingListView extends InConsole {
  readonly paging: PagingView
  readonly people: readonly (WaitingLine & { readonly href: string; readonly approve: Post })[]
}

/** Groups to choose from: boxes `group:SLUG`, and where there are more than fit a field `groups`. */
export interface GroupChoices {
  readonly offered: readonly { readonly slug: string; readonly title: string; readonly checked: boolean }[]
  readonly more: boolean
}

interface WaitingOneView extends InConsole {
  readonly person: WaitingLine
  /** Where they stand among all accounts. */
  readonly href: string
  readonly groups: GroupChoices
  /** Posts groups and `note`. */
  readonly approve: Post
  /** Posts `note`. */
  readonly turnDown: Post
  readonly typed: Typed
}

interface InvitationsView extends InConsole {
  readonly paging: PagingView
  readonly state: string
  readonly invitations: readonly {
    readonly id: string
    readonly email: string
    readonly role: AccountRole
    readonly groups: readonly string[]
    readonly note: string
    readonly by: WhoView
    readonly at: Date
    readonly endsAt: Date
    readonly acceptedBy?: WhoView | undefined
    readonly state: 'open' | 'accepted' | 'over' | 'ended'
    readonly resend?: Post | undefined
    readonly end?: Post | undefined
  }[]
  /** The link of one whose mail did not leave; shown this once. */
  readonly made?: { readonly email: string; readonly link: string } | undefined
}

interface InvitationNewView extends InConsole {
  /** Posts `email`, `role`, groups, `note` and `days`. */
  readonly post: Post
  readonly roles: readonly AccountRole[]
  readonly groups: GroupChoices
  readonly typed: Typed
}

/** View name to its data. */
export interface AccountConsoleViews {
  readonly 'console-people': PeopleView
  readonly 'console-person': AccountView
  readonly 'console-person-history': HistoryView
  readonly 'console-person-merge': MergeView
  readonly 'console-waiting': WaitingListView
  readonly 'console-waiting-one': WaitingOneView
  readonly 'console-invitations': InvitationsView
  readonly 'console-invitation-new': InvitationNewView
}
