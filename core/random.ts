/** Randomness from the operating system, in the three spellings of the contract. @module */
import { randomBytes, randomFillSync, randomInt } from 'node:crypto'
import type { Random } from '@labgate/contract'

const tokenBytes = 32

/** Cryptographically strong randomness; a {@link TypeError} answers a length that is not a positive integer. */
export const systemRandom: Random = Object.freeze({
  bytes: (length: number) => new Uint8Array(randomBytes(checked(length))),
  token: () => quickToken(tokenBytes),
  digits: (length: number) => Array.from({ length: checked(length) }, () => randomInt(10)).join(''),
})

const store = { bytes: Buffer.alloc(8192), at: 8192 }

/** `length` random bytes in base64url, at most 48. They come from a store that is filled many at once, and leave no trace in it. */
export function quickToken(length: number): string {
  if (checked(length) > 48) throw new TypeError('`length` must be at most 48')
  if (store.at + length > store.bytes.length) {
    randomFillSync(store.bytes)
    store.at = 0
  }
  const from = store.at
  store.at += length
  const text = store.bytes.toString('base64url', from, store.at)
  store.bytes.fill(0, from, store.at)
  return text
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** `length` random letters and digits from the same store. */
export function quickId(length: number): string {
  let id = ''
  while (id.length < length) {
    if (store.at === store.bytes.length) {
      randomFillSync(store.bytes)
      store.at = 0
    }
    const byte = store.bytes[store.at] ?? 0
    store.bytes[store.at++] = 0
    // 248 is four times 62: bytes above it would make the first letters likelier than the others.
    if (byte < 248) id += letters[byte % 62]
  }
  return id
}

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
