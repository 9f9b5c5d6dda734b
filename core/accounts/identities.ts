/**
 * Identities: the ways an account is known upstream, keyed by (realm, issuer, subject). An e-mail address never
 * makes a match. A removed identity leaves a tombstone, so that it never silently becomes somebody else's.
 * @module
 */

import {
  type AccountId,
  type Assertion,
  type Clock,
  type Fact,
  Fault,
  type Json,
  type Random,
  type SourcedFact,
  type Trust,
} from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { newId } from '../random.ts'
import { AccountEntity, type Identity, IdentityEntity, MembershipEntity } from '../storage/entities.ts'
import type { Storage } from '../storage/storage.ts'
import { type AccountRow, assertMayReturn, identitiesReadWith, verifiedEmail, viewOf } from './accounts.ts'

/** Where an assertion came from. */
export interface Source {
  /** Instance id. */
  readonly instance: string
  readonly realm: string
}

export interface IdentityRow {
  readonly id: string
  readonly account: AccountId
  readonly realm: string
  readonly issuer: string
  readonly subject: string
  readonly instance: string
  readonly facts: readonly Fact[]
  readonly kept: Json | undefined
  readonly createdAt: Date
  readonly lastSeenAt: Date
}

/** What a sign-in says: all of an assertion that is kept. */
export interface SignInWords extends Pick<Assertion, 'facts' | 'keep'> {
  readonly signsIn?: boolean
}

/** An identity with whom it belongs to. */
export interface KnownIdentity {
  readonly identity: IdentityRow
  readonly account: AccountRow
  /** The groups that the instance which speaks now put the account in. */
  readonly said: readonly string[]
}

export interface Identities {
  find(source: Source, assertion: Assertion): Promise<IdentityRow | undefined>
  /** The same with its account, by one read. */
  known(source: Source, assertion: Assertion): Promise<KnownIdentity | undefined>
  list(account: AccountId): Promise<IdentityRow[]>
  /**
   * What sign-ins say of the person, then what they say of themselves. With `acting`, the account as it acts now, the
   * former is read once for it.
   */
  facts(account: AccountId, acting?: object): Promise<SourcedFact[]>
  /** @throws Fault ERR_LINK_TAKEN when another account has it */
  link(account: AccountId, source: Source, assertion: Assertion): Promise<IdentityRow>
  /** The same within the caller's transaction. */
  linkIn(em: EntityManager, account: AccountId, found: { source: Source; assertion: Assertion }): Promise<void>
  /** Notes newest facts, what to keep, when; with `signsIn` that the person signs in with it, too. */
  seen(id: string, source: Source, says: SignInWords): Promise<void>
  /**
   * Removes it, the groups its instance stood for, and the mark of an address that nothing else proves. `last: 'when-deactivated'`: as an admin does it, who may take
   * the last one of an account that is shut out.
   * @throws Fault ERR_NOT_FOUND, ERR_CONFLICT when it is the account's last way in
   */
  unlink(account: AccountId, id: string, options?: { readonly last: 'when-deactivated' }): Promise<IdentityRow>
}

const purpose = 'identity-kept'

// What an account is known by decides what it may do: answers kept from before must not be given again.
async function grown(em: EntityManager, account: AccountId): Promise<void> {
  await em.execute('update account set revision = revision + 1 where id = ?', [account])
}

/** An address that only the removed identity proved is still there to write to, and no longer a proved one. */
async function forgetProof(
  em: EntityManager,
  account: AccountId,
  { removed, left }: { removed: Identity; left: readonly Identity[] },
): Promise<void> {
  const email = verifiedEmail(removed.facts)
  if (email === undefined || left.some(({ facts }) => verifiedEmail(facts) === email)) return
  await em.nativeUpdate(AccountEntity, { id: account, email }, { emailVerified: false })
}

async function assertLastMayGo(em: EntityManager, account: AccountId, last: 'when-deactivated' | undefined) {
  if (last === undefined)
    throw new Fault('ERR_CONFLICT', 'This is the only way into your account. Link another one first.')
  if ((await em.count(AccountEntity, { id: account, state: 'deactivated' })) === 0)
    throw new Fault('ERR_CONFLICT', 'This is the only way into the account. Deactivate the account first.')
}

