/** Pages of long lists: where the next one begins, and what a search looks like to the database. @module */
import { Fault } from '@labgate/contract'
import { raw } from '@mikro-orm/core'
import { type Paged, partOf } from './actor.ts'

const longestSearch = 200

/** Makes a page of rows that were read with one more than its size, so that the last page is known without another read. */
export function pageOf<T>(
  found: readonly T[],
  page: { readonly size: number; readonly total: number; readonly keyOf: (row: T) => string },
): Paged<T> {
  const rows = found.slice(0, page.size)
  const last = rows.at(-1)
  const next = found.length > page.size && last !== undefined ? page.keyOf(last) : undefined
  return { rows, total: page.total, next }
}

/** The number at which a page goes on. @throws Fault ERR_INPUT when `after` came from elsewhere */
export function afterNumber(after: string | undefined): number | undefined {
  if (after === undefined) return undefined
  if (!/^\d{1,15}$/.test(after)) throw new Fault('ERR_INPUT', 'This page does not exist; begin with the first one.')
  return Number(after)
}

/** A condition of `find` and `count`: any of these SQL conditions holds, each with one `?` for the pattern. */
export function searchWhere(search: string | undefined, conditions: readonly string[]): Record<string, never[]> {
  if (search === undefined || search.trim() === '') return {}
  const pattern = partOf(search.trim().slice(0, longestSearch))
  const any = raw(
    `(${conditions.join(' or ')})`,
    conditions.map(() => pattern),
  )
  // A fragment stands for its own key; with nothing to compare it is the whole condition.
  return { [any as unknown as string]: [] }
}
