/** The rows of who manages whom, read within a transaction or beside one. @module */
import type { AccountId } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import type { Reads } from '../storage/late-orm.ts'
import { AccountManagerEntity } from '../storage/life-entities.ts'

/** So many managers, one above the other, there may be above a person. */
export const mostDepth = 10

/** Ids of those who manage an account directly, sorted. */
export async function managersOf(em: Reads, account: AccountId): Promise<AccountId[]> {
  const sql = 'select manager_id as id from account_manager where account_id = ? order by manager_id'
  return (await em.execute<{ id: string }[]>(sql, [account])).map(({ id }) => id)
}

/** Ids of those whom an account manages, directly or through others, sorted. */
export async function managedBy(em: Reads, account: AccountId): Promise<AccountId[]> {
  const sql = `with recursive below (id) as (select account_id from account_manager where manager_id = ?
    union select m.account_id from account_manager m join below b on m.manager_id = b.id) select id from below order by id`
  return (await em.execute<{ id: string }[]>(sql, [account])).map(({ id }) => id)
}

/** Whether everybody stands above themselves, or the longest line through an account has more than `mostDepth` managers. */
export async function managementFault(em: EntityManager, account: AccountId): Promise<'circle' | 'depth' | undefined> {
  const line = async (from: 'account_id' | 'manager_id', to: 'account_id' | 'manager_id') => {
    const sql = `with recursive line (id, depth) as (select ${to}, 1 from account_manager where ${from} = ?
      union select m.${to}, l.depth + 1 from account_manager m join line l on m.${from} = l.id where l.depth <= ${mostDepth})
      select id, depth from line`
    return em.execute<{ id: string; depth: number }[]>(sql, [account])
  }
  const [above, below] = [await line('account_id', 'manager_id'), await line('manager_id', 'account_id')]
  if (above.some(({ id }) => id === account)) return 'circle'
  const longest = (rows: readonly { readonly depth: number }[]) => Math.max(0, ...rows.map(({ depth }) => depth))
  return longest(above) + longest(below) > mostDepth ? 'depth' : undefined
}

/** Management that an account takes part in, directly: who manages it, whom it manages. */
export interface Management {
  readonly managers: readonly AccountId[]
  readonly people: readonly AccountId[]
}

/** What of FROM's management INTO does not have yet; never INTO above itself. */
export async function managementToMove(em: Reads, from: AccountId, into: AccountId): Promise<Management> {
  const peopleOf = async (id: AccountId) => {
    const sql = 'select account_id as id from account_manager where manager_id = ? order by account_id'
    return (await em.execute<{ id: string }[]>(sql, [id])).map((row) => row.id)
  }
  const fresh = (ids: readonly AccountId[], there: readonly AccountId[]) =>
    ids.filter((id) => id !== into && !there.includes(id))
  return {
    managers: fresh(await managersOf(em, from), await managersOf(em, into)),
    people: fresh(await peopleOf(from), await peopleOf(into)),
  }
}

/** Moves it; what would close a circle or make a line too long is left out. */
export async function moveManagement(
  em: EntityManager,
  { from, into, now }: { readonly from: AccountId; readonly into: AccountId; readonly now: Date },
): Promise<void> {
  const { managers, people } = await managementToMove(em, from, into)
  await forgetManagement(em, [from])
  const rows = [
    ...managers.map((manager) => ({ account: into, manager })),
    ...people.map((account) => ({ account, manager: into })),
  ]
  for (const row of rows) {
    await em.insert(AccountManagerEntity, { ...row, createdAt: now })
    if ((await managementFault(em, into)) !== undefined) await em.nativeDelete(AccountManagerEntity, row)
  }
}

/** Takes accounts out of all management. */
export async function forgetManagement(em: EntityManager, accounts: readonly AccountId[]): Promise<void> {
  const any = { $in: [...accounts] }
  await em.nativeDelete(AccountManagerEntity, { $or: [{ account: any }, { manager: any }] })
}
