/**
 * The composition root of a serving Labgate: the only file that knows every room, and the order in which they
 * start and stop.
 * @module
 */
import { readFileSync } from 'node:fs'
import { type Fact, Fault, isSecret, type OidcAdditions } from '@labgate/contract'
import type Provider from 'oidc-provider'
import { mayAct } from './accounts/accounts.ts'
import { type AssemblyOptions, assemble, type Rooms } from './assembly.ts'
import type { LoadedConfig } from './config/load.ts'
import type { Config } from './config/schema.ts'
import { accountRoutes } from './console/account.ts'
import { homeRoutes } from './console/home.ts'
import { dialectRoutes } from './dialects.ts'
import { type App, createApp } from './http/app.ts'
import { assetRoutes } from './http/assets.ts'
import { cookieNames } from './http/cookies.ts'
import { createFetch, type GuardedFetch } from './http/egress.ts'
import { cspOf } from './http/headers.ts'
import { type Listening, listen } from './http/listen.ts'
import { managementHandler } from './http/management.ts'
import { createSessionCookie, type SessionCookie } from './http/session.ts'
import { providerInteractions } from './interactions.ts'
import { createAttempts } from './login/attempts.ts'
import type { Desk } from './login/desk.ts'
import { createDoor, returnAddress } from './login/door.ts'
import { createRenewal } from './login/renewal.ts'
import { aliasRoute, signInRoutes } from './login/routes.ts'
import { tellAdmins } from './login/waiting.ts'
import { createHealth, type Health } from './observe/health.ts'
import { claimsOfScope, type Person } from './oidc/claims.ts'
import { clientMetadata, doorClient, doorClientId } from './oidc/clients.ts'
import { createProvider } from './oidc/provider.ts'
import { createProviderSessions, type ProviderSessions } from './oidc/provider-sessions.ts'
import { providerViews } from './oidc/views.ts'
import { assetUrls, loadAssets } from './pages/assets.ts'
import { createPages, type Pages } from './pages/pages.ts'
import { loadPlugins } from './registry/load.ts'
import type { Registry } from './registry/registry.ts'

/** A Labgate, built and not yet listening. */
export interface Labgate {
  readonly issuer: string
  readonly rooms: Rooms
  readonly registry: Registry
  /** The current Provider; another one after a reload. */
  provider(): Provider
  readonly app: App
  /** Starts plugins, clean-up and listeners, in this order; `signal` breaks it off. @throws Fault naming what did not start */
  start(signal?: AbortSignal): Promise<{
    readonly port: number | undefined
    readonly managementPort: number | undefined
    readonly firstAdminCode: string | undefined
  }>
  /** Finishes what is under way and closes everything; called twice, the second time does nothing. */
  stop(): Promise<void>
}

/** A config, with its file when it came from one. */
export type LabgateConfig = Config | LoadedConfig

/**
 * Builds a Labgate from a loaded config: storage, plugins, Provider, routes. Opens the database, nothing else.
 * @throws Fault ERR_STORAGE, ERR_KEYS, ERR_PLUGIN with who, what and how to mend
 */
export async function createLabgate(given: LabgateConfig, options: AssemblyOptions = {}): Promise<Labgate> {
  const { config, folder, locate, env } =
    'config' in given
      ? { ...given, folder: dirOf(given.file) }
      : { config: given, folder: process.cwd(), locate: undefined, env: {} }
  const rooms = await assemble(config, options)
  const { get } = rooms
  const fetches: GuardedFetch[] = []
  const fetchFor: Site['fetchFor'] = (name, { allow = config.egress.allow, ca } = {}) => {
    const made = createFetch({ name, allow, ca, log: get('log'), metrics: get('metrics') })
    fetches.push(made)
    return made
  }
  try {
    const registry = await loadPlugins({
      config: config.plugins,
      issuer: config.issuer,
      siteName: config.name,
      folder,
      env,
      demo: config.demo,
      log: get('log'),
      ...(locate ? { locate } : {}),
      contextFor: ({ id }, pluginConfig) => ({
        clock: get('clock'),
        random: get('random'),
        log: get('log').child({ instance: id }),
        fetch: fetchFor(id, { ca: trustedCa(pluginConfig) }),
        store: get('storage').documents(`plugin:${id}`),
        mail: get('mail'),
        accounts: get('accounts'),
        access: get('access'),
      }),
    })
    return await furnish({ config, rooms, registry, fetchFor, fetches })
  } catch (error) {
    await get('storage').close()
    throw error
  }
}

interface Site {
  readonly config: Config
  readonly rooms: Rooms
  readonly registry: Registry
  readonly fetches: readonly GuardedFetch[]
  fetchFor(
    name: string,
    options?: { readonly allow?: readonly string[]; readonly ca?: string | undefined },
  ): GuardedFetch
}

