/** What a relying party may see of a person without asking: first-party clients everything, others what was consented to. @module */
import type { Grant, KoaContextWithOIDC } from 'oidc-provider'
import type { Consents } from '../accounts/consents.ts'
import type { ClientLife } from './client-jwts.ts'

/**
 * The grant of this session and client. Each session has one of its own, made from the remembered consent, so that
 * a replayed code or a sign-out in one browser leaves the others alone.
 */
export async function existingGrant(ctx: KoaContextWithOIDC, consents: Consents): Promise<Grant | undefined> {
  const { client, session, provider, result } = ctx.oidc
  if (!client || !session?.accountId) return undefined
  const id = result?.consent?.grantId ?? session.grantIdFor(client.clientId)
  const known = id === undefined ? undefined : await provider.Grant.find(id)
  const grant = known?.accountId === session.accountId ? known : undefined
  if ((client as { labgate_first_party?: boolean }).labgate_first_party === true) return firstParty(ctx, grant)
  return grant ?? fromConsent(ctx, consents)
}

async function firstParty(ctx: KoaContextWithOIDC, known: Grant | undefined): Promise<Grant> {
  const grant = known ?? newGrant(ctx)
  const encountered = new Set(grant.getOIDCScopeEncountered().split(' '))
  const claims = [...ctx.oidc.requestParamClaims].filter((claim) => !grant.getOIDCClaimsEncountered().includes(claim))
  const scopes = [...ctx.oidc.requestParamOIDCScopes].filter((scope) => !encountered.has(scope))
  const resources = missingResourceScopes(ctx, grant)
  if (known && scopes.length === 0 && claims.length === 0 && resources.length === 0) return known
  for (const [indicator, scope] of resources) grant.addResourceScope(indicator, scope)
  if (scopes.length > 0) grant.addOIDCScope(scopes.join(' '))
  if (claims.length > 0) grant.addOIDCClaims(claims)
  await grant.save()
  return grant
}

/** Scopes asked for at resource servers (RFC 8707) that the grant does not have yet. */
function missingResourceScopes(ctx: KoaContextWithOIDC, grant: Grant): [indicator: string, scope: string][] {
  const { resourceServers = {}, requestParamScopes } = ctx.oidc
  return Object.entries(resourceServers).flatMap(([indicator, server]) => {
    const encountered = new Set(grant.getResourceScopeEncountered(indicator).split(' '))
    const missing = [...requestParamScopes].filter((scope) => server.scopes.has(scope) && !encountered.has(scope))
    return missing.length > 0 ? [[indicator, missing.join(' ')] as [string, string]] : []
  })
}

async function fromConsent(ctx: KoaContextWithOIDC, consents: Consents): Promise<Grant | undefined> {
  const { session, client } = ctx.oidc
  const consent = await consents.find(session?.accountId as string, client?.clientId as string)
  if (!consent || consent.at.getTime() < bornOf(client as object)) return undefined
  const grant = newGrant(ctx)
  grant.addOIDCScope(consent.scopes.join(' '))
  if (consent.claims.length > 0) grant.addOIDCClaims([...consent.claims])
  await grant.save()
  return grant
}

/** What was allowed before was allowed to another client of this name. */
export function bornOf({ labgate_since = 0, labgate_ended = 0 }: ClientLife): number {
  return Math.max(labgate_since, labgate_ended)
}

function newGrant(ctx: KoaContextWithOIDC): Grant {
  const { provider, client, session } = ctx.oidc
  return new provider.Grant({ accountId: session?.accountId as string, clientId: client?.clientId as string })
}
