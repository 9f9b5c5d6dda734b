/**
 * The one sequence of whole numbers of accounts, groups, datasets and terms: dialects that know things by number never
 * see two things of one number, of whatever kind, and a number that was given out is never given again.
 * @module
 */
import type { EntityManager } from '@mikro-orm/sqlite'

/** Where the sequence stands. */
const lastNumericId = 'numeric-id.last'

/** Takes the next number, in the transaction of the row that is to have it. */
export async function nextNumericId(em: EntityManager): Promise<number> {
  const [row] = await em.execute<{ value: string }[]>(
    `update setting set value = cast(cast(value as integer) + 1 as text) where "key" = ? returning value`,
    [lastNumericId],
  )
  if (row === undefined) throw new TypeError(`the setting ${lastNumericId} is missing`)
  return Number(row.value)
}
