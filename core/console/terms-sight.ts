/** Who may read which terms, and whether they have accepted them. @module */
import type { Terms } from '../access/model.ts'
import type { Desk } from '../login/desk.ts'

/** When the newest text that counts was accepted. */
export async function acceptedOn(desk: Desk, account: string, terms: Terms): Promise<Date | undefined> {
  const own = await desk.terms.acceptedBy(account)
  return own.find((one) => one.terms === terms.id && one.number >= terms.requiredNumber)?.at
}

/** Whether an account may see the document: terms of a hidden dataset would give away that it exists. */
export async function mayRead(desk: Desk, account: string, { id, dataset }: Terms): Promise<boolean> {
  if (dataset === undefined) return true
  const found = await desk.access.dataset(dataset)
  if (found?.visibility !== 'hidden') return true
  const mine = await desk.access.snapshot(account)
  if (mine.account.role === 'admin' || mine.grants.some((grant) => grant.dataset === dataset)) return true
  return (await desk.terms.acceptedBy(account)).some(({ terms }) => terms === id)
}
