/** What the library is told of the house: its options, from the config and what the rooms answer. @module */
import type { Context } from 'koa'
import type { Adapter, ClientMetadata, Configuration, JWKS } from 'oidc-provider'
import type { Consents } from '../accounts/consents.ts'
import type { CookieSigner } from '../http/cookie-signer.ts'
import type { CookieNames } from '../http/cookies.ts'
import { type AccountNeeds, accountFinder } from './account.ts'
import { claimTable } from './claims.ts'
import { type ClientJwtClaims, type ClientLife, clientJwtId } from './client-jwts.ts'
import { ownMetadata } from './clients.ts'
import { type DeviceNeeds, deviceFeature } from './device.ts'
import { existingGrant } from './grants.ts'
import { signingAlgorithms } from './keys.ts'
import type { createPolicy } from './policy.ts'
import { isFapi, type ProofNeeds, proofAlgorithms, proofOptions } from './proofs.ts'
import { mayIntrospect } from './quick/introspection.ts'
import { type RegistrationNeeds, registrationFeatures } from './registration.ts'
import { lifeOf, type Resources, resourceServer } from './resources.ts'
import { signingWith } from './signers.ts'
import { actorClaims } from './token-exchange.ts'

/** What the Provider shows to people; the rest of its answers are for machines. */
export interface ProviderViews {
  error(ctx: Context, out: { readonly error: string; readonly error_description?: string }, error: Error): void
  /** Asks whether to sign out; the form posts `xsrf` and `logout=yes` to `action`. */
  signOut(
    ctx: Context,
    form: {
      readonly action: string
      readonly xsrf: string
      readonly clientName: string | undefined
      /** Where the answer to the form may lead in the end. */
      readonly returnTo: string | undefined
    },
  ): void
  signedOut(ctx: Context): void
}

/** What the options need of the house. */
export interface ConfigurationNeeds extends AccountNeeds, ProofNeeds, DeviceNeeds, RegistrationNeeds {
  readonly issuer: string
  readonly demo: boolean
  readonly jwks: JWKS
  readonly cookieNames: CookieNames
  /** Secret that record names of JWT access tokens are derived from. */
  readonly recordSecret: string
  /** Resource servers that tokens may be made for (RFC 8707), by resource indicator. */
  readonly resources: Resources
  /** Clients known at start: those of the config and our own doors. */
  readonly clients: readonly ClientMetadata[]
  /** Whether an account may act at all. */
  acts(account: string): Promise<boolean>
  readonly consents: Consents
  readonly fetch: typeof globalThis.fetch
  readonly views: ProviderViews
}

/** What is made for one Provider. */
interface Parts {
  readonly adapter: (model: string) => Adapter
  readonly policy: ReturnType<typeof createPolicy>
  readonly signer: CookieSigner
  readonly scopes: ReadonlySet<string>
  /** Seconds. */
  readonly lives: { readonly session: number; readonly interaction: number }
}

const day = 24 * 3600

