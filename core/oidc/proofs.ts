/**
 * How relying parties prove themselves and what they ask (private_key_jwt, signed and pushed requests, DPoP), how they
 * know people (pairwise), and what the FAPI 2.0 profile asks besides.
 * @module
 */
import Provider, { type Configuration, errors } from 'oidc-provider'
import { pairwiseSubject, sectorOf } from './pairwise.ts'

/** What these options need. */
export interface ProofNeeds {
  /** Secret that pairwise ids are made with. */
  readonly pairwiseSalt: string
}

/** Algorithms of signatures that are not ours: no shared secrets, nothing unsigned. */
const asymmetric = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] as const
/** FAPI 2.0 Security Profile §5.4. */
const fapiAlgorithms: readonly unknown[] = ['PS256', 'ES256', 'EdDSA', 'Ed25519']

/** Which algorithms clients may sign with. */
export const proofAlgorithms = {
  clientAuthSigningAlgValues: [...asymmetric],
  requestObjectSigningAlgValues: [...asymmetric],
  dPoPSigningAlgValues: ['ES256', 'EdDSA', 'Ed25519'],
} satisfies Configuration['enabledJWA']

/** Whether a client is held to the FAPI 2.0 Security Profile. */
export function isFapi(client: object | undefined): boolean {
  return (client as { labgate_profile?: string } | undefined)?.labgate_profile === 'fapi2'
}

/** The operator's own word is not looked up; who registers from outside must show the list, when it does and at each change. */
function isRegistering(): boolean {
  const { ctx } = Provider
  return (ctx?.method === 'POST' || ctx?.method === 'PUT') && /^\/oidc\/register(?:\/|$)/.test(ctx.path)
}

/** The Provider's options for all of it. */
export function proofOptions({ pairwiseSalt }: ProofNeeds): Configuration {
  return {
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: (_ctx, account, client) =>
      pairwiseSubject(pairwiseSalt, sectorOf(client as unknown as Parameters<typeof sectorOf>[0]), account),
    sectorIdentifierUriValidate: () => isRegistering(),
    assertJwtClientAuthClaimsAndHeader(ctx, claims, header, client) {
      if (!isFapi(client)) return
      if (claims.aud !== ctx.oidc.issuer) throw new errors.InvalidClientAuth('the audience must be the issuer alone')
      if (!fapiAlgorithms.includes(header.alg))
        throw new errors.InvalidClientAuth('the profile does not take this algorithm')
    },
    fetchResponseBodyLimits: { jwks_uri: 64 * 1024, sector_identifier_uri: 64 * 1024 },
  } as Configuration
}
