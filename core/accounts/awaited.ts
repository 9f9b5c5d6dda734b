/**
 * Accounts that were imported for people who have not come yet. Nobody can sign in to one until the sign-in that the
 * import named vouches for the person: by a verified address or by its own subject, never by what somebody typed. That
 * lets one person in, once; then nothing is awaited any more.
 * @module
 */
import type { AccountId, Assertion } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { AccountEntity } from '../storage/entities.ts'
import { AwaitedNameEntity } from '../storage/import-entities.ts'
import type { Storage } from '../storage/storage.ts'
import { verifiedEmail } from './accounts.ts'
import type { Change } from './changes.ts'
import type { Source } from './identities.ts'
import type { Merge } from './merge.ts'

/** What an arrival is known by. */
interface Shown {
  readonly source: Source
  readonly assertion: Assertion
}

/** The accounts that wait for their person. */
export interface Awaited {
  /** The account that waits for whom an assertion shows; `undefined`: none. */
  find(source: Source, assertion: Assertion): Promise<AccountId | undefined>
  /**
   * Lets the person of an instance in, within the caller's transaction: nobody is awaited there any more.
   * @throws ClaimLost when somebody was faster; roll back
   */
  claimIn(em: EntityManager, account: AccountId, instance: string): Promise<void>
  /** Somebody known proves to be whom an account waits for: what was imported moves to theirs. */
  handOver(to: AccountId, shown: Shown): Promise<void>
}

/** Somebody else was let in meanwhile. */
export class ClaimLost extends Error {
  override readonly name = 'ClaimLost'
}

const actor = { kind: 'system', name: 'import' } as const

/** Makes that side on a storage. */
export function createAwaited(needs: {
  readonly storage: Storage
  readonly change: Change
  /** Asked late: merging stands on more than this. */
  readonly merge: Merge['merge']
}): Awaited {
  const { storage, change } = needs
  const find: Awaited['find'] = async ({ instance }, { subject, facts }) => {
    const email = verifiedEmail(facts)
    // A subject that reads like an address proves none.
    const names = [...(subject.includes('@') ? [] : [subject]), ...(email === undefined ? [] : [email])]
    const rows = await storage.em().find(AwaitedNameEntity, { instance, value: { $in: names } })
    // An upstream's own id says more than an address, which may have had another owner.
    return (rows.find(({ value }) => value === subject) ?? rows[0])?.account
  }
  return {
    find,
    claimIn: (em, account, instance) =>
      change<void>(actor, undefined, async () => {
        if ((await em.nativeDelete(AwaitedNameEntity, { account })) === 0) throw new ClaimLost(account)
        const [target, after] = [{ instance }, undefined]
        return { result: undefined, type: 'account.claimed', account, target, before: undefined, after }
      }),
    async handOver(to, { source, assertion }) {
      const from = await find(source, assertion)
      if (from === undefined) return
      // Already theirs: only the waiting ends. Who is shut out stays so: nothing moves.
      const row = await storage.em().findOne(AccountEntity, { id: from })
      if (from !== to && row?.state !== 'active') return
      if (from !== to) await needs.merge(actor, from, to)
      await storage.transaction((em) => em.nativeDelete(AwaitedNameEntity, { account: to, instance: source.instance }))
    },
  }
}
