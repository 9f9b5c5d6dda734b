/**
 * The composition root of a serving Labgate: the only file that knows every room, and the order in which they
 * start and stop.
 * @module
 */
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault, isSecret } from '@labgate/contract'
import type Provider from 'oidc-provider'
import { seed } from './access/seed.ts'
import type { DataHolder } from './accounts/data-holders.ts'
import { createSelfFace } from './accounts/own-words.ts'
import { createTokensFace } from './accounts/token-face.ts'
import { createAdminFace } from './api/face.ts'
import { type AssemblyOptions, assemble, type Rooms } from './assembly.ts'
import { createBearer, scopesOfDialects } from './bearer.ts'
import type { LoadedConfig } from './config/load.ts'
import type { Config } from './config/schema.ts'
import { errorPages } from './desk.ts'
import { type App, createApp } from './http/app.ts'
import { cookieNames } from './http/cookies.ts'
import { createFetch, type GuardedFetch } from './http/egress.ts'
import { type Listening, listen } from './http/listen.ts'
import { managementHandler } from './http/management.ts'
import { createSessionCookie } from './http/session.ts'
import { createHealth, type Health } from './observe/health.ts'
import { createProviderSessions, type ProviderSessions } from './oidc/provider-sessions.ts'
import { assetUrls, loadAssets } from './pages/assets.ts'
import { createPages } from './pages/pages.ts'
import { buildProvider, providerCsp } from './provider.ts'
import { lifecycleOf } from './registry/lifecycle.ts'
import { loadPlugins } from './registry/load.ts'
import type { Registry } from './registry/registry.ts'
import { addRoutes } from './routes.ts'
import type { Site } from './site.ts'
import { createWorkspaceFront, type WorkspaceFront } from './workspace-front.ts'

/** A Labgate, built and not yet listening. */
export interface Labgate {
  readonly issuer: string
  readonly rooms: Rooms
  readonly registry: Registry
  /** The current Provider; another one after a reload. */
  provider(): Provider
  readonly app: App
  /** Seeds the ledger from the config, starts plugins, clean-up and listeners, in this order; `signal` breaks it off. @throws Fault naming what did not start */
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
  const adminFace = createAdminFace()
  const installation = (await get('storage').settings.get('installation')) ?? 'none'
  const fetchFor: Site['fetchFor'] = (name, { allow = config.egress.allow, ca } = {}) => {
    const made = createFetch({ name, allow, ca, log: get('log'), metrics: get('metrics'), watch: options.watch })
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
        tokens: createTokensFace({ tokens: get('tokens'), clock: get('clock') }),
        admin: adminFace,
        self: createSelfFace(get('ownWords')),
        installation,
        noteIssue: ({ account, ask, detail }) =>
          get('audit')({
            type: 'dialect.issued',
            ...{ account, actor: account, requestId: ask.requestId, address: ask.address },
            detail: { service: id, ...detail },
          }),
      }),
    })
    return await furnish({ config, rooms, registry, adminFace, fetchFor, fetches, locate })
  } catch (error) {
    await get('storage').close()
    throw error
  }
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
    pages: errorPages(pages, config.issuer),
  })
  const cookie = createSessionCookie({
    koa: app.koa,
    sessions: get('sessions'),
    random: get('random'),
    cookieName: cookieNames(config.issuer).session,
    secure: config.issuer.startsWith('https:'),
  })
  const provider = await buildProvider(site, { cookie, pages, cookieKeys })
  const current = () => provider
  const providerSessions = createProviderSessions({
    provider: current,
    artifacts: get('storage').artifacts,
    log: get('log'),
  })
  tieSessions(rooms, providerSessions)
  // Dialects are loaded now: a token may have what they ask for.
  get('tokenScopes').settle(() => scopesOfDialects(site.registry))
  get('workspaces').settle(() => site.registry.runners())
  get('dataHolders').settle(() => holdersOf(site))
  const bearer = createBearer({ rooms, provider: current })
  addRoutes(site, { app, cookie, pages, provider: current, providerSessions, assets, bearer })
  app.mountProvider({ current, csp: providerCsp })
  const proxies = config.listen.socket === undefined ? config.proxies : [...config.proxies, 'unix']
  const front = createWorkspaceFront({ rooms, cookie, proxies })
  return lifecycle(site, { app, provider: current, health: healthOf(site), front })
}

