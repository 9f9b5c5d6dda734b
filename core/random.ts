/** Randomness from the operating system, in the three spellings of the contract. @module */
import { randomBytes, randomInt } from 'node:crypto'
import type { Random } from '@labgate/contract'

const tokenBytes = 32

/** Cryptographically strong randomness; a {@link TypeError} answers a length that is not a positive integer. */
export const systemRandom: Random = Object.freeze({
  bytes: (length: number) => new Uint8Array(randomBytes(checked(length))),
  token: () => randomBytes(tokenBytes).toString('base64url'),
  digits: (length: number) => Array.from({ length: checked(length) }, () => randomInt(10)).join(''),
})

function checked(length: number): number {
  if (Number.isSafeInteger(length) && length > 0) return length
  throw new TypeError(`\`length\` must be a positive integer, got ${length} (${typeof length})`)
}

/**
 * An id of `length` letters and digits, at most 32. People type and paste ids, and a command line takes what begins
 * with a dash for an option.
 */
export function newId(random: Pick<Random, 'token'>, length: number): string {
  const id = random.token().replaceAll(/[-_]/g, '').slice(0, length)
  return id.length === length ? id : newId(random, length)
}
