/**
 * The composition root of a serving Labgate: what lives as long as the process, the site that serves, and the order in
 * which everything starts and stops.
 * @module
 */
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault } from '@labgate/contract'
import type Provider from 'oidc-provider'
import type { DataHolder } from './accounts/data-holders.ts'
import { type AssemblyOptions, type Ground, layGround, type Rooms } from './assembly.ts'
import { scopesOfDialects } from './bearer.ts'
import { buildSite, type House, proxiesOf } from './build-site.ts'
import { systemClock } from './clock.ts'
import type { LoadedConfig } from './config/load.ts'
import type { Config } from './config/schema.ts'
import type { App } from './http/app.ts'
import { type Listening, listen } from './http/listen.ts'
import { managementHandler } from './http/management.ts'
import { createLimits } from './http/rate.ts'
import { createHealth, type Health, type HealthPart } from './observe/health.ts'
import { lifecycleOf } from './registry/lifecycle.ts'
import type { Registry } from './registry/registry.ts'
import { createReloads, type ReadConfig, type ReloadAnswer, siteConfigOf } from './reload.ts'
import { seedLedger } from './seed-ledger.ts'
import { createKeyKeeper } from './signing.ts'
import type { LiveSite } from './site.ts'
import { createWorkspaceFront, type WorkspaceFront } from './workspace-front.ts'

/** A Labgate, built and not yet listening. What it answers of its site is that of the config which serves now. */
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
  /** Does what is due to the signing keys, and sees what others did to them; by itself it looks every 30 seconds. */
  renewKeys(): Promise<void>
  /** Puts another config in the place of the one that serves; what is under way goes on. Never throws. */
  reload(read: ReadConfig): Promise<ReloadAnswer>
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
  const from =
    'config' in given ? siteConfigOf(given) : { config: given, folder: process.cwd(), locate: undefined, env: {} }
  const ground = await layGround(from.config, options)
  try {
    const late: { site: LiveSite | undefined } = { site: undefined }
    const current = () => {
      if (late.site === undefined) throw new TypeError('a plugin used its context before it was started')
      return late.site
    }
    const front = createFront(ground, from.config, current)
    const house: House = {
      ...{
        ground,
        limits: createLimits({}, ground.get('storage').limiter),
        watch: options.watch,
        current,
        ended: front.ended,
      },
      installation: (await ground.get('storage').settings.get('installation')) ?? 'none',
    }
    const use = (site: LiveSite) => {
      late.site = site
      ground.use(site.rooms)
    }
    use(await buildSite(house, from))
    settle(ground, current)
    return lifecycle({ ...{ house, use, front }, config: from.config, health: healthOf(ground, current) })
  } catch (error) {
    await ground.get('storage').close()
    throw error
  }
}

/** The way to workspaces outlives every config: who works there is not cut off. */
function createFront(ground: Ground, config: Config, current: () => LiveSite): WorkspaceFront {
  return createWorkspaceFront({
    ...{ rooms: ground, config, proxies: proxiesOf(config) },
    sessions: () => current().rooms.get('sessions'),
    cookie: { of: (req) => current().cookie.of(req), idOf: (req) => current().cookie.idOf(req) },
  })
}

/** Tells rooms that outlive a config where to find its plugins. */
function settle({ get }: Ground, current: () => LiveSite): void {
  // Dialects are loaded now: a token may have what they ask for.
  get('tokenScopes').settle(() => scopesOfDialects(current().registry))
  get('workspaces').settle(() => current().registry.runners())
  get('dataHolders').settle(() => holdersOf(current()))
  // An account that may no longer act loses its sessions and every token.
  get('accounts').onStateChange(async (id) => {
    await current().rooms.get('sessions').endAll(id)
    await current().providerSessions.revokeAccount(id)
  })
}

/** Every plugin that may hold people's data, those that failed too: what they hold is still there. */
function holdersOf({ registry, rooms: { get } }: LiveSite): DataHolder[] {
  const there = [...registry.auth(), ...registry.authz(), ...registry.runners()]
  return [
    // First of all: what somebody has stored is erased when nothing uses it any more.
    { id: 'workspaces', lifecycle: { erase: (account) => get('workspaces').letGo(account) } },
    ...there.map((one) => ({ id: one.id, lifecycle: lifecycleOf(one) })),
    ...registry.failed().map(({ id }) => ({ id, lifecycle: undefined })),
  ]
}

