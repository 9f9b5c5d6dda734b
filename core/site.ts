/** One Labgate while it is put together: its config, its rooms and its plugins; handed from one part of the composition to the next. @module */
import type { OidcAdditions } from '@labgate/contract'
import type { SettledAdminFace } from './api/face.ts'
import type { Rooms } from './assembly.ts'
import type { Locate } from './config/problems.ts'
import type { Config } from './config/schema.ts'
import type { GuardedFetch } from './http/egress.ts'
import type { Person } from './oidc/claims.ts'
import type { Registry } from './registry/registry.ts'

/** What every part of the composition starts from. */
export interface Site {
  readonly config: Config
  readonly rooms: Rooms
  readonly registry: Registry
  /** Told of its rooms when the admin API is built. */
  readonly adminFace: SettledAdminFace
  readonly fetches: readonly GuardedFetch[]
  /** Finds lines and columns of the config file, when there is one. */
  readonly locate?: Locate | undefined
  fetchFor(
    name: string,
    options?: { readonly allow?: readonly string[]; readonly ca?: string | undefined },
  ): GuardedFetch
}

/** What the dialects add to the OpenID Provider. */
export function additionsOf(registry: Registry): OidcAdditions[] {
  return registry.authz().flatMap(({ adapter }) => (adapter.oidc ? [adapter.oidc] : []))
}

/** An account that may act, with its facts; `undefined` closes every door. */
export async function personOf({ get }: Rooms, id: string): Promise<Person | undefined> {
  const account = await get('accounts').acting(id)
  if (!account) return undefined
  return { account, facts: await get('identities').facts(id) }
}
