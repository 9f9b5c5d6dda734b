/**
 * What an invitation is worth when its link is used: once, while it lasts, and only as long as whoever made it could
 * still give what it gives. More than the role `user` counts only for a proof of the invited address.
 * @module
 */

import { createHash } from 'node:crypto'
import type { AccountId, AccountRole, Fact } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { AccountEntity, GroupEntity, MembershipEntity } from '../storage/entities.ts'
import type { Reads } from '../storage/late-orm.ts'
import { AccountInvitationEntity, type AccountInvitationRow } from '../storage/life-entities.ts'
import { inSmallLetters } from './accounts.ts'
import { isOwnSlug } from './group-members.ts'
import type { InvitationNeeds } from './invitation.ts'

/** What an opened link shows: nothing that the mail did not say. */
export interface OpenedInvitation {
  /** Names the link without opening it; goes with a browser until somebody has signed in. */
  readonly proof: string
  readonly role: AccountRole
  /** Titles. */
  readonly groups: readonly string[]
  readonly note: string
  /** Display name of whoever invites; absent when the house did. */
  readonly invitedBy: string | undefined
  readonly endsAt: Date
  /** The address that must be proved, where the invitation gives more than a plain account. */
  readonly onlyFor: string | undefined
}

/** An invitation that a sign-in may use. */
export interface UsableInvitation {
  readonly proof: string
  readonly role: AccountRole
}

/** How a sign-in and the link that its browser opened go together. */
export type Fit =
  | { readonly kind: 'usable'; readonly invitation: UsableInvitation }
  /** It gives more than a plain account, and this sign-in does not prove the invited address. */
  | { readonly kind: 'other-address' }
  /** Unknown, used, ended, expired, or whoever made it may no longer give it. */
  | { readonly kind: 'over' }

/** The side of invitations that sign-ins see. */
export interface InvitationUse {
  /** What a living link shows; links that lead nowhere are all alike. Uses nothing up. */
  opened(token: string): Promise<OpenedInvitation | undefined>
  /** Whether a sign-in with these facts may use the link that its browser holds. */
  fit(proof: string, facts: readonly Fact[]): Promise<Fit>
  /**
   * Uses it up for an account, within the caller's transaction: groups, and a waiting account may act. Its role is not
   * touched: only a new account gets one, by whoever creates it.
   * @throws InvitationLost when somebody was faster; roll back
   */
  acceptIn(em: EntityManager, use: { proof: string; account: AccountId; facts: readonly Fact[] }): Promise<void>
}

/** Somebody else has used the invitation in between. */
export class InvitationLost extends Error {
  override readonly name = 'InvitationLost'
}

/** The digest of a link's token, as it is kept. */
export function proofOf(token: string): Buffer {
  return createHash('sha256').update(`invitation:${token}`).digest()
}

/** Every verified address among facts, lower-case. */
function verifiedAddresses(facts: readonly Fact[]): string[] {
  return facts.flatMap(({ claim, trust, value }) =>
    claim === 'email' && trust === 'verified' && typeof value === 'string' ? [inSmallLetters(value)] : [],
  )
}

/** Makes that side. */
export function invitationUse(needs: InvitationNeeds): InvitationUse {
  const { storage, clock, change } = needs
  const living = async (em: Reads, digest: Buffer): Promise<AccountInvitationRow | undefined> => {
    const row = await em.findOne(AccountInvitationEntity, { digest, acceptedAt: null, endedAt: null })
    return row && row.endsAt > clock.now() && (await isBacked(needs, em, row)) ? row : undefined
  }
  const isPowerful = ({ role, groups }: AccountInvitationRow) =>
    role !== 'user' || groups.includes(needs.steeringCommittee)
  const fitOf = async (em: Reads, proof: string, facts: readonly Fact[]) => {
    const row = await living(em, Buffer.from(proof, 'base64url'))
    if (!row) return { kind: 'over' } as const
    if (isPowerful(row) && !verifiedAddresses(facts).includes(row.email)) return { kind: 'other-address' } as const
    return { kind: 'usable', row } as const
  }
  return {
    async opened(token) {
      if (!/^[\w-]{43}$/.test(token)) return undefined
      const em = storage.em()
      const row = await living(em, proofOf(token))
      if (!row) return undefined
      const groups = await em.find(GroupEntity, { slug: { $in: [...row.groups] } }, { orderBy: { slug: 'asc' } })
      const inviter = await em.findOne(AccountEntity, { id: row.madeBy })
      return {
        proof: Buffer.from(row.digest).toString('base64url'),
        role: row.role,
        groups: groups.map(({ title }) => title),
        note: row.note,
        invitedBy: inviter?.displayName,
        endsAt: row.endsAt,
        onlyFor: isPowerful(row) ? row.email : undefined,
      }
    },
    async fit(proof, facts) {
      const found = await fitOf(storage.em(), proof, facts)
      return found.kind === 'usable' ? { kind: 'usable', invitation: { proof, role: found.row.role } } : found
    },
    async acceptIn(em, { proof, account, facts }) {
      // Read where it is written: of twenty at once, one finds it unused.
      const found = await fitOf(em, proof, facts)
      if (found.kind !== 'usable') throw new InvitationLost(found.kind)
      const { row } = found
      await change<void>({ kind: 'account', account }, undefined, async () => {
        const at = clock.now()
        const person = await em.findOneOrFail(AccountEntity, { id: account })
        // Shut out in between: the invitation stays for somebody who may come in.
        if (person.state === 'deactivated') throw new InvitationLost('deactivated')
        em.assign(row, { acceptedBy: account, acceptedAt: at })
        const groups = await joinIn(em, { account, groups: row.groups, at })
        const opens = person.state === 'pending' ? ({ state: 'active' } as const) : {}
        em.assign(person, { ...opens, revision: person.revision + 1, updatedAt: at })
        const [target, after] = [{ invitation: row.id }, { groups, ...opens }]
        return { result: undefined, type: 'account.invitation-accepted', account, target, before: undefined, after }
      })
    },
  }
}

/** An invitation is worth no more than whoever made it may give now; the house's always counts. */
async function isBacked(needs: InvitationNeeds, em: Reads, row: AccountInvitationRow): Promise<boolean> {
  const inviter = await em.findOne(AccountEntity, { id: row.madeBy })
  // A name like an account's id that is none is of somebody who was erased: nobody answers for that link any more.
  if (!inviter) return !/^[\w-]{22}$/.test(row.madeBy)
  const { admin, groups } = await needs.rightsOf(inviter.id)
  return admin || (row.role === 'user' && row.groups.length > 0 && row.groups.every((slug) => groups.includes(slug)))
}

/** Groups that were removed meanwhile, or that others keep by now, are left out. */
async function joinIn(
  em: EntityManager,
  { account, groups, at }: { account: AccountId; groups: readonly string[]; at: Date },
): Promise<string[]> {
  const joined: string[] = []
  for (const slug of groups.filter(isOwnSlug)) {
    const group = await em.findOne(GroupEntity, { slug })
    if (!group || group.source === 'config') continue
    joined.push(slug)
    const source = 'admin'
    if ((await em.count(MembershipEntity, { account, group: slug, source })) === 0)
      em.create(MembershipEntity, { account, group: slug, source, at })
  }
  return joined
}
