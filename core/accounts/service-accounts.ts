/** Service accounts: accounts of programs. They never sign in, act by tokens alone, and only while their parent may. @module */
import type { AccountId, Clock, Random } from '@labgate/contract'
import type { Storage } from '../storage/storage.ts'
import type { AccountRow, Accounts } from './accounts.ts'
import type { Actor, PageAsk, Paged } from './actor.ts'
import type { Change } from './changes.ts'

/** A service account. */
export interface ServiceAccount extends AccountRow {
  readonly kind: 'service'
  readonly description: string
}

/** Every service account, and how one changes. */
export interface ServiceAccounts {
  list(ask: PageAsk & { readonly parent?: AccountId }): Promise<Paged<ServiceAccount>>
  /** By id or username. */
  find(name: string): Promise<ServiceAccount | undefined>
  /** @throws Fault ERR_INPUT (bad username), ERR_CONFLICT (taken), ERR_NOT_FOUND (no such parent) */
  create(
    actor: Actor,
    account: {
      username: string
      displayName: string
      description?: string | undefined
      parent?: AccountId | undefined
    },
  ): Promise<ServiceAccount>
  change(
    actor: Actor,
    id: AccountId,
    patch: { displayName?: string; description?: string; parent?: AccountId | null; state?: 'active' | 'deactivated' },
  ): Promise<ServiceAccount>
}

/** Makes the service accounts on a storage. */
export function createServiceAccounts(_needs: {
  storage: Storage
  clock: Clock
  random: Random
  accounts: Accounts
  change: Change
}): ServiceAccounts {
  throw new TypeError('not built yet')
}
