/**
 * Kind `runner`: one place to run workspaces. It knows nothing of Jupyter; an app profile does.
 * `core/workspaces` fills these shapes with life in its own time; they stand here so that a runner can be written.
 * @module
 */

import type { Lifecycle } from './lifecycle.ts'
import type { ConfigSchema } from './schema.ts'
import type { AccountId, Json } from './values.ts'

/** What runs: declared in the config, the same for every runner. */
export interface AppProfile {
  readonly name: string
  readonly title: string
  readonly image: string | undefined
  readonly command: readonly string[]
  readonly port: number
  readonly environment: Readonly<Record<string, string>>
  /** Path the app must be told it is served under, `undefined` when it can live at `/`. */
  readonly basePath: string | undefined
  readonly readiness: { readonly path: string; readonly timeoutSeconds: number }
  readonly mounts: readonly { readonly volume: string; readonly target: string; readonly readOnly: boolean }[]
}

/** What is asked to be started. */
export interface LaunchRequest {
  readonly instance: string
  readonly account: AccountId
  readonly memoryBytes: number
  readonly cpus: number
  readonly storageBytes: number
  readonly pids: number
  readonly gpus: number
}

/** Pure, loggable, without secrets. */
export interface LaunchPlan {
  readonly instance: string
  readonly summary: string
  readonly detail: Json
}

/** One launch under way: how it is saved, told of and broken off. */
export interface Launch<State> {
  readonly signal: AbortSignal
  /** Environment with secrets; never logged, never stored. */
  readonly secrets: Readonly<Record<string, string>>
  /** Call it as soon as something exists outside. */
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

/** An instance that was found by its label. */
export interface Found<State> {
  readonly instance: string
  readonly state: State
}

/** What an instance uses, now. */
export interface Usage {
  readonly memoryBytes: number
  readonly cpuSeconds: number
  readonly at: Date
}

/** One place to run, as `create` of a runner plugin returns it. */
export interface Runner<State extends Json = Json> extends Lifecycle {
  /** A row outlives an upgrade: `migrate` turns an older version's state into today's. */
  readonly state: { readonly schema: ConfigSchema; readonly version: number; migrate(old: Json, from: number): State }
  capabilities(): Capabilities
  plan(request: LaunchRequest, profile: AppProfile): LaunchPlan
  /** Idempotent by instance id; abortable in every phase. */
  launch(plan: LaunchPlan, launch: Launch<State>): Promise<State>
  inspect(state: State): Promise<Inspection>
  endpoint(state: State): Promise<Endpoint>
  /** Idempotent; gone is success. */
  terminate(state: State, options: { readonly graceSeconds: number }): Promise<void>
  remove(state: State, options: { readonly volumes: boolean }): Promise<void>
  /** By label: adopt or reap after a crash. */
  discover(): AsyncIterable<Found<State>>
  logs?(state: State, options: { readonly tail: number; readonly follow: boolean }): AsyncIterable<string>
  stats?(state: State): Promise<Usage>
}
