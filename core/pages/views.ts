/**
 * The data of every page: one entry a view, named like its template. A caller hands over data only;
 * words come from `texts/`, markup from `templates/`. All strings are plain text and are escaped when rendered.
 * @module
 */
import type { AccountRole, Form, Page } from '@labgate/contract'
import type { AccountConsoleViews } from './views-console-accounts.ts'
import type { LedgerConsoleViews } from './views-console-ledger.ts'
import type { PeopleConsoleViews } from './views-console-people.ts'
import type { WorkspaceConsoleViews } from './views-console-workspaces.ts'
import type { DeviceViewsOfPages } from './views-device.ts'
import type { InvitedViews } from './views-invited.ts'
import type { ClientView, Notice, Post } from './views-parts.ts'
import type { PersonViews } from './views-person.ts'
import type { ProfileViews } from './views-profile.ts'
import type { SandboxViews } from './views-sandbox.ts'
import type { TermsViews } from './views-terms.ts'
import type { WorkspaceViews } from './views-workspaces.ts'

export type { ClientView, Notice, Post } from './views-parts.ts'

export interface PersonView {
  readonly displayName: string
  readonly email?: string | undefined
}

/** One way to sign in, as the chooser shows it. */
export interface MethodView {
  readonly id: string
  readonly label: string
  /** A data URI of an image: see `iconUri`. */
  readonly icon?: string | undefined
  readonly hint?: string | undefined
  readonly action: string
  /** Fields asked on the chooser itself. */
  readonly form?: Form | undefined
  /** Why it cannot be used now; the button is then shown as text. */
  readonly unavailable?: string | undefined
}

/**
 * The first page of a sign-in.
 * Buttons without fields share one form and name their address in `formaction`, so that one "keep me signed in" box
 * (posted as `remember=on`) holds for all of them; the first method that asks no password joins that form with its fields.
 */
export interface ChooserView {
  readonly client: ClientView | undefined
  readonly message?: Notice | undefined
  readonly methods: readonly MethodView[]
  /** For every form of the methods. */
  readonly csrf: string
  /** Whether to offer "keep me signed in", and for how many days. */
  readonly remember?: { readonly days: number; readonly checked?: boolean } | undefined
  readonly continueAs?: (PersonView & Post) | undefined
  readonly cancel?: Post | undefined
  /** Id of the method this browser used last. */
  readonly lastUsed?: string | undefined
}

/** A form of a plugin within a sign-in. */
export interface StepView extends Post {
  readonly form: Form
  /** Label of the way to sign in it belongs to. */
  readonly instance: string
  readonly client?: ClientView | undefined
  readonly back?: Post | undefined
}

/** A short page of a plugin; `post` is where its form goes. */
export interface PluginPageView {
  readonly page: Page
  readonly post?: Post | undefined
}

export interface ContinueAsView {
  readonly account: PersonView
  readonly client: ClientView | undefined
  readonly go: Post
  readonly switch: Post
}

export interface ScopeView {
  /** The scope value that is posted: `scope=<name>`. */
  readonly name: string
  readonly title: string
  readonly description?: string | undefined
  /** What the relying party would see today. */
  readonly claims: readonly { readonly claim: string; readonly preview: string | undefined }[]
  /** The person may leave it out: shown as a checked box. */
  readonly optional: boolean
}

/** Posts `decision=allow` and one `scope` for each optional scope that stays checked. */
export interface ConsentView extends Post {
  readonly client: ClientView
  readonly account: PersonView
  readonly scopes: readonly ScopeView[]
  readonly cancel: Post
}

/** A new way to sign in whose verified e-mail address belongs to somebody's account already. */
export interface LinkOrNewView {
  /** Label of the way to sign in that was just used. */
  readonly instance: string
  readonly email: string
  /** Ways that are known to open the existing account. */
  readonly existing: readonly (Post & {
    readonly label: string
    readonly icon?: string | undefined
  })[]
  readonly fresh?: Post | undefined
  readonly cancel?: Post | undefined
}

/** Title and advice are looked up by `code` when they are not given. */
export interface ErrorView {
  readonly code: string
  readonly requestId: string
  readonly title?: string | undefined
  /** Words for the person; without them the page says only that something went wrong here. */
  readonly message?: string | undefined
  readonly whatToDo?: string | undefined
  readonly retryAfterSeconds?: number | undefined
  readonly restart?: { readonly label?: string; readonly href: string } | undefined
}

/** The account waits for approval. */
export interface WaitingView {
  readonly account: PersonView
  readonly client?: ClientView | undefined
  /** An e-mail address, or a link. */
  readonly contact?: string | undefined
  readonly signOut?: Post | undefined
}

