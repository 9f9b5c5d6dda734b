/**
 * Who comes in: turns an assertion of an upstream into an account, or into the reason why not.
 * @module
 */
import { type AccountRole, type Assertion, Fault, isFault, type Random } from '@labgate/contract'
import type { Storage } from '../storage/storage.ts'
import type { AccountRow, Accounts } from './accounts.ts'
import { groupsOf, verifiedEmail } from './accounts.ts'
import { type Admission, decideAdmission } from './admission.ts'
import { type Awaited, ClaimLost } from './awaited.ts'
import type { ConfigMembers } from './config-members.ts'
import type { Identities, IdentityRow, KnownIdentity, Source } from './identities.ts'
import { type Fit, InvitationLost, type InvitationUse } from './invitation-use.ts'

/** An assertion at one instance's door. */
export interface Arrival {
  readonly source: Source
  readonly admission: Admission
  readonly assertion: Assertion
  /** Groups of the upstream that are groups of ours: its name to our slug. */
  readonly groups?: Readonly<Record<string, string>> | undefined
  /** The person was shown that an account with this address exists, and chose a new one all the same. */
  readonly wantsNew: boolean
  /** The invitation whose link this browser has opened, by its proof. */
  readonly invitation?: string | undefined
}

/** What became of the invitation that a browser brought: `other-address` when this sign-in does not prove the invited one. */
export type Invitedness = 'accepted' | 'other-address' | 'over'

/** Writes what a sign-in brought, in one commit with what is begun in the same turn: one of the two, before any answer. */
export interface SignInNote {
  /** Without a sign-in: the account may not act. */
  seen(): Promise<void>
  signedIn(): Promise<void>
}

export type Welcome =
  | {
      readonly kind: 'account'
      readonly account: AccountRow
      readonly identity: IdentityRow
      readonly created: boolean
      /** Absent when there was none. */
      readonly invitation?: Invitedness | undefined
      readonly note: SignInNote
    }
  /** An account with this proved address exists: join it by proving it, or make a new one. */
  | { readonly kind: 'known-address'; readonly email: string }
  | { readonly kind: 'refused'; readonly why: string; readonly rule: 'admission' | 'registration' | 'invitation' }

/** Who brings credentials for a job; for the audit trail, never for whoever asks. */
export type Recognised =
  | { readonly kind: 'account'; readonly account: AccountRow }
  | { readonly kind: 'refused'; readonly account: string | undefined; readonly why: string }

export interface People {
  /**
   * Somebody who is known already and may act, by what a program brought for them. Nothing is created and nobody is let
   * in who waits; what the upstream says anew of a known person counts from now on, as at a sign-in.
   */
  recognise(arrival: Omit<Arrival, 'wantsNew' | 'invitation'>): Promise<Recognised>
  /**
   * An invitation stands in for an open registration and for an admin's approval, never for the instance's own rule.
   * A new account gets its role and groups, one that is there already only its groups.
   */
  arrive(arrival: Arrival): Promise<Welcome>
  /**
   * Adds an identity to an account whose owner proved it in the same browser.
   * @throws Fault ERR_ADMISSION when the instance does not let this person in, ERR_LINK_TAKEN when another account has it
   */
  join(account: string, arrival: Omit<Arrival, 'wantsNew'>): Promise<IdentityRow>
}

type Settling = Pick<Arrival, 'source' | 'assertion' | 'groups'>