/** Everything above the rooms: pages, app, Provider, routes. */
async function furnish(site: Site): Promise<Labgate> {
  const { config, rooms } = site
  const { get } = rooms
  const assets = loadAssets({ logo: config.branding.logo })
  const pages = createPages({
    siteName: config.name,
    branding: config.branding,
    assets: assetUrls(assets),
    log: get('log'),
  })
  const cookieKeys = get('storage').ring.cookieKeys()
  const app = createApp({
    issuer: config.issuer,
    proxies: config.listen.socket === undefined ? config.proxies : [...config.proxies, 'unix'],
    log: get('log'),
    metrics: get('metrics'),
    ringKeys: cookieKeys,
    pages: errorPages(pages),
  })
  const cookie = createSessionCookie({
    koa: app.koa,
    sessions: get('sessions'),
    random: get('random'),
    cookieName: cookieNames(config.issuer).session,
    secure: config.issuer.startsWith('https:'),
  })
  app.use(cookie.step)
  const provider = await buildProvider(site, { cookie, pages, cookieKeys })
  const current = () => provider
  const providerSessions = createProviderSessions({
    provider: current,
    artifacts: get('storage').artifacts,
    log: get('log'),
  })
  tieSessions(rooms, providerSessions)
  addRoutes(site, { app, cookie, pages, provider: current, providerSessions, assets })
  app.mountProvider({ current, csp: providerCsp })
  return lifecycle(site, { app, provider: current, health: healthOf(site) })
}

/** Ending ours ends the Provider's; an account that may no longer act loses both, and every token. */
function tieSessions({ get }: Rooms, providerSessions: ProviderSessions): void {
  get('sessions').onEnd(providerSessions.end)
  get('accounts').onChange(async (id, state) => {
    if (state === 'active') return
    await get('sessions').endAll(id)
    await providerSessions.revokeAccount(id)
  })
}

async function buildProvider(
  site: Site,
  parts: { cookie: SessionCookie; pages: Pages; cookieKeys: readonly string[] },
): Promise<Provider> {
  const { config, rooms, registry } = site
  const { get } = rooms
  const { cookie } = parts
  return createProvider({
    issuer: config.issuer,
    demo: config.demo,
    jwks: await get('keys').load(),
    cookieKeys: parts.cookieKeys,
    cookieNames: cookieNames(config.issuer),
    recordSecret: get('storage').ring.derive('jwt-records', 32).toString('base64url'),
    resources: config.resources,
    artifacts: get('storage').artifacts,
    clock: get('clock'),
    refreshGraceSeconds: 5,
    clients: [
      doorClient([
        new URL(returnAddress, config.issuer).href,
        ...doorHosts(registry).map((origin) => new URL(returnAddress, origin).href),
      ]),
      ...Object.entries(config.clients).map(([id, settings]) =>
        clientMetadata(id, settings, settings.secret?.reveal()),
      ),
    ],
    findClient: (id) => get('clients').metadata(id) as never,
    claims: config.claims,
    additions: additionsOf(registry),
    person: (id) => personOf(rooms, id),
    sessionLives: async (uid) => (await get('storage').sessions.findByProviderUid(uid)) !== undefined,
    renew: createRenewal({
      identities: get('identities'),
      accounts: get('accounts'),
      clock: get('clock'),
      log: get('log'),
      methods: { get: (id) => registry.auth().find((one) => one.id === id) },
    }),
    consents: get('consents'),
    sessions: get('sessions'),
    sessionOf: (req) => cookie.of(req),
    async bind(req, providerUid) {
      const id = cookie.idOf(req)
      if (id !== undefined) await get('sessions').bindProvider(id, providerUid)
    },
    fetch: site.fetchFor('provider', { allow: [...config.egress.allow, ...backchannelHosts(config)] }),
    log: get('log'),
    audit: get('audit'),
    views: providerViews({ pages: parts.pages, support: config.branding.support }),
  })
}

/** The authority a plugin's config names as `tls.ca`, for upstreams inside a lab. */
function trustedCa(pluginConfig: unknown): string | undefined {
  const ca = (pluginConfig as { tls?: { ca?: unknown } } | undefined)?.tls?.ca
  return isSecret(ca) ? ca.reveal() : undefined
}

/** Addresses that the deployer's own config names may be reached, internal ones too. */
function backchannelHosts({ clients }: Config): string[] {
  return Object.values(clients).flatMap(({ backchannelLogoutUri }) =>
    backchannelLogoutUri ? [new URL(backchannelLogoutUri).hostname] : [],
  )
}

