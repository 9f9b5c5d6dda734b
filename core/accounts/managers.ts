/** Who manages whom: people above people, without circles. What a manager may see is a dialect's to say. @module */
import { type AccountId, type Clock, Fault } from '@labgate/contract'
import { AccountEntity } from '../storage/entities.ts'
import { AccountManagerEntity } from '../storage/life-entities.ts'
import type { Storage } from '../storage/storage.ts'
import { assertMayReturn } from './accounts.ts'
import type { Actor } from './actor.ts'
import type { Change } from './changes.ts'
import { managedBy, managementFault, managersOf, mostDepth } from './manager-rows.ts'
import { assertAdminIn } from './standing.ts'

/** Of one person at most so many managers. */
const mostManagers = 20

/** The managers of people. */
export interface Managers {
  /** Direct managers, by id. */
  of(account: AccountId): Promise<readonly AccountId[]>
  /** Whom an account manages, directly or through others, by id. */
  below(account: AccountId): Promise<readonly AccountId[]>
  /**
   * Sets all managers of a person at once; only site admins do.
   * @throws Fault ERR_FORBIDDEN, ERR_NOT_FOUND, ERR_INPUT (a circle, a line too long, a program, one that is shut)
   */
  set(actor: Actor, account: AccountId, managers: readonly AccountId[]): Promise<void>
}

/** Makes it. */
export function createManagers(needs: { storage: Storage; clock: Clock; change: Change }): Managers {
  const { storage, clock, change } = needs
  return {
    of: (account) => managersOf(storage.em(), account),
    below: (account) => managedBy(storage.em(), account),
    async set(actor, account, managers) {
      const wanted = [...new Set(managers)].toSorted()
      if (wanted.length > mostManagers) throw new Fault('ERR_INPUT', `A person has at most ${mostManagers} managers.`)
      if (wanted.includes(account)) throw new Fault('ERR_INPUT', 'Nobody manages themselves.')
      await change(actor, undefined, async (em) => {
        await assertAdminIn(em, actor)
        const rows = await em.find(AccountEntity, { id: { $in: [account, ...wanted] } }, { disableIdentityMap: true })
        for (const id of [account, ...wanted]) {
          const row = rows.find((one) => one.id === id)
          if (!row) throw new Fault('ERR_NOT_FOUND', 'There is no such account.')
          assertMayReturn(row)
          if (row.kind !== 'person') throw new Fault('ERR_INPUT', 'Only people have managers, or are some.')
        }
        const before = await managersOf(em, account)
        if (before.join() === wanted.join()) return { unchanged: undefined }
        await em.nativeDelete(AccountManagerEntity, { account })
        for (const manager of wanted)
          await em.insert(AccountManagerEntity, { account, manager, createdAt: clock.now() })
        // Asked of what is written, so that two changes at once cannot close a circle between them.
        const fault = await managementFault(em, account)
        if (fault === 'circle')
          throw new Fault('ERR_INPUT', 'That would make a circle: somebody would manage themselves.')
        if (fault === 'depth')
          throw new Fault('ERR_INPUT', `There would be more than ${mostDepth} managers, one above the other.`)
        await em.execute('update account set revision = revision + 1 where id = ?', [account])
        const type = 'account.managers-changed'
        return { result: undefined, type, account, target: {}, before, after: wanted }
      })
    },
  }
}