function healthOf({ get }: Ground, current: () => LiveSite): Health {
  const health = createHealth({ log: get('log'), others: () => pluginParts(current().registry) })
  health.add({
    name: 'storage',
    weight: 'needed',
    check: async () => ({ ok: await get('storage').answers() }),
  })
  const { redis } = get('storage')
  if (redis !== undefined)
    health.add({
      name: 'redis',
      weight: 'useful',
      check: async () => (redis.isThere() ? { ok: true } : { ok: false, detail: redis.trouble() }),
    })
  return health
}

function pluginParts(registry: Registry): HealthPart[] {
  const ids = [...registry.auth(), ...registry.authz(), ...registry.runners(), ...registry.failed()].map(({ id }) => id)
  return ids.map((id) => ({
    name: `plugin.${id}`,
    weight: 'useful',
    async check() {
      const found = (await registry.health()).find((one) => one.id === id)
      return { ok: found?.ok === true, ...(found?.detail === undefined ? {} : { detail: found.detail }) }
    },
  }))
}

interface Running {
  main?: Listening
  management?: Listening
}

interface Parts {
  readonly house: House
  /** The config of the start, which listeners are of. */
  readonly config: Config
  readonly front: WorkspaceFront
  readonly health: Health
  use(site: LiveSite): void
}

function lifecycle(parts: Parts): Labgate {
  const { house, config, front, health } = parts
  const { current } = house
  const { get } = house.ground
  const running: Running = {}
  let stopping: Promise<void> | undefined
  const startedAt = systemClock.now().getTime()
  const reloads = createReloads({ ...{ house, startedAt, use: parts.use }, applied: () => renewTls(parts, running) })
  health.add(reloads.part)
  const keeper = createKeyKeeper({
    ...{ keys: get('keys'), log: get('log'), audit: get('audit'), current },
    rules: () => current().config.signing,
    hear: (heard) => get('storage').notices.hear('keys', heard),
  })

  const stop = async (): Promise<void> => {
    health.drain()
    front.close()
    await running.main?.close({ graceSeconds: 10 })
    await running.management?.close({ graceSeconds: 1 })
    await reloads.settled()
    await keeper.stop()
    await get('workspaces').close()
    await current().close()
    await get('storage').close()
    get('log').flush()
  }
  return {
    issuer: config.issuer,
    get rooms() {
      return current().rooms
    },
    get registry() {
      return current().registry
    },
    get app() {
      return current().app
    },
    provider: () => current().provider(),
    async start(signal) {
      await seedLedger(current())
      await get('departures').settle({ here: Object.keys(current().config.clients) })
      signal?.throwIfAborted()
      await current().registry.start(signal)
      signal?.throwIfAborted()
      get('storage').cleaner.start({ intervalSeconds: 60 })
      await get('workspaces').open()
      await keeper.look()
      keeper.start()
      await openDoors(parts, running)
      // Not before: a second start that finds the place taken must not end the code that the first has printed.
      const firstAdminCode = await get('firstAdmin').issue()
      get('log').info({ issuer: config.issuer, port: running.main?.port }, 'Labgate listens')
      return { port: running.main?.port, managementPort: running.management?.port, firstAdminCode }
    },
    reload: reloads.reload,
    renewKeys: keeper.look,
    stop: () => {
      stopping ??= stop()
      return stopping
    },
  }
}

/** A certificate may have been renewed in its file. */
function renewTls({ config, house }: Parts, { main }: Running): void {
  try {
    const tls = tlsOf(config)
    if (tls !== undefined) main?.setTls(tls)
  } catch (err) {
    house.ground.get('log').error({ err }, 'the certificate was not renewed; the former one goes on')
  }
}

/** Begins to listen. Each is kept at once: when the second place is taken, `stop` still closes the first. */
async function openDoors({ house, config, front, health }: Parts, running: Running): Promise<void> {
  const { get } = house.ground
  // The container would look for it anew at each request.
  const storage = get('storage')
  if (config.management.enabled)
    running.management = await listen({
      handler: managementHandler({ health, metrics: get('metrics'), log: get('log') }),
      place: config.management,
    })
  const main = await listen({
    // Hosts of workspaces never reach the app of pages and dialects, nor the other way round.
    handler: (req: IncomingMessage, res: ServerResponse) =>
      front.takes(req) ? front.handle(req, res) : storage.during(() => house.current().handle(req, res)),
    isPatient: front.takes,
    place: placeOf(config),
    tls: tlsOf(config),
  })
  main.server.on('upgrade', (req, socket, head) => {
    if (front.takes(req)) front.upgrade(req, socket, head)
    else socket.destroy()
  })
  running.main = main
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