/** Every plugin that may hold people's data, those that failed too: what they hold is still there. */
function holdersOf({ registry, rooms: { get } }: Site): DataHolder[] {
  const there = [...registry.auth(), ...registry.authz(), ...registry.runners()]
  return [
    // First of all: what somebody has stored is erased when nothing uses it any more.
    { id: 'workspaces', lifecycle: { erase: (account) => get('workspaces').letGo(account) } },
    ...there.map((one) => ({ id: one.id, lifecycle: lifecycleOf(one) })),
    ...registry.failed().map(({ id }) => ({ id, lifecycle: undefined })),
  ]
}

/** Ending ours ends the Provider's; an account that may no longer act loses both, and every token. */
function tieSessions({ get }: Rooms, providerSessions: ProviderSessions): void {
  get('sessions').onEnd(providerSessions.end)
  get('accounts').onStateChange(async (id) => {
    await get('sessions').endAll(id)
    await providerSessions.revokeAccount(id)
  })
}

/** The authority a plugin's config names as `tls.ca`, for upstreams inside a lab. */
function trustedCa(pluginConfig: unknown): string | undefined {
  const ca = (pluginConfig as { tls?: { ca?: unknown } } | undefined)?.tls?.ca
  return isSecret(ca) ? ca.reveal() : undefined
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

function lifecycle(
  site: Site,
  parts: { app: App; provider(): Provider; health: Health; front: WorkspaceFront },
): Labgate {
  const { config, rooms, registry } = site
  const { get } = rooms
  const running: Running = {}
  let stopping: Promise<void> | undefined

  const stop = async (): Promise<void> => {
    parts.health.drain()
    parts.front.close()
    await running.main?.close({ graceSeconds: 10 })
    await running.management?.close({ graceSeconds: 1 })
    await get('workspaces').close()
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
      await seedLedger(site)
      signal?.throwIfAborted()
      await registry.start(signal)
      signal?.throwIfAborted()
      get('storage').cleaner.start({ intervalSeconds: 60 })
      await get('workspaces').open()
      // Each is kept at once: when the second place is taken, `stop` still closes the first.
      if (config.management.enabled)
        running.management = await listen({
          handler: managementHandler({ health: parts.health, metrics: get('metrics'), log: get('log') }),
          place: config.management,
        })
      const main = await listen({
        handler: frontFirst(parts),
        isPatient: parts.front.takes,
        place: placeOf(config),
        tls: tlsOf(config),
      })
      main.server.on('upgrade', (req, socket, head) => {
        if (parts.front.takes(req)) parts.front.upgrade(req, socket, head)
        else socket.destroy()
      })
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

/** Plugins and the first request already find what the config says. */
async function seedLedger({ config, rooms: { get }, locate }: Site): Promise<void> {
  const done = await seed({
    ...{ config, locate, storage: get('storage'), clock: get('clock'), log: get('log'), change: get('change') },
    ...{ ledger: get('ledger'), groups: get('groups'), serviceAccounts: get('serviceAccounts') },
    members: get('configMembers'),
  })
  if (Object.keys(done).length > 0) get('log').info({ done }, 'the ledger was made what the config says')
  await get('profile').settleAll()
}

/** Hosts of workspaces never reach the app of pages and dialects, nor the other way round. */
function frontFirst({ app, front }: { app: App; front: WorkspaceFront }) {
  const pages = app.callback()
  return (req: IncomingMessage, res: ServerResponse) => (front.takes(req) ? front.handle(req, res) : pages(req, res))
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
