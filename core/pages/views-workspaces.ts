/** What the pages of workspaces show to whoever starts them. @module */
import type { WorkspaceState } from '../storage/workspace-entities.ts'
import type { Notice, Post } from './views-parts.ts'

/** A size as it can be chosen, with its limits in words: how far each is kept is said there. */
export interface SizeView {
  readonly name: string
  readonly title: string
  readonly limits: readonly string[]
  /** Why there is no room for it now, in words. */
  readonly full?: string | undefined
}

/** An app that can be started. Posts `profile`, `size`, `image`, `title`. */
export interface LaunchView {
  readonly profile: string
  readonly title: string
  readonly description: string
  /** Why it cannot be started now. */
  readonly closed?: string | undefined
  readonly sizes: readonly SizeView[]
  readonly images: readonly string[]
  readonly post: Post
  /** What was typed into its form that came again. */
  readonly typed?: { readonly title: string; readonly size: string; readonly image: string } | undefined
  /** Where everything one has stored there is downloaded. */
  readonly storage?: string | undefined
}

/** One of a person's workspaces in their list. */
export interface WorkspaceLineView {
  readonly title: string
  readonly href: string
  readonly app: string
  readonly state: WorkspaceState
  readonly since: Date
  /** When it ends, while it runs. */
  readonly until?: Date | undefined
  readonly endsSoon: boolean
  readonly open?: string | undefined
}

/** A person's workspaces, and what they may start. */
export interface WorkspacesView {
  readonly now: Date
  readonly message?: Notice | undefined
  readonly mine: readonly WorkspaceLineView[]
  readonly more?: string | undefined
  readonly shared: readonly { readonly title: string; readonly owner: string; readonly open: string }[]
  readonly options: readonly LaunchView[]
  /** Quotas that concern the person, with what is taken of each, in words; empty where nothing is limited. */
  readonly taken: readonly { readonly whose: string; readonly parts: readonly string[] }[]
}

/** One thing that happened, in words. */
export interface WorkspaceEventView {
  readonly number: number
  readonly at: Date
  readonly kind: string
  readonly text: string
}

/** What went wrong. */
export interface TroubleView {
  readonly message: string
  readonly hint: string
  readonly logs: readonly string[]
  /** Absent: the same again would fail again. */
  readonly retry?: Post | undefined
}

/** One workspace, for its owner. */
export interface WorkspacePageView {
  readonly now: Date
  readonly message?: Notice | undefined
  readonly title: string
  readonly app: string
  readonly state: WorkspaceState
  /** Why it ends or has ended, in words. */
  readonly reason?: string | undefined
  readonly size: string
  readonly limits: readonly string[]
  readonly image?: string | undefined
  readonly since: Date
  readonly until?: Date | undefined
  /** It will end soon, in words. */
  readonly warning?: string | undefined
  /** The newest word of those who run the place. */
  readonly notice?: string | undefined
  readonly trouble?: TroubleView | undefined
  readonly events: readonly WorkspaceEventView[]
  /** Where further events come from; absent: nothing will happen any more. */
  readonly live?: string | undefined
  /** So often a browser without scripts loads the page again, in seconds. */
  readonly refresh?: number | undefined
  readonly open?: string | undefined
  readonly stop?: Post | undefined
  readonly restart?: Post | undefined
  readonly extend?: Post | undefined
  readonly forget?: Post | undefined
  readonly logs?: string | undefined
  readonly storage?: string | undefined
  /** Past the proxy; without `href` while no port is free. */
  readonly direct?:
    | { readonly href?: string | undefined; readonly shownAt?: Date | undefined; readonly reveal?: Post | undefined }
    | undefined
  /** Absent where nobody else can be let in. `invite` posts `username`. */
  readonly guests?:
    | {
        readonly list: readonly { readonly name: string; readonly username: string; readonly uninvite: Post }[]
        readonly invite?: Post | undefined
        readonly typed: string
      }
    | undefined
}

/** What an app past the proxy asks for; on this page and nowhere else. */
export interface WorkspaceCredentialView {
  readonly title: string
  readonly back: string
  readonly href: string
  readonly credential: string
}

/** What an app wrote. */
export interface WorkspaceLogsView {
  readonly title: string
  readonly back: string
  readonly lines: readonly string[]
  /** Why there are none. */
  readonly why?: string | undefined
  /** Where further lines come from. */
  readonly follow?: string | undefined
}

/** View name to its data. */
export interface WorkspaceViews {
  readonly workspaces: WorkspacesView
  readonly workspace: WorkspacePageView
  readonly 'workspace-logs': WorkspaceLogsView
  readonly 'workspace-credential': WorkspaceCredentialView
}
