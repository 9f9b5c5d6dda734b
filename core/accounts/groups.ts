/**
 * Groups: named sets of accounts. Ours have plain slugs and are kept by their managers, the config or commands; those
 * an upstream speaks of are `INSTANCE:NAME` and are kept by sign-ins alone.
 * @module
 */
import type { AccountId, Clock } from '@labgate/contract'
import type { Storage } from '../storage/storage.ts'
import type { AccountRow } from './accounts.ts'
import type { Actor, PageAsk, Paged } from './actor.ts'
import type { Change } from './changes.ts'

/** A group. */
export interface Group {
  readonly slug: string
  readonly title: string
  readonly description: string
  /** `database`, `config`, `import`, or the id of the instance that brought it. */
  readonly source: string
  readonly memberCount: number
  readonly managers: readonly AccountId[]
}

/** That somebody is in a group, and by what. */
export interface Member {
  readonly account: AccountRow
  /** `admin`, `config`, or ids of instances. */
  readonly sources: readonly string[]
  readonly isManager: boolean
  readonly since: Date
}

/** Every group there is, and how one changes. */
export interface Groups {
  list(ask: PageAsk & { readonly managedBy?: AccountId }): Promise<Paged<Group>>
  find(slug: string): Promise<Group | undefined>
  members(slug: string, ask: PageAsk): Promise<Paged<Member>>
  managedBy(account: AccountId): Promise<readonly string[]>
  /** @throws Fault ERR_INPUT (bad slug), ERR_CONFLICT (taken) */
  create(actor: Actor, group: { slug: string; title: string; description?: string | undefined }): Promise<Group>
  /** @throws Fault ERR_NOT_FOUND, ERR_CONFLICT when the config or an upstream keeps it */
  change(actor: Actor, slug: string, patch: { title?: string; description?: string }): Promise<Group>
  /** Removes it with its memberships, and ends its grants. */
  remove(actor: Actor, slug: string): Promise<void>
  addMember(actor: Actor, slug: string, account: AccountId): Promise<void>
  /** @throws Fault ERR_CONFLICT when an upstream or the config says that they are in it */
  removeMember(actor: Actor, slug: string, account: AccountId): Promise<void>
  setManager(actor: Actor, slug: string, manager: { account: AccountId; is: 'manager' | 'none' }): Promise<void>
}

/** Makes the groups on a storage. */
export function createGroups(_needs: { storage: Storage; clock: Clock; change: Change }): Groups {
  throw new TypeError('not built yet')
}
