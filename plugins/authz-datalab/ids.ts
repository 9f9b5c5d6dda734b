/**
 * datalab knows people and groups by 24 hexadecimal digits (a Mongo ObjectId). Ours are the word `labgate` and a zero byte,
 * then the number that the account or group has for dialects, 32 bits wide: it never changes and is never given again.
 * @module
 */

const before = '6c61626761746500'
const written = new RegExp(`^${before}([0-9a-f]{8})$`)
const anyId = /^[0-9a-f]{24}$/i

/** The id of an account or group, by its number. */
export function immutableId(numericId: number): string {
  return before + numericId.toString(16).padStart(8, '0')
}

/** The number behind an id; `0`, which nobody has, for a well-formed id that is not ours; `undefined` when it is none at all. */
export function numberOf(id: unknown): number | undefined {
  if (typeof id !== 'string' || !anyId.test(id)) return undefined
  const found = written.exec(id.toLowerCase())
  return found ? Number.parseInt(found[1] ?? '', 16) : 0
}
