/**
 * One Labgate while it is put together: its config, its rooms and its plugins; handed from one part of the composition
 * to the next. A site is built from one config, beside the one that serves, and takes its place in one step.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { OidcAdditions } from '@labgate/contract'
import type Provider from 'oidc-provider'
import type { SettledAdminFace } from './api/face.ts'
import type { Rooms } from './assembly.ts'
import type { Locate } from './config/problems.ts'
import type { Config } from './config/schema.ts'
import type { Env } from './config/secrets.ts'
import type { App } from './http/app.ts'
import type { GuardedFetch } from './http/egress.ts'
import type { SessionCookie } from './http/session.ts'
import type { Person } from './oidc/claims.ts'
import type { ProviderSessions } from './oidc/provider-sessions.ts'
import type { Registry } from './registry/registry.ts'

/** A config with what belongs to its file, when there is one. */
export interface SiteConfig {
  readonly config: Config
  /** Where plugins given by path are looked up. */
  readonly folder: string
  /** Finds lines and columns of the config file, when there is one. */
  readonly locate?: Locate | undefined
  readonly env: Env
}

/** What every part of the composition starts from. */
export interface Site extends Omit<SiteConfig, 'env' | 'folder'> {
  readonly rooms: Rooms
  readonly registry: Registry
  /** Told of its rooms when the admin API is built. */
  readonly adminFace: SettledAdminFace
}

/** A site that can serve. */
export interface LiveSite extends Site {
  /** What it was built from. */
  readonly from: SiteConfig
  /** Ways out, by the instance that has them. */
  readonly fetches: ReadonlyMap<string, GuardedFetch>
  readonly app: App
  readonly cookie: SessionCookie
  readonly providerSessions: ProviderSessions
  /** The current Provider; another one when the signing keys have changed. */
  provider(): Provider
  /** The signing keys that the Provider was built with, by name and stage. */
  ring(): string
  /** Builds the Provider anew, with the signing keys as they are now. */
  renewProvider(): Promise<void>
  handle(req: IncomingMessage, res: ServerResponse): void
  /** Waits until no request is under way, at most this long. */
  idle(seconds: number): Promise<void>
  /** Stops its plugins and lets go what it holds, but for what `heir` took over. */
  close(heir?: LiveSite): Promise<void>
  /** Never to serve: gives back what it took over from `owner`, and stops the rest. */
  abandon(owner: LiveSite): Promise<void>
}

/** What the dialects add to the OpenID Provider. */
export function additionsOf(registry: Registry): OidcAdditions[] {
  return registry.authz().flatMap(({ adapter }) => (adapter.oidc ? [adapter.oidc] : []))
}

/** An account that may act, with its facts; `undefined` closes every door. */
export async function personOf({ get }: Rooms, id: string): Promise<Person | undefined> {
  const account = await get('accounts').acting(id)
  if (!account) return undefined
  return { account, facts: await get('identities').facts(id, account) }
}
