/** Leaving an upstream: what it holds for somebody ends there, too. @module */
import type { AuthMethod, IdentityLink, Log } from '@labgate/contract'
import type { IdentityRow } from '../accounts/identities.ts'

/** Ends the tokens that an instance holds upstream for an identity; never throws. */
export type RevokeUpstream = (identity: IdentityRow) => Promise<void>

/** What leaving takes. */
export interface UpstreamNeeds {
  /** The way to sign in that an instance stands for; `undefined` when it is configured no more. */
  methodOf(instance: string): Pick<AuthMethod, 'revoke'> | undefined
  readonly log: Pick<Log, 'warn'>
}

/** Makes the way out. */
export function createRevokeUpstream({ methodOf, log }: UpstreamNeeds): RevokeUpstream {
  return async (identity) => {
    // An upstream that cannot be told must not keep a person from leaving here.
    await methodOf(identity.instance)
      ?.revoke?.(linkOf(identity))
      .catch((err: unknown) => log.warn({ err, instance: identity.instance }, 'an upstream was not told'))
  }
}

/** An identity as its method sees it. */
export function linkOf({ issuer, subject, kept }: IdentityRow): IdentityLink {
  return { issuer, subject, kept }
}
