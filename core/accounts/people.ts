/**
 * Who comes in: turns an assertion of an upstream into an account, or into the reason why not.
 * @module
 */
import { type AccountRole, type Assertion, Fault, type Random } from '@labgate/contract'
import type { Storage } from '../storage/storage.ts'
import type { AccountRow, Accounts } from './accounts.ts'
import { groupsOf, verifiedEmail } from './accounts.ts'
import { type Admission, decideAdmission } from './admission.ts'
import type { ConfigMembers } from './config-members.ts'
import type { Identities, IdentityRow, Source } from './identities.ts'

/** An assertion at one instance's door. */
export interface Arrival {
  readonly source: Source
  readonly admission: Admission
  readonly assertion: Assertion
  /** Groups of the upstream that are groups of ours: its name to our slug. */
  readonly groups?: Readonly<Record<string, string>> | undefined
  /** The person was shown that an account with this address exists, and chose a new one all the same. */
  readonly wantsNew: boolean
}

export type Welcome =
  | {
      readonly kind: 'account'
      readonly account: AccountRow
      readonly identity: IdentityRow
      readonly created: boolean
    }
  /** An account with this proved address exists: join it by proving it, or make a new one. */
  | { readonly kind: 'known-address'; readonly email: string }
  | { readonly kind: 'refused'; readonly why: string; readonly rule: 'admission' | 'registration' }

export interface People {
  arrive(arrival: Arrival): Promise<Welcome>
  /**
   * Adds an identity to an account whose owner proved it in the same browser.
   * @throws Fault ERR_ADMISSION when the instance does not let this person in, ERR_LINK_TAKEN when another account has it
   */
  join(account: string, arrival: Omit<Arrival, 'wantsNew'>): Promise<IdentityRow>
}

type Settling = Pick<Arrival, 'source' | 'assertion' | 'groups'>

export function createPeople(needs: {
  storage: Storage
  accounts: Accounts
  identities: Identities
  random: Random
  registration: 'open' | 'closed'
  /** `instance:address` or `instance:subject` of those who are admins. */
  admins: readonly string[]
  /** What the config's groups say of the person: they may be named there before they came. */
  members: Pick<ConfigMembers, 'settle'>
}): People {
  const { storage, accounts, identities } = needs

  const isNamedAdmin = ({ source, assertion }: Pick<Arrival, 'source' | 'assertion'>): boolean => {
    const names = [assertion.subject, verifiedEmail(assertion.facts)].filter((name) => name !== undefined)
    return names.some((name) => needs.admins.includes(`${source.instance}:${name}`))
  }
  const settle = async (identity: IdentityRow, arrival: Settling): Promise<AccountRow> => {
    const { source, assertion, groups } = arrival
    await identities.seen(identity.id, source, assertion)
    await accounts.setGroups(
      identity.account,
      source.instance,
      groupsOf(assertion, { instance: source.instance, groups }),
    )
    // An instance that was renamed says nothing any more under its old name.
    if (identity.instance !== source.instance) await accounts.setGroups(identity.account, identity.instance, [])
    const email = verifiedEmail(assertion.facts)
    if (email) await accounts.noteVerifiedEmail(identity.account, email)
    await needs.members.settle(identity.account)
    const account = await accounts.find(identity.account)
    if (!account) throw new Fault('ERR_STORAGE', `identity ${identity.id} names an account that is not there`)
    if (!isNamedAdmin(arrival) || (account.role === 'admin' && account.state !== 'pending')) return account
    if (account.state === 'pending') await accounts.setState(account.id, 'active')
    return accounts.setRole(account.id, 'admin')
  }
  /** Who is no longer let in by an instance keeps nothing of what it said before, however else they come in. */
  const forgetGroups = async (identity: IdentityRow, { source, assertion }: Arrival): Promise<void> => {
    await identities.seen(identity.id, source, assertion)
    for (const instance of new Set([identity.instance, source.instance]))
      await accounts.setGroups(identity.account, instance, [])
  }
  const create = async (arrival: Arrival, state: 'active' | 'pending'): Promise<void> => {
    const { source, assertion } = arrival
    const role: AccountRole = isNamedAdmin(arrival) ? 'admin' : 'user'
    await storage.transaction(async (em) => {
      const facts = assertion.facts
      const id = await accounts.createIn(em, { facts, role, state: role === 'admin' ? 'active' : state })
      await identities.linkIn(em, id, { source, assertion })
    })
  }

  return {
    async join(account, arrival) {
      if ((await accounts.find(account))?.kind !== 'person')
        throw new Fault('ERR_FORBIDDEN', 'Programs do not sign in.')
      const answer = decideAdmission(arrival.admission, arrival.assertion.facts, true)
      if (!answer.allowed) throw new Fault('ERR_ADMISSION', `This way is only for ${answer.why}.`)
      const identity = await identities.link(account, arrival.source, arrival.assertion)
      await settle(identity, arrival)
      return identity
    },
    async arrive(arrival) {
      const known = await identities.find(arrival.source, arrival.assertion)
      const answer = decideAdmission(arrival.admission, arrival.assertion.facts, known !== undefined)
      if (!answer.allowed) {
        if (known) await forgetGroups(known, arrival)
        return { kind: 'refused', why: answer.why, rule: 'admission' }
      }
      if (known) return { kind: 'account', account: await settle(known, arrival), identity: known, created: false }
      if (needs.registration === 'closed' && !isNamedAdmin(arrival))
        return { kind: 'refused', why: 'people who already have an account here', rule: 'registration' }
      const email = verifiedEmail(arrival.assertion.facts)
      if (email && !arrival.wantsNew && (await accounts.findByVerifiedEmail(email)))
        return { kind: 'known-address', email }
      await create(arrival, answer.state).catch(rethrowUnlessRaced)
      const identity = await identities.find(arrival.source, arrival.assertion)
      if (!identity) throw new Fault('ERR_STORAGE', 'the new account could not be read back')
      return { kind: 'account', account: await settle(identity, arrival), identity, created: true }
    },
  }
}

/** Two tabs of one new person: the unique key lets one in, the other finds what the first made. */
function rethrowUnlessRaced(error: unknown): void {
  if ((error as Error).name !== 'UniqueConstraintViolationException') throw error
}