/** Admission said no. */
export interface RefusedView {
  /** Label of the way to sign in that was used. */
  readonly instance?: string | undefined
  readonly reason: string
  /** The rule that decided, in words. */
  readonly rule?: string | undefined
  readonly contact?: string | undefined
  readonly code: string
  readonly requestId?: string | undefined
  readonly tryOther?: string | undefined
}

export interface SignedOutView {
  readonly client?: ClientView | undefined
  /** Where the upstream's own session can be ended. */
  readonly upstream?: { readonly label: string; readonly href: string } | undefined
  readonly signIn?: string | undefined
}

export interface SignOutConfirmView extends Post {
  readonly client?: ClientView | undefined
  readonly account?: PersonView | undefined
  /** What the other button posts or, without it, where it leads. */
  readonly stay?: Post | undefined
}

export interface IdentityView {
  /** Label of the instance. */
  readonly instance: string
  readonly icon?: string | undefined
  /** What the person recognises: a login name, an address, an ORCID iD. */
  readonly subject: string
  readonly lastSeen: Date
  /** Absent: it cannot be unlinked, and `reason` says why. */
  readonly unlink?: Post | undefined
  readonly reason?: string | undefined
}

export interface SessionView {
  readonly handle: string
  readonly current: boolean
  /** Browser and system in words. */
  readonly device: string
  readonly address: string
  readonly since: Date
  readonly lastSeen: Date
  readonly revoke: Post
}

export interface GrantedView {
  readonly client: ClientView
  readonly scopes: readonly string[]
  readonly since: Date
  readonly revoke: Post
}

/** The person's own page. `now` is the instant that "5 minutes ago" is counted from. */
export interface AccountPageView {
  readonly now: Date
  readonly message?: Notice | undefined
  readonly account: {
    readonly displayName: string
    readonly username: string
    readonly email: string | undefined
    readonly emailVerified: boolean
    readonly role: AccountRole
  }
  /** Where they look after things, if there are any. */
  readonly console?: string | undefined
  /** Where they start apps, if any are offered. */
  readonly workspaces?: string | undefined
  /** Posts `displayName`. */
  readonly rename?: Post | undefined
  /** What the person says of themselves; absent: nobody asks. */
  readonly answers?:
    | {
        readonly href: string
        /** Whether a question waits. */
        readonly isDue: boolean
        readonly list: readonly { readonly label: string; readonly value: string | undefined }[]
      }
    | undefined
  readonly identities: readonly IdentityView[]
  readonly linkable: readonly (Post & { readonly label: string; readonly icon?: string | undefined })[]
  readonly sessions: readonly SessionView[]
  readonly consents: readonly GrantedView[]
  readonly signOut: Post
  readonly signOutEverywhere: Post
}

/** Asks for the one-time code that was printed at the first start; posts `code`. */
export interface FirstAdminView extends Post {
  readonly account?: PersonView | undefined
  readonly error?: string | undefined
}

export interface WrongHostView {
  /** The same page at the right address. */
  readonly href: string
  /** The host that was typed. */
  readonly typed: string
}

export interface MessageView {
  readonly title: string
  readonly text: readonly string[]
  readonly tone?: Notice['tone'] | undefined
  readonly link?: { readonly label: string; readonly href: string } | undefined
}

export interface HomeView {
  /** Whether somebody is signed in: the button then leads to their account. */
  readonly signedIn?: boolean | undefined
  readonly description?: string | undefined
  readonly links: readonly { readonly href: string; readonly label: string; readonly text?: string | undefined }[]
}

/** View name to its data. The template has the same name. */
export interface Views
  extends TermsViews,
    ProfileViews,
    DeviceViewsOfPages,
    InvitedViews,
    PersonViews,
    LedgerConsoleViews,
    SandboxViews,
    WorkspaceViews,
    WorkspaceConsoleViews,
    PeopleConsoleViews,
    AccountConsoleViews {
  readonly home: HomeView
  readonly chooser: ChooserView
  readonly step: StepView
  readonly page: PluginPageView
  readonly 'continue-as': ContinueAsView
  readonly consent: ConsentView
  readonly 'link-or-new': LinkOrNewView
  readonly error: ErrorView
  readonly waiting: WaitingView
  readonly refused: RefusedView
  readonly 'signed-out': SignedOutView
  readonly 'sign-out-confirm': SignOutConfirmView
  readonly account: AccountPageView
  readonly 'first-admin': FirstAdminView
  readonly 'wrong-host': WrongHostView
  readonly message: MessageView
}

export type ViewName = keyof Views
