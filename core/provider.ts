/** Builds the OpenID Provider of a site from its rooms. @module */
import type Provider from 'oidc-provider'
import { claimsToBeApiToken } from './accounts/token-value.ts'
import type { Config } from './config/schema.ts'
import { cookieNames } from './http/cookies.ts'
import { cspOf } from './http/headers.ts'
import type { Prepared, ProviderMount } from './http/provider.ts'
import type { Limits } from './http/rate.ts'
import type { SessionCookie } from './http/session.ts'
import { returnAddress, wayOf } from './login/door.ts'
import { createRenewal } from './login/renewal.ts'
import { clientMetadata, doorClient, doorClientId } from './oidc/clients.ts'
import { deviceViews } from './oidc/device-views.ts'
import { type KeptDocument, keptDocument } from './oidc/documents.ts'
import { createProvider } from './oidc/provider.ts'
import { quickAnswers } from './oidc/quick/answers.ts'
import { providerViews } from './oidc/views.ts'
import type { Pages } from './pages/pages.ts'
import type { Registry } from './registry/registry.ts'
import { additionsOf, personOf, type Site } from './site.ts'

/** The Provider with the clients of the config, our own doors, and what the dialects add. */
export async function buildProvider(
  site: Site,
  parts: {
    cookie: SessionCookie
    pages: Pages
    cookieKeys: readonly string[]
    fetch: typeof globalThis.fetch
    limits: Pick<Limits, 'take'>
  },
): Promise<Provider> {
  const { config, rooms, registry } = site
  const { get } = rooms
  const { cookie } = parts
  const renew = createRenewal({
    identities: get('identities'),
    accounts: get('accounts'),
    clock: get('clock'),
    log: get('log'),
    methods: { get: (id) => registry.auth().find((one) => one.id === id) },
  })
  const ended = await get('departures').ended()
  return createProvider({
    issuer: config.issuer,
    demo: config.demo,
    jwks: await get('keys').load(),
    cookieKeys: parts.cookieKeys,
    cookieNames: cookieNames(config.issuer),
    recordSecret: get('storage').ring.derive('jwt-records', 32).toString('base64url'),
    resources: config.resources,
    pairwiseSalt: await get('pairwise').salt(),
    artifacts: get('storage').artifacts,
    clock: get('clock'),
    refreshGraceSeconds: 5,
    clients: [
      doorClient([
        new URL(returnAddress, config.issuer).href,
        ...doorHosts(registry).map((origin) => new URL(returnAddress, origin).href),
      ]),
      ...Object.entries(config.clients).map(([id, settings]) => ({
        ...clientMetadata(id, settings, settings.secret?.reveal()),
        ...(ended.has(id) ? { labgate_ended: ended.get(id) } : {}),
      })),
    ],
    registrations: get('registrations'),
    roster: get('clients'),
    mostRegistered: config.clientRegistration.enabled ? config.clientRegistration.maxClients : undefined,
    async apiToken(value, address) {
      const found = claimsToBeApiToken(value) ? await get('tokens').resolve(value, { address }) : undefined
      return found && { account: found.account.id, scopes: found.token.scopes }
    },
    findClient: (id) => get('clients').metadata(id) as never,
    claims: config.claims,
    additions: additionsOf(registry),
    person: (id) => personOf(rooms, id),
    acts: async (id) => (await get('accounts').acting(id)) !== undefined,
    sessionLives: async (uid) => (await get('storage').sessions.findByProviderUid(uid)) !== undefined,
    renew: async (id) => {
      // Where no way to sign in can be asked again, nothing is looked up.
      if (registry.auth().some(({ method }) => method?.refresh !== undefined)) await renew(id)
    },
    consents: get('consents'),
    sessions: get('sessions'),
    sessionOf: (req) => cookie.of(req),
    async bind(req, providerUid) {
      const id = cookie.idOf(req)
      if (id !== undefined) await get('sessions').bindProvider(id, providerUid)
    },
    // Who goes to their own pages is not stopped: there they look after the account itself, the answers included.
    owesAnswers: async ({ account, client }) => client !== doorClientId && (await get('profile').isDue(account)),
    owesTerms: async ({ account, client }) =>
      (await get('access').missingTerms({ account, service: client })).length > 0,
    fetch: parts.fetch,
    log: get('log'),
    audit: get('audit'),
    personOf: async (req) => {
      const session = await cookie.of(req)
      return session && { ...session.owner, account: session.account }
    },
    signInWay: (to) => wayOf({ issuer: config.issuer, clientId: doorClientId })(to, 'anybody'),
    countTry: (...taken) => parts.limits.take(...taken),
    isFirst: (code, seconds) => get('storage').documents('core:device-polls').once(code, seconds),
    deviceViews: deviceViews({ pages: parts.pages, issuer: config.issuer }),
    views: providerViews({ pages: parts.pages, support: config.branding.support, issuer: config.issuer }),
  })
}

/** What the Provider may reach: addresses that the deployer's own config names, internal ones too. */
export function providerHosts({ clients, egress }: Config): string[] {
  const named = Object.values(clients).flatMap(({ backchannelLogoutUri, jwksUri }) =>
    [backchannelLogoutUri, jwksUri].flatMap((uri) => (uri === undefined ? [] : [new URL(uri).hostname])),
  )
  return [...egress.allow, ...named]
}

function doorHosts(registry: Registry): string[] {
  return [...new Set(registry.authz().flatMap(({ host, origin }) => (host === undefined ? [] : [origin])))]
}

/** How the outer app reaches a Provider, which may be another one at each request. */
export function providerMount(current: () => Provider): ProviderMount {
  return {
    current,
    csp: providerCsp,
    prepared(path, origin) {
      const document = keptDocument(current(), path)
      if (document === undefined) return undefined
      if (origin) return readableBy(document, origin)
      // Services say no origin: theirs is one and the same.
      const known = forAll.get(document) ?? readableBy(document, '*')
      forAll.set(document, known)
      return known
    },
    quick: (ctx) => quickAnswers(current())?.(ctx),
  }
}

const forAll = new WeakMap<KeptDocument, Prepared>()

function readableBy(document: KeptDocument, origin: string): Prepared {
  return { ...document, headers: { Vary: 'Origin', 'Access-Control-Allow-Origin': origin } }
}

/** Pages of the Provider end at relying parties through forms; the library's own need their script's hash besides. */
function providerCsp(ctx: { path: string; state: { nonce: string } }): string | undefined {
  if (!ctx.path.startsWith('/oidc/auth')) return undefined
  return cspOf({ nonce: ctx.state.nonce, formAction: ['https:', 'http:'] })
}
