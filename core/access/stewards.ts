/**
 * Who may change the ledger. Site admins: everything. The steering committee names dataset admins. A dataset admin
 * keeps that dataset, and grants below `admin` on it. A team lead (`manage` on the dataset, manager of the group)
 * grants up to `manage` to members of the group, within the group. A group's managers keep its members.
 * @module
 */
import type { AccessFace, AccountId } from '@labgate/contract'
import type { Accounts } from '../accounts/accounts.ts'
import type { Authorise } from '../accounts/actor.ts'
import type { Groups } from '../accounts/groups.ts'

/** What somebody may look after. */
export interface Rights {
  readonly admin: boolean
  readonly steering: boolean
  /** Datasets held at `admin`, now. */
  readonly datasets: readonly string[]
  /** Datasets held at `manage` or more, now. */
  readonly managed: readonly string[]
  /** Groups they manage. */
  readonly groups: readonly string[]
  /** Whether there is anything for them in the console. */
  readonly any: boolean
}

export interface Stewards {
  rightsOf(account: AccountId): Promise<Rights>
  readonly assertMay: Authorise
}

/** Makes the rules; `steeringCommittee` is the slug of a group. */
export function createStewards(_needs: {
  access: AccessFace
  accounts: Accounts
  groups: Pick<Groups, 'managedBy'>
  steeringCommittee: string
}): Stewards {
  throw new TypeError('not built yet')
}
