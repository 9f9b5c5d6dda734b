/** That people accepted terms: written once a person and text, read by person or by terms. @module */
import { type Clock, Fault } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { type Actor, type PageAsk, type Paged, pageLimit } from '../accounts/actor.ts'
import { afterNumber, pageOf, searchWhere } from '../accounts/paging.ts'
import { AccountEntity } from '../storage/entities.ts'
import type { Reads } from '../storage/late-orm.ts'
import { AcceptanceEntity } from '../storage/ledger-entities.ts'
import type { Acceptance } from './model.ts'
import { acceptanceView } from './terms-rows.ts'

/** Somebody who accepts. */
export type Acceptor = Actor & { readonly kind: 'account' }

/** Writes an acceptance within the caller's transaction; `false` when it stood already. @throws Fault ERR_FORBIDDEN */
export async function acceptIn(
  em: EntityManager,
  acceptor: Acceptor,
  given: { readonly terms: string; readonly number: number; readonly digest: string; readonly clock: Clock },
): Promise<boolean> {
  const { terms, number, digest, clock } = given
  const account = await em.findOne(AccountEntity, { id: acceptor.account })
  if (account?.state !== 'active') throw new Fault('ERR_FORBIDDEN', 'This account may not act now.')
  // A machine cannot agree to anything: what its parent accepted counts for it.
  if (account.kind !== 'person') throw new Fault('ERR_FORBIDDEN', 'Only people can accept terms of use.')
  if ((await em.count(AcceptanceEntity, { account: account.id, terms, number })) > 0) return false
  const at = clock.now()
  em.create(AcceptanceEntity, { account: account.id, terms, number, at, address: acceptor.address ?? null, digest })
  em.assign(account, { revision: account.revision + 1, updatedAt: at })
  await em.flush()
  return true
}

/** Whom a search means: by id, or by a part of a name or address. */
const ofAccounts = ['id', 'username', 'display_name', 'email'].map(
  (column) => `account_id in (select id from account where lower(${column}) like ? escape '\\')`,
)

/** Who accepted terms, newest first. `search`: part of an account's id, username, name or address. */
export async function listAcceptances(
  em: Reads,
  ask: PageAsk & { readonly terms: string },
): Promise<Paged<Acceptance>> {
  const where = { terms: ask.terms, ...searchWhere(ask.search, ofAccounts) }
  const total = await em.count(AcceptanceEntity, where)
  const size = pageLimit(ask)
  const after = afterNumber(ask.after)
  const rows = await em.find(
    AcceptanceEntity,
    { ...where, ...(after === undefined ? {} : { id: { $lt: after } }) },
    { orderBy: { id: 'desc' }, limit: size + 1 },
  )
  const page = pageOf(rows, { size, total, keyOf: ({ id }) => String(id) })
  return { ...page, rows: page.rows.map(acceptanceView) }
}

/** What a person accepted, newest first. */
export async function acceptancesOf(em: Reads, account: string): Promise<Acceptance[]> {
  return (await em.find(AcceptanceEntity, { account }, { orderBy: { id: 'desc' } })).map(acceptanceView)
}
