/** What is kept of an identity, sealed by the core: as little as later questions need. @module */
import type { Json } from '@labgate/contract'
import type { Tokens } from './upstream.ts'

export interface Kept {
  readonly refreshToken: string | undefined
  /** Only when the provider's session is to be ended, too: it says whose. */
  readonly idToken: string | undefined
  /** When the person proved who they are. */
  readonly at: Date | undefined
}

/** What to keep after an exchange; what a refresh did not bring again stays. */
export function keptOf(given: { tokens: Tokens; at: Date; before: Kept | undefined; wantsIdToken: boolean }): Json {
  const { tokens, before } = given
  const refreshToken = tokens.refreshToken ?? before?.refreshToken
  const idToken = given.wantsIdToken ? (tokens.idToken ?? before?.idToken) : undefined
  return {
    at: given.at.toISOString(),
    ...(refreshToken === undefined ? {} : { refreshToken }),
    ...(idToken === undefined ? {} : { idToken }),
  }
}

/** Reads what an identity kept; anything unknown counts as absent. */
export function readKept(kept: Json | undefined): Kept {
  const { refreshToken, idToken, at } = objectOf(kept)
  return {
    refreshToken: typeof refreshToken === 'string' ? refreshToken : undefined,
    idToken: typeof idToken === 'string' ? idToken : undefined,
    at: typeof at === 'string' ? new Date(at) : undefined,
  }
}

/** When the attempt began, as `begin` kept it. */
export function readBegan(kept: Json | undefined): Date {
  const { began } = objectOf(kept)
  return new Date(typeof began === 'number' ? began : 0)
}

function objectOf(kept: Json | undefined): Readonly<Record<string, Json>> {
  const isObject = typeof kept === 'object' && kept !== null && !Array.isArray(kept)
  return isObject ? (kept as Readonly<Record<string, Json>>) : {}
}
