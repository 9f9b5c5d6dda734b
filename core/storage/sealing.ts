/**
 * The key ring that seals what must not lie in clear in the database, and the digests that stand for ids there.
 * Keys come from outside the database, newest first: the first seals, every one of them opens.
 * @module
 */
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  randomFillSync,
} from 'node:crypto'
import { Fault } from '@labgate/contract'

/** Seals and opens values, and derives further keys, from secrets of the operator. */
export interface KeyRing {
  /**
   * Seals with the newest key. Layout: 1 byte version, 4 bytes key id, 12 bytes nonce, ciphertext, 16 bytes tag.
   * `bound` ties the box to its place (the digest of its row): moved to another row, it does not open.
   */
  seal(value: string | Uint8Array, purpose: string, bound?: Uint8Array): Buffer
  /**
   * Opens what any key of the ring sealed for this purpose and place.
   * @throws Fault ERR_KEYS when no key of the ring fits or the box was altered
   */
  open(box: Uint8Array, purpose: string, bound?: Uint8Array): Buffer
  /** Keys to sign cookies with, newest first. */
  cookieKeys(): string[]
  /** `length` bytes from the newest key (HKDF-SHA-256, RFC 5869); another purpose gives other bytes. */
  derive(purpose: string, length: number): Buffer
  /** Whether the newest key sealed this box; `false`: it is to be sealed anew after a rotation. */
  isNewest(box: Uint8Array): boolean
  /** A public name of the newest key, eight hexadecimal digits. */
  readonly fingerprint: string
}

interface Key {
  readonly id: Buffer
  derive(purpose: string, length: number): Buffer
  sealingKey(purpose: string): KeyObject
}

/** Purpose, and name in the settings, of the box that tells at a start whether the keys are the right ones. */
export const checkPurpose = 'key-check'
/** Purpose, and name in the settings, of the key that digests the usernames of people who were erased. */
export const retiredNamesPurpose = 'retired-names'

const version = 1
const idAt = 1
const nonceAt = 5
const bodyAt = 17
const tagLength = 16
const shortestSecret = 32

/**
 * Makes a key ring from secrets, newest first.
 * @throws Fault ERR_KEYS when there is none or one has fewer than 32 characters
 */
export function createKeyRing(secrets: readonly string[]): KeyRing {
  const keys = secrets.map(keyOf)
  const [newest] = keys
  if (newest === undefined) {
    throw new Fault('ERR_KEYS', 'keys: no sealing key is configured; name at least one under "keys"')
  }
  return {
    seal: (value, purpose, bound) => sealWith(newest, value, aadOf(purpose, bound)),
    open: (box, purpose, bound) => openWith(keyFor(keys, box), box, aadOf(purpose, bound)),
    cookieKeys: () => keys.map((key) => key.derive('cookie', 32).toString('base64url')),
    derive: (purpose, length) => newest.derive(`derived/${purpose}`, length),
    isNewest: (box) => newest.id.equals(box.subarray(idAt, nonceAt)),
    fingerprint: newest.id.toString('hex'),
  }
}

/**
 * What stands in the database for an id, a code or a token: the first 16 bytes of the SHA-256 of `kind:value`.
 * Meant for long random values; a value that can be guessed can be found again by its digest.
 */
export function digest(kind: string, value: string): Buffer {
  return hash('sha256', `${kind}:${value}`, 'buffer').subarray(0, 16)
}

/** The same in hexadecimal. */
export function digestText(kind: string, value: string): string {
  return hash('sha256', `${kind}:${value}`, 'hex').slice(0, 32)
}

function keyOf(secret: string, index: number): Key {
  if (secret.length < shortestSecret) {
    throw new Fault(
      'ERR_KEYS',
      `keys[${index}] has ${secret.length} characters and needs at least ${shortestSecret}; make one with "openssl rand -base64 32"`,
    )
  }
  const derive = (purpose: string, length: number) =>
    Buffer.from(hkdfSync('sha256', secret, '', `labgate/${purpose}`, length))
  // A key object, not its bytes: Node would import those anew at each use, at twice the price of the sealing itself.
  const sealing = new Map<string, KeyObject>()
  return {
    id: derive('key-id', 4),
    derive,
    sealingKey: (purpose) => {
      const known = sealing.get(purpose) ?? createSecretKey(derive(`seal/${purpose}`, 32))
      sealing.set(purpose, known)
      return known
    },
  }
}

interface Place {
  readonly purpose: string
  /** Additional authenticated data (RFC 5116 §2.1). */
  readonly aad: Buffer
}

/** Purposes are a handful of words. */
const names = new Map<string, Buffer>()

function aadOf(purpose: string, bound: Uint8Array | undefined): Place {
  const known = names.get(purpose)
  const name = known ?? Buffer.from(`${purpose}\0`)
  if (known === undefined) names.set(purpose, name)
  return { purpose, aad: bound === undefined ? name : Buffer.concat([name, bound]) }
}

function sealWith(key: Key, value: string | Uint8Array, place: Place): Buffer {
  const nonce = freshNonce()
  const cipher = createCipheriv('aes-256-gcm', key.sealingKey(place.purpose), nonce).setAAD(place.aad)
  const body = typeof value === 'string' ? cipher.update(value, 'utf8') : cipher.update(value)
  cipher.final()
  const box = Buffer.allocUnsafe(bodyAt + body.length + tagLength)
  box[0] = version
  box.set(key.id, idAt)
  box.set(nonce, nonceAt)
  box.set(body, bodyAt)
  box.set(cipher.getAuthTag(), bodyAt + body.length)
  return box
}

const nonceLength = bodyAt - nonceAt
const nonces = { bytes: Buffer.alloc(nonceLength * 256), at: nonceLength * 256 }

/** A random nonce that was never used: of a store that is filled many at once. */
function freshNonce(): Buffer {
  if (nonces.at === nonces.bytes.length) {
    randomFillSync(nonces.bytes)
    nonces.at = 0
  }
  const from = nonces.at
  nonces.at += nonceLength
  return nonces.bytes.subarray(from, nonces.at)
}

function openWith(key: Key, box: Uint8Array, place: Place): Buffer {
  const end = box.length - tagLength
  const decipher = createDecipheriv('aes-256-gcm', key.sealingKey(place.purpose), box.subarray(nonceAt, bodyAt), {
    authTagLength: tagLength,
  })
  decipher.setAAD(place.aad).setAuthTag(box.subarray(end))
  const body = decipher.update(box.subarray(bodyAt, end))
  try {
    decipher.final()
  } catch (cause) {
    throw new Fault('ERR_KEYS', `a sealed value (${place.purpose}) was altered or belongs elsewhere`, { cause })
  }
  return body
}

function keyFor(keys: readonly Key[], box: Uint8Array): Key {
  if (box.length < bodyAt + tagLength || box[0] !== version) {
    throw new Fault('ERR_KEYS', 'a sealed value is damaged or was sealed by a later version')
  }
  const id = box.subarray(idAt, nonceAt)
  const found = keys.find((key) => key.id.equals(id))
  if (found === undefined) {
    const sealedBy = Buffer.from(id).toString('hex')
    throw new Fault(
      'ERR_KEYS',
      `a value was sealed with key ${sealedBy}, which is not under "keys"; add that key again`,
      {
        detail: { sealedBy, ring: keys.map((key) => key.id.toString('hex')) },
      },
    )
  }
  return found
}
