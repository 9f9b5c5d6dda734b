/** A plugin: its kind, its name, the contract it was written for, its config schema, its texts and how to create an instance. @module */
import type { AuthMethod } from './auth.ts'
import type { AuthzAdapter, RouteClaim } from './authz.ts'
import type { AuthContext, AuthzContext, RunnerContext } from './context.ts'
import type { Runner } from './runner.ts'
import type { ConfigOf, ConfigSchema } from './schema.ts'

/** The contract's major version; a plugin names the one it was written for. */
export const contractVersion = 1

/** Texts by language and key; English is required and is what other languages fall back to. */
export interface Texts {
  readonly en: Readonly<Record<string, string>>
  readonly [language: string]: Readonly<Record<string, string>>
}

interface PluginBase<S extends ConfigSchema> {
  /** The package's own name within its kind: `github`. */
  readonly name: string
  readonly contract: number
  readonly config: S
  readonly text: Texts
}

/** A plugin of the kind `auth`: a way to sign in. */
export interface AuthPlugin<S extends ConfigSchema = ConfigSchema> extends PluginBase<S> {
  readonly kind: 'auth'
  /** Paths on the issuer's host that also lead to `next`: so that a redirect URI registered for an older server keeps working. */
  readonly callbackPaths?: (config: ConfigOf<S>) => readonly string[]
  /** Pure: no network, no timers, no environment. */
  readonly create: (context: AuthContext<ConfigOf<S>>) => AuthMethod
}

/** A plugin of the kind `authz`: a dialect that services speak to us. */
export interface AuthzPlugin<S extends ConfigSchema = ConfigSchema> extends PluginBase<S> {
  readonly kind: 'authz'
  /** Pure. Overlaps stop the start. */
  readonly routes: (config: ConfigOf<S>) => readonly RouteClaim[]
  /** Names that no two instances of this plugin may share, pure: `identifierPrefix grey`. One that is shared stops the start. */
  readonly unique?: (config: ConfigOf<S>) => readonly string[]
  readonly create: (context: AuthzContext<ConfigOf<S>>) => AuthzAdapter
}

/** A plugin of the kind `runner`: a place to run notebooks. */
export interface RunnerPlugin<S extends ConfigSchema = ConfigSchema> extends PluginBase<S> {
  readonly kind: 'runner'
  readonly create: (context: RunnerContext<ConfigOf<S>>) => Runner
}

/** A plugin of any kind. */
export type Plugin<S extends ConfigSchema = ConfigSchema> = AuthPlugin<S> | AuthzPlugin<S> | RunnerPlugin<S>

/** Returns its argument, typed: a plain object is a plugin too. */
export function definePlugin<const S extends ConfigSchema>(plugin: AuthPlugin<S>): AuthPlugin<S>
export function definePlugin<const S extends ConfigSchema>(plugin: AuthzPlugin<S>): AuthzPlugin<S>
export function definePlugin<const S extends ConfigSchema>(plugin: RunnerPlugin<S>): RunnerPlugin<S>
export function definePlugin(plugin: unknown): unknown {
  return plugin
}
