/**
 * Signs cookies with the ring's keys: HMAC-SHA-256, compared in constant time. Of the shape that koa and
 * oidc-provider take for their `keys`; their own signer (SHA-1, two more HMACs a comparison) costs a tenth of a sign-in.
 * @module
 */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { createMemo } from '../storage/memo.ts'

/** Signs with the newest key and accepts all of them. */
export interface CookieSigner {
  sign(data: string): string
  verify(data: string, signature: string): boolean
  /** The place of the key that signed, newest first; -1 when none did. */
  index(data: string, signature: string): number
}

/** Most signatures of the newest key that are remembered: what one request signs, the next ones bring. */
const remembered = 2000

/** Makes a signer of keys, newest first. */
export function createCookieSigner(keys: readonly string[]): CookieSigner {
  const secrets = keys.map((key) => createSecretKey(key, 'utf8'))
  const [newest] = secrets
  if (newest === undefined) throw new TypeError('`keys` must have at least one key')
  const known = createMemo<string>(remembered)
  const index = (data: string, signature: string): number => {
    const given = Buffer.from(signature)
    return secrets.findIndex((key) => {
      const kept = key === newest ? known.peek(data, () => true) : undefined
      const own = kept ?? mac(key, data)
      const fits = isSame(Buffer.from(own), given)
      // Only what is right: of what anybody makes up nothing is kept.
      if (fits && key === newest && kept === undefined) known.keep(data, own)
      return fits
    })
  }
  return {
    sign: (data) => known.peek(data, () => true) ?? known.keep(data, mac(newest, data)),
    verify: (data, signature) => index(data, signature) >= 0,
    index,
  }
}

function isSame(own: Buffer, given: Buffer): boolean {
  return own.length === given.length && timingSafeEqual(own, given)
}

function mac(key: KeyObject, data: string): string {
  return createHmac('sha256', key).update(data).digest('base64url')
}