export function createIdentities(needs: {
  storage: Storage
  clock: Clock
  random: Random
  /** What people say of themselves; nothing, without it. */
  selfSaid?: (account: AccountId) => Promise<readonly SourcedFact[]>
}): Identities {
  const { storage, clock, random } = needs
  type Row = Identity
  const seal = (keep: Json | undefined) =>
    keep === undefined ? null : storage.ring.seal(JSON.stringify(keep), purpose)
  const view = (row: Row): IdentityRow => ({
    id: row.id,
    account: row.account,
    realm: row.realm,
    issuer: row.issuer,
    subject: row.subject,
    instance: row.instance,
    facts: row.facts as Fact[],
    kept: row.kept ? (JSON.parse(storage.ring.open(Buffer.from(row.kept), purpose).toString()) as Json) : undefined,
    createdAt: row.createdAt,
    lastSeenAt: row.lastSeenAt,
  })
  const key = (source: Source, { issuer, subject }: Assertion) => ({ realm: source.realm, issuer, subject })
  /** By the account as it acts, which is another object as soon as anything about it has changed, its identities too. */
  const vouchedFor = new WeakMap<object, readonly SourcedFact[]>()
  const list = async (account: AccountId) => (await storage.accountRows.identities(account)).map(view)

  const known: Identities['known'] = async (source, assertion) => {
    const row = await storage.accountRows.identity(key(source, assertion), source.instance)
    if (row === undefined) return undefined
    const { identity, account, said } = row
    return { identity: view(identity), account: viewOf(account, account.groups), said }
  }

  const linkIn: Identities['linkIn'] = async (em, account, { source, assertion }) => {
    const owner = await em.findOne(AccountEntity, { id: account })
    // A way in that was under way while its account was erased or merged would lead nowhere for good.
    if (owner) assertMayReturn(owner)
    const now = clock.now()
    const { facts } = assertion
    const fields = {
      account,
      instance: source.instance,
      facts,
      kept: seal(assertion.keep),
      lastSeenAt: now,
      removedAt: null,
    }
    const row = await em.findOne(IdentityEntity, key(source, assertion))
    if (row && row.removedAt === null && row.account !== account)
      throw new Fault('ERR_LINK_TAKEN', 'This way to sign in already belongs to another account.')
    if (row) em.assign(row, fields)
    else
      em.create(IdentityEntity, {
        id: newId(random, 22),
        ...key(source, assertion),
        ...fields,
        createdAt: now,
      })
    await em.flush()
    await grown(em, account)
  }

  return {
    list,
    known,
    find: async (source, assertion) => (await known(source, assertion))?.identity,
    async facts(account, acting) {
      const said = (await needs.selfSaid?.(account)) ?? []
      const kept = acting && vouchedFor.get(acting)
      const read = acting && identitiesReadWith(acting)
      const vouched = kept ?? (read ?? (await storage.accountRows.identities(account))).flatMap(factsOf)
      if (acting !== undefined && kept === undefined) vouchedFor.set(acting, vouched)
      return [...vouched, ...said]
    },
    linkIn,
    async link(account, source, assertion) {
      await storage.transaction((em) => linkIn(em, account, { source, assertion }))
      const linked = await storage.em().findOne(IdentityEntity, key(source, assertion))
      return view(linked as Row)
    },
    async seen(id, { instance }, { facts, keep, signsIn = false }) {
      const kept = keep === undefined ? undefined : seal(keep)
      await storage.accountRows.noteSeen({ id, instance, facts, kept, signsIn, at: clock.now() })
    },
    async unlink(account, id, options) {
      // Counted where it is written: of two at once that would remove the last two, one must stay.
      const row = await storage.transaction(async (em) => {
        const mine = await em.find(IdentityEntity, { account, removedAt: null })
        const found = mine.find((identity) => identity.id === id)
        if (!found) throw new Fault('ERR_NOT_FOUND', 'This way to sign in is not linked to the account.')
        if (mine.length === 1) await assertLastMayGo(em, account, options?.last)
        const removed = view(found)
        await em.nativeUpdate(IdentityEntity, { id, account }, { removedAt: clock.now(), kept: null, facts: [] })
        // What it stood for goes with it: nobody could be asked about these groups again.
        await em.nativeDelete(MembershipEntity, { account, source: removed.instance })
        await forgetProof(em, account, { removed: found, left: mine.filter((identity) => identity !== found) })
        await grown(em, account)
        return removed
      })
      return row
    },
  }
}

function factsOf(row: Pick<Identity, 'facts' | 'instance' | 'issuer' | 'subject' | 'lastSeenAt'>): SourcedFact[] {
  return row.facts.map((fact) => ({
    ...fact,
    trust: fact.trust as Trust,
    via: row.instance,
    issuer: row.issuer,
    subject: row.subject,
    at: row.lastSeenAt,
  }))
}