interface Settled {
  readonly account: AccountRow
  /** As of a welcome. */
  readonly note: SignInNote
}

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
  invitations: Pick<InvitationUse, 'fit' | 'acceptIn'>
  /** Accounts that were imported for people who had not come yet. */
  awaited: Awaited
}): People {
  const { storage, accounts, identities } = needs

  const isNamedAdmin = (arrival: Pick<Arrival, 'source' | 'assertion'>) => isNamedIn(needs.admins, arrival)
  const noteOf = ({ id, account }: IdentityRow, { source, assertion }: Settling): SignInNote => {
    let written: Promise<void> | undefined
    const seen = () => {
      written ??= identities.seen(id, source, assertion)
      return written
    }
    return {
      seen,
      async signedIn() {
        if (written === undefined) return identities.seen(id, source, { ...assertion, signsIn: true })
        await Promise.all([written, accounts.noteSignIn(account)])
      },
    }
  }
  const settle = async (known: KnownIdentity, arrival: Settling): Promise<Settled> => {
    const { identity } = known
    const { source, assertion, groups } = arrival
    const note = noteOf(identity, arrival)
    const said = new Set(groupsOf(assertion, { instance: source.instance, groups }))
    // Nothing has changed at nearly every sign-in.
    const isSame = said.size === known.said.length && known.said.every((group) => said.has(group))
    const isChanged = !isSame && (await accounts.setGroups(identity.account, source.instance, [...said]))
    // An instance that was renamed says nothing any more under its old name.
    const isRenamed = identity.instance !== source.instance
    if (isRenamed) await accounts.setGroups(identity.account, identity.instance, [])
    const wasAsked = await needs.members.settle(identity.account, note.seen)
    const now = isChanged || isRenamed || wasAsked ? await findOf(identity) : known.account
    const account = await proven(now, verifiedEmail(assertion.facts))
    if (!isNamedAdmin(arrival) || (account.role === 'admin' && account.state !== 'pending')) return { account, note }
    if (account.state === 'pending') await accounts.setState(account.id, 'active')
    return { account: await accounts.setRole(account.id, 'admin'), note }
  }
  const findOf = async ({ id, account }: IdentityRow): Promise<AccountRow> => {
    const found = await accounts.find(account)
    if (!found) throw new Fault('ERR_STORAGE', `identity ${id} names an account that is not there`)
    return found
  }
  /** With the address that this sign-in has proved, where the account has none or this very one unproved. */
  const proven = async (account: AccountRow, email: string | undefined): Promise<AccountRow> => {
    const isOther = account.email !== undefined && account.email !== email
    if (email === undefined || account.emailVerified || isOther) return account
    await accounts.noteVerifiedEmail(account.id, email)
    return (await accounts.find(account.id)) ?? account
  }
  const settleWholly = async (known: KnownIdentity, arrival: Settling): Promise<AccountRow> => {
    const { account, note } = await settle(known, arrival)
    await note.seen()
    return account
  }
  /** Who is no longer let in by an instance keeps nothing of what it said before, however else they come in. */
  const forgetGroups = async (identity: IdentityRow, { source, assertion }: Settling): Promise<void> => {
    await identities.seen(identity.id, source, assertion)
    for (const instance of new Set([identity.instance, source.instance]))
      await accounts.setGroups(identity.account, instance, [])
  }
  const create = async (arrival: Arrival, start: { state: 'active' | 'pending'; fit: Fit | undefined }) => {
    const { source, assertion } = arrival
    const { facts } = assertion
    const invitation = start.fit?.kind === 'usable' ? start.fit.invitation : undefined
    const role: AccountRole = isNamedAdmin(arrival) ? 'admin' : (invitation?.role ?? 'user')
    const state = role === 'admin' || invitation ? 'active' : start.state
    await storage.transaction(async (em) => {
      const id = await accounts.createIn(em, { facts, role, state })
      await identities.linkIn(em, id, { source, assertion })
      if (invitation) await needs.invitations.acceptIn(em, { proof: invitation.proof, account: id, facts })
    })
  }
  /** Somebody who is known already: their groups, and an end of waiting. Who was shut out stays so. */
  const accept = async (account: AccountRow, { assertion }: Arrival, fit: Fit): Promise<AccountRow> => {
    if (fit.kind !== 'usable' || account.state === 'deactivated') return account
    const { proof } = fit.invitation
    await storage.transaction((em) =>
      needs.invitations.acceptIn(em, { proof, account: account.id, facts: assertion.facts }),
    )
    return (await accounts.find(account.id)) ?? account
  }
  /** Somebody for whom an account was imported: whoever ran the import has let them in; the instance's own rule holds. */
  const knownOrAwaited = async (arrival: Arrival): Promise<KnownIdentity | undefined> => {
    const { source, assertion } = arrival
    const found = await identities.known(source, assertion)
    if (found) return found
    const account = await needs.awaited.find(source, assertion)
    // Nobody is awaited any more, it may be, because another tab of this very sign-in has come in since the look above.
    if (account === undefined) return identities.known(source, assertion)
    if (!decideAdmission(arrival.admission, assertion.facts, true).allowed) return undefined
    await storage.transaction(async (em) => {
      await needs.awaited.claimIn(em, account, source.instance)
      await identities.linkIn(em, account, { source, assertion })
    })
    return identities.known(source, assertion)
  }
  const arriveOnce = async (arrival: Arrival): Promise<Welcome> => {
    const { source, assertion } = arrival
    const fit =
      arrival.invitation === undefined ? undefined : await needs.invitations.fit(arrival.invitation, assertion.facts)
    const known = await knownOrAwaited(arrival)
    const isInvited = fit?.kind === 'usable'
    const answer = decideAdmission(arrival.admission, assertion.facts, known !== undefined || isInvited)
    if (!answer.allowed) {
      if (known) await forgetGroups(known.identity, arrival)
      return { kind: 'refused', why: answer.why, rule: 'admission' }
    }
    if (known) {
      const { identity } = known
      const { note, ...settled } = await settle(known, arrival)
      const account = fit ? await accept(settled.account, arrival, fit) : settled.account
      return { kind: 'account', account, identity, created: false, invitation: becameOf(fit, account), note }
    }
    if (needs.registration === 'closed' && !isInvited && !isNamedAdmin(arrival)) return shut(fit)
    const email = verifiedEmail(assertion.facts)
    if (email && !arrival.wantsNew && (await accounts.findByVerifiedEmail(email))) {
      // It may be the account that another tab of this very sign-in has made since the look above.
      if (await identities.find(source, assertion)) return arriveOnce(arrival)
      return { kind: 'known-address', email }
    }
    const created = await create(arrival, { state: answer.state, fit }).then(() => true, unlessRaced)
    const made = await identities.known(source, assertion)
    if (!made) throw new Fault('ERR_STORAGE', 'the new account could not be read back')
    const { account, note } = await settle(made, arrival)
    const { identity } = made
    return { kind: 'account', account, identity, created, invitation: becameOf(fit, account), note }
  }

  return {
    async recognise(arrival) {
      const { source, assertion } = arrival
      const known = await identities.known(source, assertion)
      const id = known?.identity.account
      // Looked up for strangers too: how long the answer takes tells nobody who has an account.
      const account = await accounts.acting(id ?? '')
      const answer = decideAdmission(arrival.admission, assertion.facts, true)
      if (known && !answer.allowed) await forgetGroups(known.identity, arrival)
      if (!answer.allowed) return { kind: 'refused', account: id, why: 'admission' }
      if (!known) return { kind: 'refused', account: undefined, why: 'unknown' }
      if (!account) return { kind: 'refused', account: id, why: 'inactive' }
      return { kind: 'account', account: await settleWholly(known, arrival) }
    },
    async join(account, arrival) {
      if ((await accounts.find(account))?.kind !== 'person')
        throw new Fault('ERR_FORBIDDEN', 'Programs do not sign in.')
      const answer = decideAdmission(arrival.admission, arrival.assertion.facts, true)
      if (!answer.allowed) throw new Fault('ERR_ADMISSION', `This way is only for ${answer.why}.`)
      const identity = await identities.link(account, arrival.source, arrival.assertion)
      await needs.awaited.handOver(account, arrival)
      const known = await identities.known(arrival.source, arrival.assertion)
      if (!known) throw new Fault('ERR_STORAGE', 'the identity could not be read back')
      await settleWholly(known, arrival)
      return identity
    },
    async arrive(arrival) {
      try {
        return await arriveOnce(arrival)
      } catch (error) {
        // Another tab of the same person was faster: by now they are known.
        if (error instanceof ClaimLost) return arriveOnce(arrival)
        // Somebody was faster with the same link: this sign-in goes on as if there had been none.
        if (!(error instanceof InvitationLost)) throw error
        const welcome = await arriveOnce({ ...arrival, invitation: undefined })
        return welcome.kind === 'account' ? { ...welcome, invitation: 'over' } : welcome
      }
    },
  }
}