function additionsOf(registry: Registry): OidcAdditions[] {
  return registry.authz().flatMap(({ adapter }) => (adapter.oidc ? [adapter.oidc] : []))
}

function doorHosts(registry: Registry): string[] {
  return [...new Set(registry.authz().flatMap(({ host, origin }) => (host === undefined ? [] : [origin])))]
}

async function personOf({ get }: Rooms, id: string): Promise<Person | undefined> {
  const account = await get('accounts').find(id)
  if (!account || !mayAct(account)) return undefined
  return { account, facts: await get('identities').facts(id) }
}

interface RouteParts {
  readonly app: App
  readonly cookie: SessionCookie
  readonly pages: Pages
  readonly providerSessions: ProviderSessions
  readonly assets: ReturnType<typeof loadAssets>
  provider(): Provider
}

function addRoutes(site: Site, parts: RouteParts): void {
  const { config, rooms, registry } = site
  const { get } = rooms
  const { app } = parts
  const desk = createDesk(site, parts)
  const door = createDoor(desk, doorClientId)
  const random = get('random')
  app.routes.add(
    ...dialectRoutes({
      rooms,
      desk,
      door,
      cookie: parts.cookie,
      instances: registry.authz(),
      provider: parts.provider,
    }),
    ...assetRoutes(Object.values(parts.assets)),
    ...homeRoutes({ desk, services: homeLinks(config) }),
    ...signInRoutes(desk, random),
    ...registry
      .auth()
      .flatMap(({ id, callbackPaths }) =>
        callbackPaths.map((path) => aliasRoute(desk, random, { path, instance: id })),
      ),
    ...door.routes,
    ...accountRoutes({
      desk,
      door,
      random,
      identities: get('identities'),
      firstAdmin: get('firstAdmin'),
      revokeClient: parts.providerSessions.revokeClient,
      async leaveUpstream(identity) {
        const method = registry.auth().find(({ id }) => id === identity.instance)?.method
        const link = { issuer: identity.issuer, subject: identity.subject, kept: identity.kept }
        await method?.revoke?.(link)
        return method?.logout?.(link, new URL('/', config.issuer))
      },
    }),
  )
}

/** Relying parties with a page of their own, for the first page. */
function homeLinks({ clients }: Config): { href: string; label: string }[] {
  return Object.entries(clients).flatMap(([id, { name, homepage }]) =>
    homepage ? [{ href: homepage, label: name ?? id }] : [],
  )
}

function createDesk(site: Site, { app, cookie, pages, provider }: RouteParts): Desk {
  const { config, rooms, registry } = site
  const { get } = rooms
  const locale: Desk['locale'] = (ctx) => pages.texts.choose(ctx.get('accept-language'))
  const label = (id: string, language: string): string => {
    const card = registry.choices(language).find((choice) => choice.id === id)?.card
    return card && 'label' in card ? (card.name ?? card.label) : id
  }
  return {
    issuer: config.issuer,
    support: config.branding.support,
    rememberDays: Math.round(config.session.remember / 86_400),
    cookieNames: cookieNames(config.issuer),
    clock: get('clock'),
    log: get('log'),
    csrf: app.csrf,
    attempts: createAttempts({ artifacts: get('storage').artifacts, clock: get('clock'), random: get('random') }),
    interactions: providerInteractions({
      provider,
      artifacts: get('storage').artifacts,
      expiredText: pages.texts.in('en')('login.expired'),
    }),
    people: get('people'),
    accounts: get('accounts'),
    sessions: get('sessions'),
    consents: get('consents'),
    cookie,
    methods: {
      get: (id) => registry.auth().find((one) => one.id === id),
      choices: (language) => registry.choices(language),
      label,
    },
    preview: (account, scope) => previewScope(site, { pages, account, scope }),
    show(ctx, view, data) {
      ctx.type = 'html'
      ctx.body = pages.render(view, data, { locale: locale(ctx), nonce: ctx.state.nonce })
    },
    locale,
    text: (ctx, key, values) => pages.texts.in(locale(ctx))(key, values),
    async audit(ctx, event) {
      const { requestId, address } = ctx.state
      await get('audit')({ ...event, actor: event.account, requestId, address })
      if (event.type.startsWith('sign-in.'))
        get('metrics').signIn({ instance: event.detail?.instance ?? 'none', outcome: event.type.slice(8) as 'done' })
    },
    tellAdmins: (account) =>
      tellAdmins({
        account,
        accounts: get('accounts'),
        mail: get('mail'),
        log: get('log'),
        text: pages.texts.in('en'),
        siteName: config.name,
      }),
  }
}

