/**
 * The code and the link's token of one sign-in: made, kept as hashes, compared in constant time, redeemed once.
 * @module
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Json } from '@labgate/contract'
import type { Context } from './config.ts'

/** What was mailed, and until when it works. */
export interface Issued {
  readonly code: string
  readonly token: string
  readonly ends: Date
}

/** What waits for its proof. Hashes only: the store cannot give the code away. */
export interface Pending {
  readonly address: string
  readonly codeHash: string
  readonly tokenHash: string
  /** Milliseconds since 1970. */
  readonly ends: number
}

/** Codes and links that are out, hashed. */
export interface Proofs {
  /** Makes a code and a token for an address; those made before for this attempt stop working. */
  issue(attempt: string, address: string): Promise<Issued>
  pending(attempt: string): Promise<Pending | undefined>
  /** Number of this try, from one. Belongs to the attempt: no new code resets it. */
  countTry(attempt: string): Promise<number>
  /** Of any number of callers exactly one gets the address, and only if `matches` still holds. */
  redeem(attempt: string, matches: (pending: Pending) => boolean): Promise<string | undefined>
  drop(attempt: string): Promise<void>
}

const codeDigits = 6
// Longer than any attempt lives, so that its tries are never forgotten while it can be used.
const trySeconds = 86_400

/** The proofs of one instance, in its store. */
export function proofsOf(context: Pick<Context, 'config' | 'store' | 'random' | 'clock'>): Proofs {
  const { config, store, random, clock } = context
  const lifetimeSeconds = config.codeLifetime
  const pendingFrom = (found: Json | undefined) => {
    const pending = found as Pending | undefined // only `issue` below writes under these keys
    return pending && pending.ends > clock.now().getTime() ? pending : undefined
  }
  return {
    async issue(attempt, address) {
      const issued = {
        code: random.digits(codeDigits),
        token: random.token(),
        ends: new Date(clock.now().getTime() + lifetimeSeconds * 1000),
      }
      const hashes = { codeHash: hashOf(attempt, issued.code), tokenHash: hashOf(attempt, issued.token) }
      await store.put(keyOf(attempt), { address, ...hashes, ends: issued.ends.getTime() }, lifetimeSeconds)
      return issued
    },
    pending: async (attempt) => pendingFrom(await store.get(keyOf(attempt))),
    countTry: (attempt) => store.count(`tries:${attempt}`, trySeconds),
    async redeem(attempt, matches) {
      const taken = pendingFrom(await store.take(keyOf(attempt)))
      return taken && matches(taken) ? taken.address : undefined
    },
    drop: (attempt) => store.delete(keyOf(attempt)),
  }
}

const keyOf = (attempt: string) => `pending:${attempt}`

function hashOf(attempt: string, secret: string): string {
  return createHmac('sha256', attempt).update(secret).digest('base64url')
}

/** Whether `typed` is what was mailed for this attempt; takes the same time whatever was typed. */
export function isSame(attempt: string, typed: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashOf(attempt, typed)), Buffer.from(hash))
}
