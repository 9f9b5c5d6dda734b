/**
 * Kind `runner`: one place to run workspaces. It knows nothing of Jupyter; an app profile does. The core keeps records,
 * quotas and leases, asks whether the app is ready, and stands between browsers and the app.
 * @module
 */

import { Fault } from './errors.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { ConfigSchema } from './schema.ts'
import type { AccountId, Json } from './values.ts'

/** Something of a person, or of the lab, that the app finds under `target`. */
export interface Mount {
  /** Name of the storage: small letters, digits and dashes. */
  readonly name: string
  /** `person`: kept for the person under `LaunchRequest.storage`; `shared`: `source`, the same for everybody. */
  readonly of: 'person' | 'shared'
  /** Absolute path on the machine of the runner, for `shared`; a runner allows it below its configured roots alone. */
  readonly source: string | undefined
  /** Absolute path as the app sees it; `{home}` may begin it. */
  readonly target: string
  readonly readOnly: boolean
}

/** What runs: declared in the config, the same for every runner. */
export interface AppProfile {
  readonly name: string
  readonly title: string
  /** Image, by digest where the deployer gave one; absent where a command of the host is started. */
  readonly image: string | undefined
  /** Program and arguments, never a shell line; empty: what the image starts. Placeholders as in `filled`. */
  readonly command: readonly string[]
  /** Where the app listens within its own network; a runner without one chooses a port and fills in `{port}`. */
  readonly port: number
  /** No secrets; placeholders as in `filled`. */
  readonly environment: Readonly<Record<string, string>>
  /** Who it runs as and who owns the person's storage; absent: as the image or the host has it. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined
  readonly mounts: readonly Mount[]
}

/** How much it may take. Absent: no limit is asked for. */
export interface Limits {
  readonly memoryBytes: number | undefined
  readonly cpus: number | undefined
  readonly storageBytes: number | undefined
  readonly pids: number | undefined
  readonly gpus: number | undefined
}

/** What is asked to be started. */
export interface LaunchRequest {
  /** Id of the workspace: small letters and digits, at most 20; names and labels are made from it. */
  readonly instance: string
  readonly account: AccountId
  /** Names the person's storage: small letters and digits, never reused, never made of a name or an address. */
  readonly storage: string
  /** Path under which the app is served, with a slash at both ends. */
  readonly basePath: string
  readonly limits: Limits
  /** Machines of the runner that take nothing new. */
  readonly avoidHosts: readonly string[]
}

/** What a runner is going to do. Pure, loggable, without secrets. */
export interface LaunchPlan {
  readonly instance: string
  /** One line for people. */
  readonly summary: string
  /** The runner's own words; a changed `detail` makes a new container. */
  readonly detail: Json
  /** Machines that may take it, for a runner with several; other ones than before do not make a new container. */
  readonly hosts?: readonly string[]
}

/** One launch under way: how it is saved, told of and broken off. */
export interface Launch<State> {
  /** Aborted in any phase: `launch` throws soon, and `terminate` and `remove` then leave nothing behind. */
  readonly signal: AbortSignal
  /** File name to content: the app reads them below `{secrets}`. Never logged, in a plan, in arguments or in the environment. */
  readonly secrets: Readonly<Record<string, string>>
  /** Call it as soon as something exists outside, before waiting for it: a crash then leaves nothing unowned. */
  save(state: State): Promise<void>
  /** A line for the person's progress page. */
  progress(line: string): void
}

/** How the proxy reaches the app. */
export type Endpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tunnel'; open(): Promise<NodeJS.ReadWriteStream> }

/** What a place to run can limit and show. */
export interface Capabilities {
  readonly memory: Enforcement
  readonly cpu: Enforcement
  readonly storage: Enforcement
  readonly pids: Enforcement
  readonly gpu: Enforcement
  readonly network: Enforcement
  readonly logs: boolean
  readonly stats: boolean
  readonly discover: boolean
}

/** How far a limit is kept: by the place itself, by good will, or not at all. */
export type Enforcement = 'enforced' | 'advisory' | 'none'

/** What became of an instance; `unknown` never ends one. */
export type Inspection =
  | { readonly state: 'running' }
  | { readonly state: 'exited'; readonly code: number | undefined; readonly reason: string | undefined }
  | { readonly state: 'missing' }
  | { readonly state: 'unknown'; readonly reason: string }

/** An instance of this installation that was found by its label. */
export interface Found<State> {
  readonly instance: string
  readonly state: State
  /** Whose it is, as its label says. */
  readonly account: AccountId | undefined
}

/** That something happened to an instance, as its place tells of its own accord. */
export interface Heard {
  readonly instance: string
  /** The place's own word, for the log: `die`, `oom`. */
  readonly what: string
}

/** What an instance uses, now. */
export interface Usage {
  readonly memoryBytes: number
  readonly cpuSeconds: number
  readonly at: Date
}

/** Why a start failed; a closed set, so that pages and metrics can speak of it. */
export type LaunchTrouble =
  | 'image_denied'
  | 'pull_failed'
  | 'quota'
  | 'port'
  | 'auth'
  | 'unreachable'
  | 'readiness'
  | 'crash'
  | 'policy'
  | 'internal'

/** A failed start as runners throw it. `message` is for the person; causes and addresses go into `cause`. */
export function launchFault(
  trouble: LaunchTrouble,
  message: string,
  more: { readonly hint?: string; readonly retryable?: boolean; readonly cause?: unknown } = {},
): Fault {
  const { hint = '', retryable = false, cause } = more
  return new Fault('ERR_LAUNCH', message, { detail: { trouble, hint, retryable }, cause })
}

/** What placeholders stand for. */
export interface Filling {
  /** Where the app shall listen. */
  readonly bind: string
  readonly port: number
  readonly basePath: string
  /** Folder with the secrets of the launch. */
  readonly secrets: string
  readonly home: string
}

/** Replaces `{bind}`, `{port}`, `{basePath}`, `{secrets}` and `{home}`; any other braces stay. */
export function filled(text: string, filling: Filling): string {
  return text.replaceAll(/\{(bind|port|basePath|secrets|home)\}/g, (_, name: keyof Filling) => String(filling[name]))
}

/** One place to run, as `create` of a runner plugin returns it. */
export interface Runner<State extends Json = Json> extends Lifecycle {
  /** A row outlives an upgrade: `migrate` turns an older version's state into today's. */
  readonly state: { readonly schema: ConfigSchema; readonly version: number; migrate(old: Json, from: number): State }
  capabilities(): Capabilities
  /** Its machines, by name; absent: it is one. */
  hosts?(): readonly string[]
  /** Which of them an instance is on. */
  hostOf?(state: State): string
  /** @throws Fault ERR_LAUNCH (image_denied, policy) for what this place does not allow */
  plan(request: LaunchRequest, profile: AppProfile): LaunchPlan
  /** Idempotent by instance id: what exists already with the same plan is taken over. @throws Fault ERR_LAUNCH */
  launch(plan: LaunchPlan, launch: Launch<State>): Promise<State>
  inspect(state: State, signal: AbortSignal): Promise<Inspection>
  /** All at once, in the same order: one question to an engine that has a thousand. Without it each is asked for. */
  inspectAll?(states: readonly State[], signal: AbortSignal): Promise<readonly Inspection[]>
  endpoint(state: State): Promise<Endpoint>
  /** New content for the secrets of a running instance. */
  renew?(state: State, secrets: Readonly<Record<string, string>>): Promise<void>
  /** Idempotent, also while it starts; gone is success. */
  terminate(state: State, options: { readonly graceSeconds: number }): Promise<void>
  /** Everything but the person's storage, and that too with `volumes`. Idempotent; gone is success. */
  remove(state: State, options: { readonly volumes: boolean }): Promise<void>
  /**
   * Ends, kills and the like of this installation, as they happen; the core then asks `inspect`. It ends or throws when
   * the place cannot be heard any more, and is called again after a while. Nothing may depend on it: the core also polls.
   */
  watch?(signal: AbortSignal): AsyncIterable<Heard>
  /** By label, of this installation alone: adopt or reap after a crash. */
  discover(signal: AbortSignal): AsyncIterable<Found<State>>
  /** Lines, the oldest first. */
  logs?(
    state: State,
    options: { readonly tail: number; readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncIterable<string>
  stats?(state: State): Promise<Usage>
  /** The person's storage as one tar archive (POSIX ustar or pax). */
  archive?(storage: { readonly storage: string; readonly mounts: readonly Mount[] }): AsyncIterable<Uint8Array>
}
