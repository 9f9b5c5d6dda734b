/**
 * What a caller may look at: site admins everything, others what they look after. What is out of sight is not there:
 * it answers as if it did not exist.
 * @module
 */
import { Fault } from '@labgate/contract'
import type { Dataset, Terms } from '../access/model.ts'
import type { AccountRow } from '../accounts/accounts.ts'
import type { ApiNeeds, Caller } from './operation.ts'

/** Datasets in sight; `undefined`: all. The steering committee names the admins of any, so it sees all. */
export function datasetsSeen({ rights }: Caller): readonly string[] | undefined {
  return rights.admin || rights.steering ? undefined : [...new Set([...rights.datasets, ...rights.managed])]
}

/** Datasets whose terms, requests and answers are in sight; `undefined`: all. */
export function datasetsKept({ rights }: Caller): readonly string[] | undefined {
  return rights.admin ? undefined : rights.datasets
}

/** A fault for what is not there or out of sight. */
export function noSuch(what: string): Fault {
  return new Fault('ERR_NOT_FOUND', `There is no such ${what}.`)
}

/** A dataset in sight, by slug or alias. @throws Fault ERR_NOT_FOUND */
export async function datasetInSight(needs: ApiNeeds, caller: Caller, name: string): Promise<Dataset> {
  const dataset = await needs.ledger.datasets.find(name)
  if (!dataset || !includes(datasetsSeen(caller), dataset.slug)) throw noSuch('dataset')
  return dataset
}

/** A dataset that the caller keeps. @throws Fault ERR_NOT_FOUND */
export async function datasetKept(needs: ApiNeeds, caller: Caller, name: string): Promise<Dataset> {
  const dataset = await needs.ledger.datasets.find(name)
  if (!dataset || !includes(datasetsKept(caller), dataset.slug)) throw noSuch('dataset')
  return dataset
}

/** Terms in sight; those of the whole site are the site admins'. @throws Fault ERR_NOT_FOUND */
export async function termsInSight(needs: ApiNeeds, caller: Caller, id: string): Promise<Terms> {
  const terms = await needs.ledger.terms.find(id)
  const seen = caller.rights.admin || (terms?.dataset !== undefined && caller.rights.datasets.includes(terms.dataset))
  if (!terms || !seen) throw noSuch('terms document')
  return terms
}

/** A group in sight. @throws Fault ERR_NOT_FOUND */
export async function groupInSight(needs: ApiNeeds, { rights }: Caller, slug: string) {
  const group = rights.admin || rights.groups.includes(slug) ? await needs.groups.find(slug) : undefined
  if (!group) throw noSuch('group')
  return group
}

/** An account by id or username, whoever it is. @throws Fault ERR_NOT_FOUND */
export async function accountNamed(needs: Pick<ApiNeeds, 'accounts'>, name: string): Promise<AccountRow> {
  const account = (await needs.accounts.find(name)) ?? (await needs.accounts.findByUsername(name))
  if (!account) throw noSuch('account')
  return account
}

/** An account whose tokens the caller looks after: their own, their service accounts'; to site admins any. @throws Fault ERR_NOT_FOUND */
export async function accountInSight(needs: ApiNeeds, caller: Caller, name: string): Promise<AccountRow> {
  const account = await accountNamed(needs, name)
  if (!ownsAccount(caller, account)) throw noSuch('account')
  return account
}

/** Whether an account is the caller's own, their service account, or the caller a site admin. */
export function ownsAccount({ account: own, rights }: Caller, account: Pick<AccountRow, 'id' | 'parent'>): boolean {
  return rights.admin || account.id === own.id || account.parent === own.id
}

/** Only for site admins. @throws Fault ERR_FORBIDDEN */
export function assertSiteAdmin({ rights }: Caller, what: string): void {
  if (!rights.admin) throw new Fault('ERR_FORBIDDEN', `Only a site admin may ${what}.`)
}

function includes(seen: readonly string[] | undefined, slug: string): boolean {
  return seen === undefined || seen.includes(slug)
}
