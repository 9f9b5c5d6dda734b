/** Joins the admin API with the rooms of a site. Called by the composition root. @module */
import type { ApiNeeds } from './api/operation.ts'
import { problemStep } from './api/problem.ts'
import { apiRoutes } from './api/routes.ts'
import type { App } from './http/app.ts'
import type { Route } from './http/routes.ts'
import type { RevokeUpstream } from './login/upstream.ts'
import { createAddClient } from './oidc/new-client.ts'
import type { ProviderSessions } from './oidc/provider-sessions.ts'
import type { Site } from './site.ts'

/** What the API needs besides the site. */
export interface AdminApiParts {
  readonly app: App
  readonly providerSessions: Pick<ProviderSessions, 'revokeAccount' | 'revokeClient'>
  readonly revokeUpstream: RevokeUpstream
}

/** Every route of the admin API; from then on the app answers what no route takes there as a problem, too. */
export function adminApiRoutes({ config, rooms, registry, adminFace }: Site, parts: AdminApiParts): Route[] {
  const { app, providerSessions, revokeUpstream } = parts
  const { get } = rooms
  app.useForErrors(problemStep)
  const needs: ApiNeeds = {
    issuer: config.issuer,
    clock: get('clock'),
    ledger: get('ledger'),
    groups: get('groups'),
    managers: get('managers'),
    ownWords: get('ownWords'),
    serviceAccounts: get('serviceAccounts'),
    tokens: get('tokens'),
    accounts: get('accounts'),
    standing: get('standing'),
    profile: get('profile'),
    invitations: get('invitations'),
    approval: get('approval'),
    life: get('life'),
    sessions: get('sessions'),
    access: get('access'),
    stewards: get('stewards'),
    audit: get('audit'),
    trail: get('storage').audit,
    workspaces: get('workspaces'),
    dialects: registry.authz(),
    revokeAccount: providerSessions.revokeAccount,
    revokeClient: providerSessions.revokeClient,
    clients: get('clients'),
    registrations: get('registrations'),
    consents: get('consents'),
    addClient: createAddClient({ config, clients: get('clients') }),
    revokeUpstream,
    keeping: get('keeping'),
    identities: get('identities'),
  }
  adminFace.settle(needs, config.access)
  return apiRoutes({ ...needs, limits: app.limits })
}