/** The library's options. */
export function configuration(needs: ConfigurationNeeds, { adapter, policy, signer, scopes, lives }: Parts) {
  return {
    adapter,
    clients: [...needs.clients],
    jwks: signingWith(needs.jwks),
    routes,
    cookies: cookies(needs, signer),
    scopes: [...scopes],
    claims: claimTable({ map: needs.claims, ...needs }),
    responseTypes: ['code', 'none'],
    pkce: { required: (_ctx, client) => (client as { labgate_pkce?: boolean }).labgate_pkce !== false },
    ...proofOptions(needs),
    clientBasedCORS: (_ctx, origin, client) =>
      ((client as { labgate_origins?: readonly string[] }).labgate_origins ?? []).includes(origin),
    extraClientMetadata: {
      properties: [...ownMetadata, ...needs.additions.flatMap((one) => one.clientMetadata ?? [])],
    },
    enabledJWA: {
      ...proofAlgorithms,
      idTokenSigningAlgValues: [...signingAlgorithms],
      userinfoSigningAlgValues: [...signingAlgorithms],
    },
    interactions: {
      policy,
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    ttl: {
      AuthorizationCode: 60,
      DeviceCode: 600,
      AccessToken: (_ctx, token) => lifeOf(token),
      ClientCredentials: (_ctx, token) => lifeOf(token),
      IdToken: 3600,
      Interaction: lives.interaction,
      Grant: 90 * day,
      RefreshToken: 14 * day,
      Session: lives.session,
    },
    clockTolerance: 5,
    // Without `offline_access` it ends with the session (OpenID Connect Core §11: not only offline access has refresh tokens).
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    // The profile binds them to the client's key and asks that they stay (FAPI 2.0 Security Profile §5.3.2.1).
    rotateRefreshToken: (ctx) => !isFapi(ctx.oidc.client),
    // Signing out ends this session's tokens; what was consented to stays remembered.
    revokeGrantPolicy: (ctx) => !ctx.oidc.route.startsWith('end_session'),
    findAccount: accountFinder(needs),
    formats: { customizers: { jwt: (_ctx, token, { payload }) => signAsIssued(token, payload, needs) } },
    extraTokenClaims: async (_ctx, token) => actorClaims(token) as never,
    loadExistingGrant: (ctx) => existingGrant(ctx, needs.consents),
    // Destination addresses are judged by our own egress rules, so the library's dispatcher is left out.
    fetch: (url, options) => needs.fetch(url, withoutDispatcher(options)),
    renderError: (ctx, out, error) => needs.views.error(ctx, out as { error: string }, error),
    features: features(needs),
    // The one way to sign in that a dialect, or a relying party, wants offered.
    extraParams: ['labgate_sign_in'],
    ...(needs.additions.some((one) => one.discovery) ? { discovery: discovery(needs) } : {}),
  } as Configuration
}

/** A client's own JWT says in its `jti` that we issued it. */
function signAsIssued(token: object, payload: object, { recordSecret }: ConfigurationNeeds): void {
  const { kind, client } = token as { readonly kind: string; readonly client?: ClientLife }
  if (kind !== 'ClientCredentials' || client === undefined) return
  Object.assign(payload, { jti: clientJwtId(recordSecret, payload as ClientJwtClaims, client) })
}

const routes = {
  authorization: '/oidc/auth',
  backchannel_authentication: '/oidc/backchannel',
  code_verification: '/oidc/device',
  device_authorization: '/oidc/device/auth',
  end_session: '/oidc/logout',
  introspection: '/oidc/introspection',
  jwks: '/oidc/jwks',
  pushed_authorization_request: '/oidc/par',
  registration: '/oidc/register',
  revocation: '/oidc/revocation',
  token: '/oidc/token',
  userinfo: '/oidc/userinfo',
}

function cookies(
  { cookieNames, issuer }: ConfigurationNeeds,
  keys: CookieSigner,
): NonNullable<Configuration['cookies']> {
  const secure = issuer.startsWith('https:')
  return {
    names: { session: cookieNames.provider, interaction: cookieNames.interaction, resume: cookieNames.resume },
    keys,
    long: { httpOnly: true, sameSite: 'lax', secure, signed: true, path: '/' },
    short: { httpOnly: true, sameSite: 'lax', secure, signed: true },
  }
}

function features(needs: ConfigurationNeeds): Configuration['features'] {
  return {
    devInteractions: { enabled: false },
    claimsParameter: { enabled: true },
    externalSigningSupport: { enabled: true, ack: 'experimental-01' },
    fapi: { enabled: true, profile: (_ctx, client) => (isFapi(client) ? '2.0' : undefined) },
    requestObjects: { enabled: true },
    clientCredentials: { enabled: true },
    deviceFlow: deviceFeature(needs),
    ...registrationFeatures(needs),
    introspection: {
      enabled: true,
      // A token of a client that is gone is none; the library takes for granted that there is one.
      allowedPolicy: async ({ oidc }, client, token) =>
        (await oidc.provider.Client.find(token.clientId ?? '')) !== undefined && mayIntrospect(client, token, needs),
    },
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    resourceIndicators: {
      enabled: true,
      // Of several that were granted none is chosen. The types know no `undefined`, which says that there is none.
      defaultResource: (_ctx, client, oneOf) =>
        (oneOf === undefined ? (client as { labgate_resource?: string }).labgate_resource : undefined) as never,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource) => resourceServer(needs.resources, resource),
    },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource(ctx) {
        const { state } = ctx.oidc.session as unknown as { state: LogoutState }
        const action = ctx.oidc.urlFor('end_session_confirm')
        const clientName = ctx.oidc.client?.clientName
        needs.views.signOut(ctx, { action, xsrf: state.secret, clientName, returnTo: state.postLogoutRedirectUri })
      },
      postLogoutSuccessSource: (ctx) => needs.views.signedOut(ctx),
    },
  }
}

interface LogoutState {
  readonly secret: string
  readonly postLogoutRedirectUri?: string
}

function discovery({ additions }: ConfigurationNeeds): NonNullable<Configuration['discovery']> {
  return Object.assign({}, ...additions.map((one) => one.discovery ?? {}))
}

function withoutDispatcher(options: RequestInit = {}): RequestInit {
  const { dispatcher: _theirs, ...rest } = options as RequestInit & { dispatcher?: unknown }
  return rest
}
