/** What the registry knows of one configured instance, whether it runs, failed or is switched off. @module */
import type { AuthMethod, AuthzAdapter, AuthzPlugin, ConfigOf, ConfigSchema, Json, Runner } from '@labgate/contract'
import type { PluginEntry } from '../config/schema.ts'
import type { Claimed } from './routes.ts'

/** The kinds of plugin this core knows. */
export type Kind = 'auth' | 'authz' | 'runner'

/** Which instance is meant, before there is one. */
export interface InstanceName {
  readonly id: string
  readonly kind: Kind
  /** The package's own name within its kind. */
  readonly plugin: string
}

/** A text of the plugin in `locale`, English where that language lacks it. */
export type TextOf = (key: string, values?: Readonly<Record<string, string | number>>, locale?: string) => string

interface Loaded extends InstanceName {
  readonly use: string
  readonly optional: boolean
  readonly realm: string
  readonly entry: PluginEntry
  readonly text: TextOf
}

/** A way to sign in. */
export interface AuthInstance extends Loaded {
  readonly kind: 'auth'
  readonly method: AuthMethod
  /** Rules of admission as the config has them. */
  readonly admission: PluginEntry['admission']
  /** Groups of the upstream that are groups of ours. */
  readonly groups: PluginEntry['groups']
  readonly redirectUri: URL
  /** Further paths on the issuer's host that lead to `next`. */
  readonly callbackPaths: readonly string[]
}

/** A dialect for other services. */
export interface AuthzInstance extends Loaded {
  readonly kind: 'authz'
  readonly adapter: AuthzAdapter
  /** Its routes with host and full path, in the order of the claims. */
  readonly routes: readonly Claimed[]
  /** Scheme, host and port it answers on. */
  readonly origin: string
  /** The host of its own, `undefined` on the issuer's. */
  readonly host: string | undefined
  readonly prefix: string
  readonly home: boolean
}

/** A place to run workspaces. */
export interface RunnerInstance extends Loaded {
  readonly kind: 'runner'
  readonly runner: Runner<Json>
}

/** An instance that was created. */
export type Instance = AuthInstance | AuthzInstance | RunnerInstance

/** An optional instance that could not be loaded, and why. */
export interface FailedInstance {
  readonly id: string
  readonly use: string
  /** `undefined` when it failed before that was known. */
  readonly kind: Kind | undefined
  readonly failed: string
}

/** An instance that the config switches off. */
export interface DisabledInstance {
  readonly id: string
  readonly use: string
}

/** A plugin of any kind and any config, as it came out of its package and was checked. */
export type AnyPlugin =
  | ({
      readonly kind: 'auth'
      readonly create: (context: never) => AuthMethod
      readonly callbackPaths?: PathsOf
    } & Base)
  | ({
      readonly kind: 'authz'
      readonly create: (context: never) => AuthzAdapter
      readonly routes: RoutesOf
      readonly unique?: PathsOf
    } & Base)
  | ({ readonly kind: 'runner'; readonly create: (context: never) => Runner<Json> } & Base)

type PathsOf = (config: never) => readonly string[]
type RoutesOf = (config: ConfigOf<ConfigSchema>) => ReturnType<AuthzPlugin['routes']>

interface Base {
  readonly name: string
  readonly contract: number
  readonly config: ConfigSchema
  readonly text: { readonly en: Readonly<Record<string, string>> } & Readonly<
    Record<string, Readonly<Record<string, string>>>
  >
}
