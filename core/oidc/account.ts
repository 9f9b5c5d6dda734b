/** The account behind a request at the Provider, and its claims; nobody where the account or the session may no longer act. @module */
import type { OidcAdditions } from '@labgate/contract'
import type { Account, FindAccount } from 'oidc-provider'
import { type ClaimMap, claimsOfScope, type Person, sourcesScope } from './claims.ts'

/** How tokens came that were exchanged for another (RFC 8693). */
export const exchangedGty = 'token_exchange'

export interface AccountNeeds {
  readonly claims: ClaimMap
  readonly additions: readonly OidcAdditions[]
  /** An account that may act, with its facts; `undefined` closes every door. */
  person(account: string): Promise<Person | undefined>
  /** Whether our session that goes with the Provider's of this uid is alive. */
  sessionLives(providerUid: string): Promise<boolean>
  /** Looks again at what upstreams say of a person; called when a refresh token is used. */
  renew(account: string): Promise<void>
}

/** Answers the Provider's question who an account is; asked at every use of a token. */
export function accountFinder(needs: AccountNeeds): FindAccount {
  return async (ctx, id, token) => {
    if (token !== undefined && !(await outlives(needs, token))) return undefined
    if (token?.kind === 'RefreshToken') await needs.renew(id)
    return accountOf(needs, id, ctx.oidc?.client?.clientId ?? '')
  }
}

/** A token that goes with a session is good only while ours lives, whatever the Provider's row says. */
export async function outlives(needs: Pick<AccountNeeds, 'sessionLives'>, token: object): Promise<boolean> {
  const { expiresWithSession, sessionUid, gty } = token as {
    expiresWithSession?: boolean
    sessionUid?: string
    gty?: string
  }
  // The session of a token that was exchanged knows another client, so the library must not be told of it.
  if (gty === exchangedGty && sessionUid !== undefined) return needs.sessionLives(sessionUid)
  return expiresWithSession !== true || sessionUid === undefined || needs.sessionLives(sessionUid)
}

async function accountOf(needs: AccountNeeds, id: string, clientId: string): Promise<Account | undefined> {
  const person = await needs.person(id)
  if (!person) return undefined
  return {
    accountId: id,
    async claims(use, scope, requested) {
      const asked = scope.split(' ')
      // A `claims` parameter may name any claim (OpenID Connect Core §5.5); the library masks what was not granted.
      const scopes = Object.keys(requested).length > 0 ? [...new Set([...asked, ...Object.keys(needs.claims)])] : asked
      const values = scopes.flatMap((name) => claimsOfScope(needs.claims, name, person))
      const added = await Promise.all(
        needs.additions.map(
          (one) => one.claims?.({ account: id, clientId, scopes: asked, use: use as 'id_token' }) ?? {},
        ),
      )
      const sources = asked.includes(sourcesScope)
        ? { labgate_sources: Object.fromEntries(values.map(({ claim, source }) => [claim, source])) }
        : {}
      return {
        sub: id,
        ...Object.fromEntries(values.map(({ claim, value }) => [claim, value])),
        ...Object.assign({}, ...added),
        ...sources,
      }
    },
  }
}