/** What a scope would show of the account, for the consent page. */
async function previewScope(
  site: Site,
  ask: { pages: Pages; account: string; scope: string },
): ReturnType<Desk['preview']> {
  const t = ask.pages.texts.in('en')
  const person = await personOf(site.rooms, ask.account)
  const added = additionsOf(site.registry).find(({ scopes }) => scopes?.[ask.scope])?.scopes?.[ask.scope]
  const claims = person ? claimsOfScope(site.config.claims, ask.scope, person) : []
  return {
    title: t.find(`scopes.${ask.scope}.title`) ?? added?.description ?? ask.scope,
    description: t.find(`scopes.${ask.scope}.description`),
    claims: claims.map(({ claim, value }) => ({ claim, preview: shown(value, t) })),
  }
}

function shown(value: Fact['value'], t: (key: string) => string): string | undefined {
  if (typeof value === 'boolean') return t(value ? 'consent.yes' : 'consent.no')
  if (Array.isArray(value)) return value.length > 0 ? value.map(String).join(', ') : undefined
  return value === null ? undefined : String(value)
}

/** Pages of the Provider end at relying parties through forms; the library's own need their script's hash besides. */
function providerCsp(ctx: { path: string; state: { nonce: string } }): string | undefined {
  if (!ctx.path.startsWith('/oidc/auth')) return undefined
  return cspOf({ nonce: ctx.state.nonce, formAction: ['https:', 'http:'] })
}

function errorPages(pages: Pages) {
  return {
    renderError(view: import('./http/errors.ts').ErrorView): string {
      const options = { locale: pages.texts.choose(view.acceptLanguage), nonce: view.nonce }
      if (view.kind === 'wrong-host' && view.href !== undefined)
        return pages.render('wrong-host', { href: view.href, typed: view.typed }, options)
      const { code, requestId, message } = view
      const restart = { href: view.restart ?? '/' }
      return pages.render('error', { code, requestId, message, restart }, options)
    },
  }
}

function healthOf({ rooms, registry }: Site): Health {
  const health = createHealth({ log: rooms.get('log') })
  health.add({
    name: 'storage',
    weight: 'needed',
    check: async () => ({ ok: Number.isInteger(rooms.get('storage').dataVersion()) }),
  })
  for (const id of [...registry.auth(), ...registry.authz(), ...registry.runners(), ...registry.failed()].map(
    (one) => one.id,
  ))
    health.add({
      name: `plugin.${id}`,
      weight: 'useful',
      async check() {
        const found = (await registry.health()).find((one) => one.id === id)
        return { ok: found?.ok === true, ...(found?.detail === undefined ? {} : { detail: found.detail }) }
      },
    })
  return health
}

interface Running {
  main?: Listening
  management?: Listening
}

function lifecycle(site: Site, parts: { app: App; provider(): Provider; health: Health }): Labgate {
  const { config, rooms, registry } = site
  const { get } = rooms
  const running: Running = {}
  let stopping: Promise<void> | undefined

  const stop = async (): Promise<void> => {
    parts.health.drain()
    await running.main?.close({ graceSeconds: 10 })
    await running.management?.close({ graceSeconds: 1 })
    await registry.stop()
    await Promise.all(site.fetches.map((one) => one.close()))
    get('mail').close()
    await get('storage').close()
    get('log').flush()
  }
  return {
    issuer: config.issuer,
    rooms,
    registry,
    app: parts.app,
    provider: parts.provider,
    async start(signal) {
      await registry.start(signal)
      signal?.throwIfAborted()
      get('storage').cleaner.start({ intervalSeconds: 60 })
      // Each is kept at once: when the second place is taken, `stop` still closes the first.
      if (config.management.enabled)
        running.management = await listen({
          handler: managementHandler({ health: parts.health, metrics: get('metrics'), log: get('log') }),
          place: config.management,
        })
      const main = await listen({ handler: parts.app.callback(), place: placeOf(config), tls: tlsOf(config) })
      running.main = main
      // Not before: a second start that finds the place taken must not end the code that the first has printed.
      const firstAdminCode = await get('firstAdmin').issue()
      get('log').info({ issuer: config.issuer, port: main.port }, 'Labgate listens')
      return { port: main.port, managementPort: running.management?.port, firstAdminCode }
    },
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }
}

function placeOf({ listen: { host, port, socket } }: Config) {
  return socket === undefined ? { host, port } : { socket }
}

function tlsOf({ listen: { tls } }: Config) {
  if (!tls) return undefined
  try {
    return { cert: readFileSync(tls.cert.file), key: readFileSync(tls.key.file) }
  } catch (cause) {
    throw new Fault('ERR_CONFIG', `listen.tls: ${(cause as Error).message}; check the paths and who may read them`, {
      cause,
    })
  }
}

function dirOf(file: string): string {
  return file.slice(0, Math.max(0, file.lastIndexOf('/'))) || '/'
}
