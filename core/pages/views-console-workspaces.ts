/** What the console's pages of workspaces show. @module */
import type { WorkspaceState } from '../storage/workspace-entities.ts'
import type { ConsoleField, ConsoleForm, ConsoleFrameView, PagingView } from './views-console.ts'
import type { WhoView } from './views-console-people.ts'
import type { Post } from './views-parts.ts'
import type { TroubleView, WorkspaceEventView } from './views-workspaces.ts'

/** One line of the list. */
export interface ConsoleWorkspaceLine {
  readonly title: string
  readonly href: string
  readonly owner: WhoView
  readonly app: string
  readonly size: string
  /** Runner and, where it has several, machine. */
  readonly place: string
  readonly state: WorkspaceState
  readonly since: Date
  readonly until?: Date | undefined
}

/** Places to run, with a button that closes or opens each for new ones. */
export interface PlaceView {
  readonly place: string
  readonly isDrained: boolean
  readonly turn: Post
}

/** All workspaces. */
export interface ConsoleWorkspacesView {
  readonly frame: ConsoleFrameView
  readonly filters: readonly ConsoleField[]
  readonly workspaces: readonly ConsoleWorkspaceLine[]
  readonly paging: PagingView
  readonly places: readonly PlaceView[]
  readonly message: ConsoleForm
  readonly isMessageOpen: boolean
}

/** Starting one for somebody. */
export interface ConsoleWorkspaceNewView {
  readonly frame: ConsoleFrameView
  readonly form: ConsoleForm
}

/** One of them. */
export interface ConsoleWorkspaceView {
  readonly frame: ConsoleFrameView
  readonly id: string
  readonly title: string
  readonly owner: WhoView
  readonly app: string
  readonly size: string
  readonly limits: readonly string[]
  readonly image?: string | undefined
  readonly place: string
  readonly state: WorkspaceState
  readonly wanted: 'running' | 'stopped' | 'removed'
  readonly reason?: string | undefined
  readonly since: Date
  readonly readyAt?: Date | undefined
  readonly lastActivityAt?: Date | undefined
  readonly until?: Date | undefined
  readonly endedAt?: Date | undefined
  /** Past the proxy. */
  readonly direct?: { readonly address?: string | undefined; readonly shownAt?: Date | undefined } | undefined
  readonly guests: readonly (WhoView & { readonly remove?: Post | undefined })[]
  /** Posts `account`; absent where nobody else can be let in. */
  readonly letIn?: Post | undefined
  readonly trouble?: TroubleView | undefined
  readonly events: readonly WorkspaceEventView[]
  /** Absent until it is asked for. */
  readonly logs?: { readonly lines: readonly string[]; readonly why?: string | undefined } | undefined
  readonly showLogs?: string | undefined
  /** Each posts `why`. */
  readonly stop?: Post | undefined
  readonly remove?: Post | undefined
  readonly extend?: Post | undefined
  readonly restart?: Post | undefined
  readonly forget?: Post | undefined
}

/** How much may run at once, and for whom. */
export interface ConsoleQuotasView {
  readonly frame: ConsoleFrameView
  readonly quotas: readonly {
    readonly scope: string
    readonly who?: WhoView | undefined
    readonly instances?: number | undefined
    readonly memory?: string | undefined
    readonly cpus?: number | undefined
    /** What is taken of it, in words. */
    readonly taken?: string | undefined
    readonly ofConfig: boolean
    readonly remove?: Post | undefined
  }[]
  readonly set: ConsoleForm
  /** How long workspaces run where their profile does not say. */
  readonly leases: ConsoleForm & { readonly ofConfig: boolean; readonly remove?: Post | undefined }
}

/** What was used in a time. */
export interface ConsoleUsageView {
  readonly frame: ConsoleFrameView
  readonly from: string
  readonly until: string
  readonly by: 'account' | 'group'
  readonly lines: readonly {
    readonly scope: string
    readonly who?: WhoView | undefined
    readonly workspaces: number
    readonly hours: number
    readonly memoryGibHours: number
    readonly cpuHours: number
  }[]
  readonly csv: string
}

/** View name to its data. */
export interface WorkspaceConsoleViews {
  readonly 'console-workspaces': ConsoleWorkspacesView
  readonly 'console-workspace': ConsoleWorkspaceView
  readonly 'console-workspace-new': ConsoleWorkspaceNewView
  readonly 'console-workspace-quotas': ConsoleQuotasView
  readonly 'console-workspace-usage': ConsoleUsageView
}
