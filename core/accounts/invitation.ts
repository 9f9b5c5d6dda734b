/** An invitation by mail: what it is, how it stands, and what those who keep invitations take. @module */
import type { AccountId, AccountRole, Clock, Random } from '@labgate/contract'
import type { AccountInvitationRow } from '../storage/life-entities.ts'
import type { Storage } from '../storage/storage.ts'
import type { Change } from './changes.ts'

/** How an invitation stands. */
export type InvitationState = 'open' | 'accepted' | 'over' | 'ended'

/** An invitation, as those see it who look after it. */
export interface AccountInvitation {
  readonly id: string
  /** Lower-case. */
  readonly email: string
  readonly role: AccountRole
  readonly groups: readonly string[]
  readonly note: string
  /** Id of an account, or the name of what made it. */
  readonly madeBy: string
  /** When its newest link was made. */
  readonly createdAt: Date
  readonly endsAt: Date
  readonly acceptedBy: AccountId | undefined
  readonly acceptedAt: Date | undefined
  readonly endedAt: Date | undefined
  readonly state: InvitationState
}

/** What invitations take. */
export interface InvitationNeeds {
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly change: Change
  readonly letters: {
    /** Answers whether it left. */
    invited(invitation: AccountInvitation, link: string): Promise<boolean>
  }
  readonly issuer: string
  /** What an inviter may do now: an invitation is worth no more than whoever made it. */
  rightsOf(account: AccountId): Promise<{ readonly admin: boolean; readonly groups: readonly string[] }>
  /** Slug of the group whose members name dataset admins: who joins it proves the invited address. */
  readonly steeringCommittee: string
}

/** An invitation as it is seen from outside. */
export function invitationView(row: AccountInvitationRow, now: Date): AccountInvitation {
  const { id, email, role, groups, note, madeBy, createdAt, endsAt, acceptedBy, acceptedAt, endedAt } = row
  return {
    ...{ id, email, role, groups, note, madeBy, createdAt, endsAt },
    acceptedBy: acceptedBy ?? undefined,
    acceptedAt: acceptedAt ?? undefined,
    endedAt: endedAt ?? undefined,
    state: stateOf(row, now),
  }
}

/** How an invitation stands at an instant. */
export function stateOf({ acceptedAt, endedAt, endsAt }: AccountInvitationRow, now: Date): InvitationState {
  if (acceptedAt) return 'accepted'
  if (endedAt) return 'ended'
  return endsAt > now ? 'open' : 'over'
}
