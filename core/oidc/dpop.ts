/** Proofs of a key (RFC 9449) at our own doors; the Provider's endpoints check theirs themselves. @module */
import { createHash } from 'node:crypto'
import type { Clock } from '@labgate/contract'
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'
import type Provider from 'oidc-provider'
import { type Adapter, errors } from 'oidc-provider'
import { proofAlgorithms } from './proofs.ts'

/** A proof as it came with a request. */
export interface PresentedProof {
  /** The header `DPoP`; empty where there was none. */
  readonly jwt: string
  readonly method: string
  /** Address of the request as its sender knows it, without query. */
  readonly url: string
}

/** Seconds: how far a proof's time may be off. */
const window = 300

/**
 * Keeps what was seen until it can no longer be taken: a proof may be dated as far in the future as in the past, and one is
 * still good in the very second in which its time ends.
 */
export function outlivingProofs(seen: Adapter): Adapter {
  const more = window + 1
  return {
    ...seen,
    // The library looks at the end in the record, too.
    upsert: (id, payload, expiresIn) =>
      seen.upsert(id, { ...payload, exp: (payload.exp ?? 0) + more }, (expiresIn ?? 0) + more),
  }
}

/** Whether the proof is of the key that a token is bound to, for this token and this request, and was never used before. */
export async function isProven(
  needs: { readonly provider: Provider; readonly clock: Clock },
  token: { readonly value: string; readonly jkt: string; readonly clientId: string },
  proof: PresentedProof,
): Promise<boolean> {
  const claims = await claimsOf(proof.jwt)
  if (claims === undefined || claims.thumbprint !== token.jkt) return false
  const { htm, htu, ath, iat, jti } = claims
  const now = Math.floor(needs.clock.now().getTime() / 1000)
  const fits =
    htm === proof.method &&
    addressOf(htu) === addressOf(proof.url) &&
    ath === createHash('sha256').update(token.value).digest('base64url') &&
    typeof iat === 'number' &&
    Math.abs(now - iat) <= window &&
    typeof jti === 'string' &&
    jti !== ''
  return fits && (await isFirst(needs.provider, { client: token.clientId, jti, until: now + window }))
}

interface Claims {
  readonly thumbprint: string
  readonly htm?: unknown
  readonly htu?: unknown
  readonly ath?: unknown
  readonly iat?: unknown
  readonly jti?: unknown
}

async function claimsOf(jwt: string): Promise<Claims | undefined> {
  try {
    const { payload, protectedHeader } = await jwtVerify(jwt, EmbeddedJWK, {
      algorithms: proofAlgorithms.dPoPSigningAlgValues,
      typ: 'dpop+jwt',
    })
    if (protectedHeader.jwk === undefined) return undefined
    const { htm, htu, ath, iat, jti } = payload
    return { thumbprint: await calculateJwkThumbprint(protectedHeader.jwk), htm, htu, ath, iat, jti }
  } catch {
    // No proof, or none that holds: the token then counts for nothing.
    return undefined
  }
}

function addressOf(text: unknown): string | undefined {
  const url = typeof text === 'string' ? URL.parse(text) : null
  return url === null ? undefined : url.origin + url.pathname
}

async function isFirst(
  { ReplayDetection }: Provider,
  { client, jti, until }: { client: string; jti: string; until: number },
): Promise<boolean> {
  // The library's static method, which its types name without its arguments.
  const seen = ReplayDetection as unknown as { unique(iss: string, jti: string, exp: number): Promise<boolean> }
  try {
    return await seen.unique(client, jti, until)
  } catch (error) {
    // Another request with the very same proof was first by an instant.
    if (error instanceof errors.InvalidRequest) return false
    throw error
  }
}
