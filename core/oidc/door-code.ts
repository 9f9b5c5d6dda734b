/** Codes of the built-in client are redeemed in-process: our own doors need to know the session, not a token. @module */
import { createHash, timingSafeEqual } from 'node:crypto'
import type Provider from 'oidc-provider'
import type { ArtifactStore } from '../storage/artifacts.ts'
import { isConsumeConflict } from '../storage/conflict.ts'
import { doorClientId } from './clients.ts'

/** Redeems a code once; answers the uid of the Provider's session it belongs to (RFC 6749 §4.1.3, RFC 7636 §4.6). */
export async function redeemDoorCode(
  needs: { provider: Provider; artifacts: ArtifactStore },
  proof: { code: string; redirectUri: string; verifier: string },
): Promise<string | undefined> {
  const code = await needs.provider.AuthorizationCode.find(proof.code)
  if (!code?.isValid || code.clientId !== doorClientId || code.redirectUri !== proof.redirectUri) return undefined
  const challenge = createHash('sha256').update(proof.verifier).digest('base64url')
  if (!isEqual(code.codeChallenge ?? '', challenge)) return undefined
  try {
    await needs.artifacts.consume('AuthorizationCode', proof.code)
  } catch (error) {
    if (isConsumeConflict(error)) return undefined
    throw error
  }
  return code.sessionUid
}

function isEqual(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
