/**
 * The one sequence of whole numbers of accounts, groups, datasets and terms: dialects that know things by number never
 * see two things of one number, of whatever kind, and a number that was given out is never given again. Ranges that an
 * import sets apart are given by imports alone: there people keep the number that data of services know them by.
 * @module
 */
import type { EntityManager } from '@mikro-orm/sqlite'
import type { Reads } from './late-orm.ts'

/** Where the sequence stands. */
const lastNumericId = 'numeric-id.last'
/** Ranges that the sequence has stepped over, as JSON. */
const keptNumericIds = 'numeric-id.kept'

/** Takes the next number, in the transaction of the row that is to have it. */
export async function nextNumericId(em: EntityManager): Promise<number> {
  const [row] = await em.execute<{ value: string }[]>(
    `update setting set value = cast(cast(value as integer) + 1 as text) where "key" = ? returning value`,
    [lastNumericId],
  )
  if (row === undefined) throw new TypeError(`the setting ${lastNumericId} is missing`)
  return Number(row.value)
}

/** Numbers from `first` to `last`. */
type Range = readonly [first: number, last: number]

/** Which numbers the sequence never gives. */
export async function freeNumericIds(em: Reads): Promise<(number: number) => boolean> {
  const { last, kept } = await stand(em)
  return (number) => number > last || kept.some(([from, to]) => number >= from && number <= to)
}

/** Moves the sequence above `highest`, and sets apart what it steps over. `room`: how much above. */
export async function keepNumericIds(em: EntityManager, { highest, room }: { highest: number; room: number }) {
  const { last, kept } = await stand(em)
  if (highest <= last) return
  const to = highest + room
  await em.execute(`update setting set value = ? where "key" = ?`, [String(to), lastNumericId])
  const ranges: Range[] = [...kept, [last + 1, to]]
  await em.execute(
    `insert into setting ("key", value) values (?, ?) on conflict ("key") do update set value = excluded.value`,
    [keptNumericIds, JSON.stringify(ranges)],
  )
}

async function stand(em: Reads): Promise<{ last: number; kept: readonly Range[] }> {
  const rows = await em.execute<{ key: string; value: string }[]>(
    `select "key", value from setting where "key" in (?, ?)`,
    [lastNumericId, keptNumericIds],
  )
  const values = new Map(rows.map(({ key, value }) => [key, value]))
  // Written by `keepNumericIds` alone.
  return { last: Number(values.get(lastNumericId)), kept: JSON.parse(values.get(keptNumericIds) ?? '[]') as Range[] }
}
