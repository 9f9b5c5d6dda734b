/** What an API token looks like: prefix, 32 random characters of base62, and 6 of their CRC-32. @module */
import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Random } from '@labgate/contract'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const bodyLength = 32
const shape = /^lg[ps]_([0-9A-Za-z]{32})([0-9A-Za-z]{6})$/

/** Whether a value looks like one of ours: prefix and checksum are right. */
export function isApiToken(value: string): boolean {
  const [, body, sum] = shape.exec(value) ?? []
  return body !== undefined && sum === checksum(body)
}

/** Whether a value claims to be one of ours. No other token of ours is 42 characters long. */
export function claimsToBeApiToken(value: string): boolean {
  return value.length === 42 && /^lg[ps]_/.test(value)
}

/** A new value, of a person or of a service account. */
export function newTokenValue(kind: 'person' | 'service', random: Pick<Random, 'bytes'>): string {
  let body = ''
  while (body.length < bodyLength) {
    // 248 is four times 62: bytes above it would make the first characters likelier than the others.
    const fair = [...random.bytes(48)].filter((byte) => byte < 248)
    body += fair.map((byte) => alphabet[byte % 62]).join('')
  }
  body = body.slice(0, bodyLength)
  return `${kind === 'person' ? 'lgp' : 'lgs'}_${body}${checksum(body)}`
}

/** The only trace of a value in the database. */
export function tokenDigest(value: string): Uint8Array {
  return hash('sha256', value, 'buffer')
}

/** The same digest as the name under which a value is remembered: never the value itself. */
export function tokenKey(value: string): string {
  return hash('sha256', value, 'base64url')
}

/** The digest behind such a name, without the work of making it again. */
export function digestOfKey(key: string): Uint8Array {
  return Buffer.from(key, 'base64url')
}

function checksum(body: string): string {
  let rest = crc32(body)
  let text = ''
  for (let place = 0; place < 6; place++) {
    text = alphabet[rest % 62] + text
    rest = Math.floor(rest / 62)
  }
  return text
}