/** Whether `instance:address` or `instance:subject` of an assertion is in a list of the config. */
export function isNamedIn(
  admins: readonly string[],
  {
    source,
    assertion,
  }: {
    readonly source: Pick<Arrival['source'], 'instance'>
    readonly assertion: Pick<Arrival['assertion'], 'subject' | 'facts'>
  },
): boolean {
  const names = [assertion.subject, verifiedEmail(assertion.facts)].filter((name) => name !== undefined)
  return names.some((name) => admins.includes(`${source.instance}:${name}`))
}

function becameOf(fit: Fit | undefined, { state }: AccountRow): Invitedness | undefined {
  if (fit?.kind !== 'usable') return fit?.kind
  return state === 'deactivated' ? undefined : 'accepted'
}

function shut(fit: Fit | undefined): Welcome {
  return fit?.kind === 'other-address'
    ? { kind: 'refused', why: 'people who prove the invited e-mail address', rule: 'invitation' }
    : { kind: 'refused', why: 'people who already have an account here', rule: 'registration' }
}

/** Two tabs of one new person: one is let in, the other finds what the first made. */
function unlessRaced(error: unknown): false {
  const isTaken = isFault(error) && error.code === 'ERR_LINK_TAKEN'
  if (!isTaken && (error as Error).name !== 'UniqueConstraintViolationException') throw error
  return false
}
