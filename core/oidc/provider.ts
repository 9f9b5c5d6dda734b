/**
 * The OpenID Provider: oidc-provider, configured. It can be rebuilt and swapped while flows are open, because all
 * it remembers is in the store and the cookies.
 * @module
 */

import type { Log } from '@labgate/contract'
import type { Context } from 'koa'
import Provider, {
  type Adapter,
  type ClientMetadata,
  type Configuration,
  type JWKS,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import type { Consents } from '../accounts/consents.ts'
import type { Sessions } from '../accounts/sessions.ts'
import { type CookieSigner, createCookieSigner } from '../http/cookie-signer.ts'
import type { CookieNames } from '../http/cookies.ts'
import type { Audit } from '../observe/audit.ts'
import { type AccountNeeds, accountFinder } from './account.ts'
import { type AdapterNeeds, createAdapter } from './adapter.ts'
import { claimTable } from './claims.ts'
import { answeringForClientJwts, type ClientJwtClaims, type ClientLife, clientJwtId } from './client-jwts.ts'
import { ownMetadata } from './clients.ts'
import { type DeviceNeeds, deviceDoor, deviceFeature, pacedDeviceCodes } from './device.ts'
import { keepDocuments } from './documents.ts'
import { outlivingProofs } from './dpop.ts'
import { listenToProvider } from './events.ts'
import { registerExtensionGrants } from './extension-grants.ts'
import { narrowFormAction } from './form-post.ts'
import { existingGrant } from './grants.ts'
import { answeringForJwts, recordJwtTokens, tokenNames } from './jwt-tokens.ts'
import { signingAlgorithms } from './keys.ts'
import { createPolicy, type PolicyNeeds } from './policy.ts'
import { sendOnPosted } from './posted-requests.ts'
import { isFapi, type ProofNeeds, proofAlgorithms, proofOptions } from './proofs.ts'
import { addQuickAnswers } from './quick/answers.ts'
import { createQuickCookies } from './quick/cookies.ts'
import { mayIntrospect } from './quick/introspection.ts'
import { invitationTokens, type RegistrationNeeds, registeredClients, registrationFeatures } from './registration.ts'
import { lifeOf, type Resources, resourceServer } from './resources.ts'
import { signingWith } from './signers.ts'
import { actorClaims, type ExchangeNeeds, registerTokenExchange } from './token-exchange.ts'

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

export interface ProviderNeeds
  extends AdapterNeeds,
    PolicyNeeds,
    AccountNeeds,
    ProofNeeds,
    DeviceNeeds,
    RegistrationNeeds,
    Pick<ExchangeNeeds, 'apiToken'> {
  readonly issuer: string
  readonly demo: boolean
  readonly jwks: JWKS
  readonly cookieKeys: readonly string[]
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
  readonly sessions: Pick<Sessions, 'endByProvider' | 'lifeSeconds'>
  readonly fetch: typeof globalThis.fetch
  readonly views: ProviderViews
  readonly log: Log
  readonly audit: Audit
}

const day = 24 * 3600

/** Builds a Provider on the issuer's origin, its routes under `/oidc/`. */
export function createProvider(needs: ProviderNeeds): Provider {
  const { adapterFor, commitBeforeAnswer, alongside, step } = createAdapter(needs)
  // Who is signed in where is written in the commit of the answer that depends on it.
  const bind: PolicyNeeds['bind'] = async (req, uid) => alongside(() => needs.bind(req, uid))
  const policy = createPolicy({ ...needs, bind })
  const signer = createCookieSigner(needs.cookieKeys)
  const scopes = ['openid', 'offline_access', ...Object.keys(claimTable({ map: needs.claims, ...needs }))].filter(
    unique,
  )
  const lives = {
    session: Math.max(needs.sessions.lifeSeconds(true), needs.sessions.lifeSeconds(false)),
    interaction: 1800,
  }
  const provider = new Provider(needs.issuer, {
    adapter: (model: string) => wrapped(model, adapterFor(model), needs),
    clients: [...needs.clients],
    jwks: signingWith(needs.jwks),
    routes,
    cookies: cookies(needs, signer),
    scopes,
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
  } as Configuration)
  provider.proxy = true
  registerExtensionGrants(provider, needs.additions)
  registerTokenExchange(provider, { ...needs, nameOf: tokenNames({ ...needs, secret: needs.recordSecret }) })
  const used = (client: string) =>
    void needs.registrations
      .note(client)
      .catch((err: unknown) => needs.log.error({ err }, 'the use of a client was not noted'))
  listenToProvider(provider, { ...needs, used })
  // Ours ends when theirs is gone for good: a crash between the two must leave a session that can be ended again.
  provider.use((ctx, next) => endOursAfter(ctx as KoaContextWithOIDC, next, needs))
  provider.use(deviceDoor(needs))
  provider.use(sendOnPosted)
  provider.use((ctx, next) => narrowFormAction(ctx as KoaContextWithOIDC, next))
  provider.use(commitBeforeAnswer)
  recordJwtTokens(provider, { ...needs, adapterFor, secret: needs.recordSecret })
  addQuickAnswers(provider, { ...quickNeeds(needs, signer), ...{ used, step, policy, lives, scopes: new Set(scopes) } })
  keepDocuments(provider)
  return provider
}

/** What the quick answers need that comes of the config alone. */
function quickNeeds(needs: ProviderNeeds, signer: CookieSigner) {
  const { cookieNames: names, clock, issuer, consents } = needs
  const findAccount = accountFinder(needs)
  return {
    ...needs,
    cookies: createQuickCookies({ names, signer, clock, secure: issuer.startsWith('https:') }),
    existingGrant: (ctx: KoaContextWithOIDC) => existingGrant(ctx, consents),
    nameOf: tokenNames({ ...needs, secret: needs.recordSecret }),
    // Of the context it reads no more than the client.
    account: async (client: object, id: string, token?: object) =>
      findAccount({ oidc: { client } } as never, id, token as never) as never,
  }
}

/** What some models answer besides what is stored. */
function wrapped(model: string, adapter: Adapter, needs: ProviderNeeds): Adapter {
  if (model === 'AccessToken') return answeringForJwts(adapter, { ...needs, secret: needs.recordSecret })
  if (model === 'ClientCredentials') {
    const fixed = new Map(needs.clients.map(({ client_id: id, labgate_ended }) => [id, { labgate_ended }]))
    const client = async (id: string) => (fixed.get(id) ?? needs.findClient(id)) as ClientLife | undefined
    return answeringForClientJwts(adapter, { clock: needs.clock, secret: needs.recordSecret, client })
  }
  if (model === 'InitialAccessToken') return invitationTokens(adapter, needs)
  if (model === 'Client') return registeredClients(adapter, needs)
  if (model === 'ReplayDetection') return outlivingProofs(adapter)
  return model === 'DeviceCode' ? pacedDeviceCodes(adapter, needs) : adapter
}

/** A client's own JWT says in its `jti` that we issued it. */
function signAsIssued(token: object, payload: object, { recordSecret }: ProviderNeeds): void {
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

const unique = <T>(value: T, index: number, all: readonly T[]) => all.indexOf(value) === index

function cookies({ cookieNames, issuer }: ProviderNeeds, keys: CookieSigner): NonNullable<Configuration['cookies']> {
  const secure = issuer.startsWith('https:')
  return {
    names: { session: cookieNames.provider, interaction: cookieNames.interaction, resume: cookieNames.resume },
    keys,
    long: { httpOnly: true, sameSite: 'lax', secure, signed: true, path: '/' },
    short: { httpOnly: true, sameSite: 'lax', secure, signed: true },
  }
}

function features(needs: ProviderNeeds): Configuration['features'] {
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

function discovery({ additions }: ProviderNeeds): NonNullable<Configuration['discovery']> {
  return Object.assign({}, ...additions.map((one) => one.discovery ?? {}))
}

function withoutDispatcher(options: RequestInit = {}): RequestInit {
  const { dispatcher: _theirs, ...rest } = options as RequestInit & { dispatcher?: unknown }
  return rest
}

/** A relying party's logout destroyed the Provider's session: ours ends before the answer leaves. */
async function endOursAfter(ctx: KoaContextWithOIDC, next: () => Promise<void>, needs: ProviderNeeds): Promise<void> {
  await next()
  const session = ctx.oidc?.entities?.Session as { uid: string; destroyed?: boolean } | undefined
  if (session?.destroyed) await needs.sessions.endByProvider(session.uid)
}
