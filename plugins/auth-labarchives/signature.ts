/** The signature of LabArchives requests: base64 of an HMAC over access key id, method and `expires`. @module */
import { createHmac } from 'node:crypto'

/** What signs. */
export interface SigningKey {
  readonly accessKeyId: string
  /** The access password, in clear. */
  readonly password: string
  readonly algorithm: 'sha512' | 'sha1'
}

/** What is signed. */
export interface Signed {
  /** The bare name of the method, without its class; of a sign-in, the redirect address as it is, not encoded. */
  readonly method: string
  /** Milliseconds since 1970. */
  readonly expires: number
}

/** The signature in base64. It is encoded once more as any value of a query is. */
export function signatureOf(key: SigningKey, { method, expires }: Signed): string {
  return createHmac(key.algorithm, key.password).update(`${key.accessKeyId}${method}${expires}`).digest('base64')
}
