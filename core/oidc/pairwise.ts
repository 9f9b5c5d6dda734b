/**
 * Pairwise subjects (OpenID Connect Core §8.1): what a relying party of one host calls a person, and no other host does.
 * The salt is made once and sealed; were it derived from the sealing keys, people would be strangers after a rotation.
 * @module
 */
import { createHmac } from 'node:crypto'
import type { AccountId, Random, Store } from '@labgate/contract'

/** The secret of pairwise ids. */
export interface Pairwise {
  /** Made at the first call, on any process, and the same ever after. */
  salt(): Promise<string>
}

const hundredYears = 100 * 365 * 24 * 3600
const key = 'salt'

/** Keeps the salt in a store of documents, which is sealed and sealed anew with the rest. */
export function createPairwise({ store, random }: { store: Store; random: Random }): Pairwise {
  return {
    salt: () =>
      store.lock(key, async () => {
        const known = await store.get(key)
        if (typeof known === 'string') return known
        const made = random.token()
        await store.put(key, made, hundredYears)
        return made
      }),
  }
}

/** The host that a client's pairwise ids are for. */
export function sectorOf(client: {
  readonly redirectUris: readonly string[]
  readonly sectorIdentifierUri?: string | undefined
}): string {
  return new URL(client.sectorIdentifierUri ?? client.redirectUris[0] ?? '').host
}

/** The id of an account at one sector. */
export function pairwiseSubject(salt: string, sector: string, account: AccountId): string {
  return createHmac('sha256', salt)
    .update(JSON.stringify([sector, account]))
    .digest('base64url')
}
