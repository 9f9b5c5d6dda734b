/** Signing keys: made at the first start, sealed in the database, given to the Provider as a JWK set. @module */
import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import type { Clock, Random } from '@labgate/contract'
import type { JWK, JWKS } from 'oidc-provider'
import { SigningKeyEntity } from '../storage/entities.ts'
import type { Storage } from '../storage/storage.ts'

const generate = promisify(generateKeyPair)
const purpose = 'signing-key'

/** Algorithms a relying party may choose; RS256 is what OpenID Connect Core §15.1 requires and the default of RFC 7591. */
export const signingAlgorithms = ['RS256', 'ES256'] as const
/** An algorithm that ID tokens may be signed with. */
export type SigningAlgorithm = (typeof signingAlgorithms)[number]

/** A signing key without its secret part. */
export interface KeyListing {
  readonly kid: string
  readonly alg: string
  readonly state: string
  readonly createdAt: Date
}

/** The keys that sign tokens, sealed at rest. */
export interface SigningKeys {
  /** The private JWK set for the Provider: current keys first, then next and retired ones that are only published. */
  load(): Promise<JWKS>
  list(): Promise<KeyListing[]>
  /** Makes a new current key of `alg`; the one before it is retired but stays published. */
  rotate(alg: SigningAlgorithm): Promise<KeyListing>
}

/** Makes the signing keys on a storage. */
export function createSigningKeys(needs: { storage: Storage; clock: Clock; random: Random }): SigningKeys {
  const { storage, clock, random } = needs

  const make = async (alg: SigningAlgorithm): Promise<{ kid: string; sealed: Buffer }> => {
    const pair =
      alg === 'RS256' ? await generate('rsa', { modulusLength: 2048 }) : await generate('ec', { namedCurve: 'P-256' })
    const kid = `${alg.toLowerCase()}-${random.token().slice(0, 12)}`
    const jwk = { ...pair.privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }
    return { kid, sealed: storage.ring.seal(JSON.stringify(jwk), purpose) }
  }
  const rows = () => storage.em().find(SigningKeyEntity, {}, { orderBy: { createdAt: 'desc' } })
  const rotate = async (alg: SigningAlgorithm): Promise<KeyListing> => {
    const { kid, sealed } = await make(alg)
    const createdAt = clock.now()
    await storage.transaction(async (em) => {
      await em.nativeUpdate(SigningKeyEntity, { alg, state: 'current' }, { state: 'retired' })
      await em.insert(SigningKeyEntity, { kid, alg, use: 'sig', jwkSealed: sealed, state: 'current', createdAt })
    })
    return { kid, alg, state: 'current', createdAt }
  }
  return {
    rotate,
    list: async () => (await rows()).map(({ kid, alg, state, createdAt }) => ({ kid, alg, state, createdAt })),
    async load() {
      const known = new Set((await rows()).filter((row) => row.state === 'current').map((row) => row.alg))
      for (const alg of signingAlgorithms) if (!known.has(alg)) await rotate(alg)
      const rank = { current: 0, next: 1, retired: 2 } as Record<string, number>
      const sorted = (await rows()).toSorted((a, b) => (rank[a.state] ?? 3) - (rank[b.state] ?? 3))
      const opened = sorted.map((row) => storage.ring.open(Buffer.from(row.jwkSealed), purpose).toString())
      return { keys: opened.map((text) => JSON.parse(text) as JWK) }
    },
  }
}
