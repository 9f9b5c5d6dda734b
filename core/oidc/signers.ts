/**
 * Our signing keys as the library takes those of others: Node signs, off the main thread, with keys that were imported once. The
 * library's own way goes through WebCrypto and costs half as much again as the signature itself.
 * @module
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { ExternalSigningKey, type JWK, type JWKS } from 'oidc-provider'

/** The private JWK set of the Provider with keys that sign by themselves, in the same order. */
export function signingWith({ keys }: JWKS): JWKS {
  return { keys: keys.map((key) => (key instanceof ExternalSigningKey ? key : new Signer(key))) }
}

class Signer extends ExternalSigningKey {
  readonly #private: KeyObject
  readonly #public: KeyObject
  readonly #how: Parameters<typeof sign>[2]

  constructor(jwk: JWK) {
    super()
    this.#private = createPrivateKey({ key: jwk as never, format: 'jwk' })
    this.#public = createPublicKey(this.#private)
    // Of ECDSA a JWS has the two numbers side by side (RFC 7518 §3.4). With nothing to say, the key alone is quicker.
    this.#how = jwk.kty === 'EC' ? { key: this.#private, dsaEncoding: 'ieee-p1363' } : this.#private
    Object.assign(this, { kid: jwk.kid, alg: jwk.alg })
  }

  override keyObject(): KeyObject {
    return this.#public
  }

  override sign(data: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      sign('sha256', data, this.#how, (error, signature) => (error === null ? resolve(signature) : reject(error)))
    })
  }
}
