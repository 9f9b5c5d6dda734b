/**
 * Erasing a person: first nobody acts as them any more, then every plugin lets go of what it holds, then all rows go
 * in one step, then the file is rewritten. Each part may be done twice, so that a second run finishes a broken one.
 * @module
 */
import { type AccountId, Fault } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { type Account, AccountEntity } from '../storage/entities.ts'
import type { Reads } from '../storage/late-orm.ts'
import type { Actor } from './actor.ts'
import type { LifeNeeds } from './data-holders.ts'
import { eraseIn } from './erase-rows.ts'
import { assertAdminIn, assertOtherAdmin } from './standing.ts'

/** What an erasure has done. */
export interface Erased {
  readonly account: AccountId
  /** Accounts that were merged into it, and are erased with it. */
  readonly merged: readonly AccountId[]
  /** Ids of grants that the config file gives to them by name: they stand until the file is changed. */
  readonly inConfig: readonly number[]
}

/** Makes the erasing. */
export function createErase(needs: LifeNeeds): (actor: Actor, account: AccountId) => Promise<Erased> {
  const { storage, clock, random, accounts, consents } = needs
  return async (actor, account) => {
    // Asked and shut in one step: of two admins who erase each other, one is too late.
    await storage.transaction(async (em) => {
      const row = await assertMayErase(em, actor, account)
      if (row.state !== 'deactivated')
        em.assign(row, { state: 'deactivated', updatedAt: clock.now(), revision: row.revision + 1 })
    })
    const freed = new Set<AccountId>()
    for (;;) {
      const ids = [account, ...(await mergedInto(storage.em(), account))]
      for (const id of ids.filter((one) => !freed.has(one))) await free(id)
      for (const id of ids) freed.add(id)
      const inConfig = await eraseRows(needs, actor, ids)
      // Another account was merged into it meanwhile, and plugins hold something of that one, too.
      if (inConfig === undefined) continue
      await storage.compact()
      return { account, merged: ids.slice(1), inConfig }
    }
  }

  async function free(id: AccountId): Promise<void> {
    await shut(needs, id)
    await eraseInPlugins(needs, id)
    await consents.forgetAll(id)
    await needs.languages.forget(id)
    await storage.artifacts.deleteByAccount(id)
  }

  async function shut({ sessions }: LifeNeeds, id: AccountId): Promise<void> {
    // Tells every listener, as long as there is something to tell.
    if (!(await storage.accountRows.find(id))?.erasedAt) await accounts.setState(id, 'deactivated')
    await sessions.endAll(id)
  }

  /** `undefined`: nothing was done, as there are more accounts to erase than these. */
  async function eraseRows(
    { change }: LifeNeeds,
    actor: Actor,
    ids: readonly AccountId[],
  ): Promise<readonly number[] | undefined> {
    const [account = ''] = ids
    // From where they erased themselves is erased as well.
    const { address: _, ...anonymous } = actor.kind === 'account' ? actor : { address: undefined, ...actor }
    const by = actor.kind === 'account' && ids.includes(actor.account) ? (anonymous as Actor) : actor
    return change<readonly number[] | undefined>(by, undefined, async (em) => {
      if ((await mergedInto(em, account)).some((id) => !ids.includes(id))) return { unchanged: undefined }
      const before = await em.findOneOrFail(AccountEntity, { id: account })
      const isNew = !before.erasedAt
      const inConfig = await eraseIn(em, { ids, by, now: clock.now(), ring: storage.ring, random })
      if (!isNew) return { unchanged: inConfig }
      const after = { merged: ids.slice(1), inConfig }
      return { result: inConfig, type: 'account.erased', account, target: {}, before: undefined, after }
    })
  }
}

async function assertMayErase(em: EntityManager, actor: Actor, id: AccountId): Promise<Account> {
  await assertAdminIn(em, actor)
  const row = await em.findOne(AccountEntity, { id })
  if (!row) throw new Fault('ERR_NOT_FOUND', 'There is no such account.')
  if (row.state === 'active' && row.role === 'admin') await assertOtherAdmin(em, id)
  return row
}

/** Accounts that went into this one, and into those. */
export async function mergedInto(em: Reads, account: AccountId): Promise<AccountId[]> {
  const sql = `with recursive gone (id) as (select id from account where merged_into = ?
    union select a.id from account a join gone on a.merged_into = gone.id) select id from gone where id <> ?`
  return (await em.execute<{ id: string }[]>(sql, [account, account])).map(({ id }) => id)
}

async function eraseInPlugins({ holders }: LifeNeeds, account: AccountId): Promise<void> {
  for (const { id, lifecycle } of holders.all()) {
    if (lifecycle === undefined)
      throw new Fault('ERR_PLUGIN', `plugins.${id}: it could not be loaded, so what it holds cannot be erased; mend it`)
    try {
      await lifecycle.erase?.(account)
    } catch (cause) {
      throw new Fault('ERR_PLUGIN', `plugins.${id}: it could not erase its data; mend it and erase again`, {
        detail: { instance: id, account },
        cause,
      })
    }
  }
}
