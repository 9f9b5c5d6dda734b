/** The words of workspaces: what may be started, what is, and what became of it. @module */
import type { AccountId, AppProfile, Capabilities, Limits, Mount } from '@labgate/contract'
import type { Trouble, WorkspaceState } from '../storage/workspace-entities.ts'

export type { Trouble, WorkspaceState }

/** States that hold a share of the quota. */
export const holding: readonly WorkspaceState[] = [
  'requested',
  'reserved',
  'starting',
  'ready',
  'idle',
  'stopping',
  'lost',
]

/** States that nothing follows. */
export const ended: readonly WorkspaceState[] = ['stopped', 'failed', 'expired']

/** How one knows that an app does something for somebody. */
export interface ActivityProbe {
  /** Answers like Jupyter's `api/status` and `api/kernels`: a busy kernel is activity. */
  readonly kind: 'jupyter'
  /** Below the base path. */
  readonly path: string
}

/** How the app is told who comes: nobody but the proxy may know its token. */
export interface Credential {
  /** File of the launch's secrets that holds the app's token. */
  readonly file: string
  /** Header the proxy adds to each request; `{token}` in it is replaced. */
  readonly header: { readonly name: string; readonly value: string } | undefined
}

/** The way to an app past the proxy: a port of this machine, one for each workspace. */
export interface DirectRule {
  readonly bind: string
  /** The range of ports, both ends of it. */
  readonly from: number
  readonly to: number
  /** What people put before the port. */
  readonly host: string
  /** Connections to one workspace at once. */
  readonly connections: number
}

/** A size as people choose it. */
export interface Size {
  readonly name: string
  readonly title: string
  readonly limits: Limits
}

/** An app profile as the room works with it: the preset and the config laid together. */
export interface Profile {
  readonly name: string
  readonly preset: string
  readonly title: string
  readonly description: string
  readonly runner: string
  /** The first is the default; empty where the runner starts a command of the host. */
  readonly images: readonly string[]
  readonly command: readonly string[]
  readonly port: number
  readonly environment: Readonly<Record<string, string>>
  readonly user: AppProfile['user']
  readonly mounts: readonly Mount[]
  /** Whether the app must know the path it is served under. */
  readonly basePath: 'told' | 'stripped'
  readonly credential: Credential | undefined
  /** Past the proxy; only for an app that asks for its credential. */
  readonly direct: DirectRule | undefined
  readonly readiness: { readonly path: string; readonly timeoutSeconds: number }
  readonly activity: ActivityProbe | undefined
  /** Below the base path: where the button "Open" leads. */
  readonly landing: string
  /** The first is the default. */
  readonly sizes: readonly Size[]
  readonly allow: {
    readonly groups: readonly string[] | undefined
    readonly dataset: string | undefined
    readonly verb: string
  }
  /** Its own first lease; absent: everybody's. */
  readonly leaseSeconds: number | undefined
  readonly tokenScopes: readonly string[]
}

/** A profile as somebody may start it: how far its limits are kept is said, too. */
export interface LaunchOption {
  readonly profile: Profile
  readonly capabilities: Capabilities
  /** Why it cannot be started now, when it cannot: the runner failed, or is drained. */
  readonly closed: string | undefined
  /** Whether what the person has stored there can be downloaded. */
  readonly archives: boolean
}

/** What somebody asks for. */
export interface WorkspaceAsk {
  readonly account: AccountId
  readonly profile: string
  readonly size?: string | undefined
  readonly image?: string | undefined
  readonly title?: string | undefined
}

/** A workspace as everybody but the supervisor sees it. */
export interface Workspace {
  readonly id: string
  readonly account: AccountId
  readonly profile: string
  readonly runner: string
  readonly host: string | undefined
  readonly title: string
  readonly size: string
  readonly image: string | undefined
  readonly limits: Limits
  readonly state: WorkspaceState
  readonly wanted: 'running' | 'stopped' | 'removed'
  readonly stopReason: string | undefined
  readonly trouble: Trouble | undefined
  readonly createdAt: Date
  readonly startedAt: Date | undefined
  readonly readyAt: Date | undefined
  readonly lastActivityAt: Date | undefined
  readonly leaseEndsAt: Date
  readonly leaseLimitAt: Date
  readonly endedAt: Date | undefined
  /** Past the proxy, where its profile has that and it runs; without `address` while no port of the range is free. */
  readonly direct: DirectWay | undefined
  /** Account ids of those who were let in. */
  readonly guests: readonly AccountId[]
}

/** The way past the proxy. */
export interface DirectWay {
  /** Host and port. */
  readonly address: string | undefined
  /** Path of the app's first page. */
  readonly path: string
  /** When its credential was shown; it is not shown again. */
  readonly shownAt: Date | undefined
}

/** What an app past the proxy asks for: shown once, kept nowhere else. */
export interface Revealed {
  readonly address: string
  /** Path of the app's first page. */
  readonly path: string
  readonly credential: string
}

/** One thing that happened. */
export interface WorkspaceEvent {
  readonly workspace: string
  readonly number: number
  readonly at: Date
  readonly kind:
    | WorkspaceState
    | 'progress'
    | 'warned'
    | 'extended'
    | 'message'
    | 'trouble'
    | 'direct'
    | 'direct-moved'
    | 'direct-full'
  readonly text: string
}

/** A share of what there is; what is absent is not limited. */
export interface Quota {
  readonly instances: number | undefined
  readonly memoryBytes: number | undefined
  readonly milliCpus: number | undefined
}

/** How long workspaces run. */
export interface Leases {
  /** At first. */
  readonly firstSeconds: number
  /** What one extension adds, from then on. */
  readonly extensionSeconds: number
  /** In all. */
  readonly maxSeconds: number
}

/** What counts, and where it is set. */
export interface LeaseLine extends Leases {
  readonly source: 'console' | 'config'
}

/** Whose quota: `site`, `user` (each person, unless named), `account:ID`, `group:SLUG`. */
export type QuotaScope = string

/** What is held by all that has not ended. */
export interface Taken {
  readonly instances: number
  readonly memoryBytes: number
  readonly milliCpus: number
}

/** One quota. */
export interface QuotaLine {
  readonly scope: QuotaScope
  readonly quota: Quota
  /** How much of it is taken; of `user`, only where it is asked for one person. */
  readonly taken: Taken | undefined
  /** Where it is set: here (`console`) or in the config. */
  readonly source: 'console' | 'config'
}

/** What somebody, or a group, used. */
export interface UsageLine {
  /** `account:ID` or `group:SLUG`. */
  readonly scope: string
  readonly workspaces: number
  readonly hours: number
  /** Gibibytes times hours that were reserved. */
  readonly memoryGibHours: number
  readonly cpuHours: number
}
