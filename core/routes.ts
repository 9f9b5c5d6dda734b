/** The route table of a site, in its order: dialects, static files, sign-in, the person's pages. @module */
import { createForesight } from './accounts/foresight.ts'
import { adminApiRoutes } from './admin-api.ts'
import type { ResolveBearer } from './bearer.ts'
import type { Config } from './config/schema.ts'
import { accountRoutes } from './console/account.ts'
import { type ConsoleNeeds, consoleRoutes } from './console/admin.ts'
import { homeRoutes } from './console/home.ts'
import { languageRoutes } from './console/language.ts'
import { myAccessRoutes } from './console/my-access.ts'
import { myLifeRoutes } from './console/my-life.ts'
import { myProfileRoutes } from './console/my-profile.ts'
import { myTokensRoutes } from './console/my-tokens.ts'
import { readTermsRoutes } from './console/read-terms.ts'
import { sandboxRoutes } from './console/sandbox.ts'
import { type MyWorkspacesNeeds, workspacesBase } from './console/workspace-desk.ts'
import { myWorkspacesRoutes } from './console/workspaces.ts'
import { createDesk, type DeskParts } from './desk.ts'
import { dialectRoutes } from './dialects.ts'
import { assetRoutes } from './http/assets.ts'
import { createLanguageChoice } from './http/language.ts'
import { createDoor } from './login/door.ts'
import { invitedRoutes } from './login/invited.ts'
import { jobRoutes } from './login/jobs.ts'
import { aliasRoute, signInRoutes } from './login/routes.ts'
import { createRevokeUpstream, linkOf } from './login/upstream.ts'
import { doorClientId } from './oidc/clients.ts'
import { createAddClient } from './oidc/new-client.ts'
import type { Assets } from './pages/assets.ts'
import type { Site } from './site.ts'
import { enterRoute } from './workspace-entrance.ts'

/** What the routes need besides the site. */
export interface RouteParts extends DeskParts {
  readonly assets: Assets
  /** Who a bearer token speaks for. */
  readonly bearer: ResolveBearer
}

/** Adds every route of the site to its app. */
export function addRoutes(site: Site, parts: RouteParts): void {
  const { config, rooms, registry } = site
  const { get } = rooms
  const { app } = parts
  const desk = createDesk(site, parts)
  const door = createDoor(desk, doorClientId)
  const random = get('random')
  const methodOf = (instance: string) => registry.auth().find(({ id }) => id === instance)?.method
  const revokeUpstream = createRevokeUpstream({ methodOf, log: get('log') })
  const { revokeAccount } = parts.providerSessions
  const workspaces = Object.keys(config.workspaces.profiles).length === 0 ? undefined : workspacesBase
  app.routes.add(
    ...dialectRoutes({
      rooms,
      desk,
      door,
      cookie: parts.cookie,
      instances: registry.authz(),
      provider: parts.provider,
      bearer: parts.bearer,
    }),
    ...adminApiRoutes(site, { ...parts, revokeUpstream }),
    ...assetRoutes(Object.values(parts.assets)),
    ...homeRoutes({ desk, services: homeLinks(config), workspaces }),
    ...signInRoutes(desk, random),
    ...registry
      .auth()
      .flatMap(({ id, callbackPaths }) =>
        callbackPaths.map((path) => aliasRoute(desk, random, { path, instance: id })),
      ),
    ...jobRoutes({
      desk,
      clock: get('clock'),
      people: get('people'),
      tokens: get('tokens'),
      limits: app.limits,
      instances: registry.auth(),
    }),
    ...door.routes,
    ...languageRoutes({
      desk,
      languages: get('languages'),
      choice: createLanguageChoice(parts.pages.texts, config.issuer),
      locales: parts.pages.texts.locales,
    }),
    ...invitedRoutes(desk, door, random),
    ...readTermsRoutes({ desk, door, dialects: registry.authz() }),
    ...(workspaces === undefined ? [] : myWorkspacesRoutes(workspacesNeeds(site, { desk, door }))),
    enterRoute({ desk, door, rooms }),
    ...myAccessRoutes({ desk, door, access: get('access'), ledger: get('ledger') }),
    ...myProfileRoutes({ desk, door, dialects: registry.authz() }),
    ...myLifeRoutes({ desk, door, life: get('life'), limits: app.limits }),
    ...myTokensRoutes({ desk, door, tokens: get('tokens'), maxSeconds: config.access.tokenMaxLife }),
    ...sandboxRoutes({
      desk,
      door,
      random,
      stewards: get('stewards'),
      foresee: createForesight({
        accounts: get('accounts'),
        identities: get('identities'),
        awaited: get('awaited'),
        ...config,
      }),
      profiles: Object.keys(config.workspaces.profiles),
      demo: config.demo,
    }),
    ...consoleRoutes(consoleNeeds(site, { desk, door, revokeAccount, revokeUpstream })),
    ...accountRoutes({
      desk,
      door,
      random,
      identities: get('identities'),
      firstAdmin: get('firstAdmin'),
      workspaces,
      looksAfter: async (account) => (await get('stewards').rightsOf(account)).any,
      revokeClient: parts.providerSessions.revokeClient,
      revokeAccount,
      revokeUpstream,
      upstreamSignOut: async (identity) =>
        methodOf(identity.instance)?.logout?.(linkOf(identity), new URL('/', config.issuer)),
    }),
  )
}

/** What the pages of a person's workspaces stand on. */
function workspacesNeeds({ config, rooms }: Site, parts: Pick<MyWorkspacesNeeds, 'desk' | 'door'>): MyWorkspacesNeeds {
  const { lease } = config.workspaces
  return {
    ...parts,
    workspaces: rooms.get('workspaces'),
    warningSeconds: lease.warning,
    hasGuests: hasGuests(config),
  }
}

/** Only where each workspace has an origin of its own can others be let into one. */
function hasGuests({ workspaces }: Config): boolean {
  return workspaces.origin?.includes('://*.') === true
}

/** What the console's pages stand on. */
function consoleNeeds(
  { config, rooms, registry }: Site,
  parts: Pick<ConsoleNeeds, 'desk' | 'door' | 'revokeAccount' | 'revokeUpstream'>,
): ConsoleNeeds {
  const { get } = rooms
  const dialects = registry.authz()
  return {
    ...parts,
    dialects,
    freshSeconds: config.access.adminFreshness,
    services: () => [...Object.keys(config.clients), ...dialects.map(({ id }) => id)],
    stewards: get('stewards'),
    ledger: get('ledger'),
    access: get('access'),
    accounts: get('accounts'),
    groups: get('groups'),
    terms: get('ledger').terms,
    serviceAccounts: get('serviceAccounts'),
    clients: get('clients'),
    addClient: createAddClient({ config, clients: get('clients') }),
    registrations: get('registrations'),
    audit: get('audit'),
    tokens: get('tokens'),
    trail: get('storage').audit,
    directory: get('directory'),
    standing: get('standing'),
    keeping: get('keeping'),
    identities: get('identities'),
    life: get('life'),
    approval: get('approval'),
    invitations: get('invitations'),
    workspaces: get('workspaces'),
    profiles: Object.keys(config.workspaces.profiles),
    hasGuests: hasGuests(config),
  }
}

/** Relying parties with a page of their own, for the first page. */
function homeLinks({ clients }: Config): { href: string; label: string }[] {
  return Object.entries(clients).flatMap(([id, { name, homepage }]) =>
    homepage ? [{ href: homepage, label: name ?? id }] : [],
  )
}
