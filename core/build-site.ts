/** Builds a site from one config: plugins, pages, app, Provider and routes. It opens nothing; its plugins are started by whoever built it. @module */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setImmediate as yieldTurn } from 'node:timers/promises'
import type Provider from 'oidc-provider'
import type { EndListener } from './accounts/sessions.ts'
import { createAdminFace } from './api/face.ts'
import type { Ground } from './assembly.ts'
import { createBearer } from './bearer.ts'
import type { Config } from './config/schema.ts'
import { errorPages } from './desk.ts'
import { type App, createApp } from './http/app.ts'
import { cookieNames } from './http/cookies.ts'
import { createFetch, type EgressWatch, type GuardedFetch } from './http/egress.ts'
import type { Limits } from './http/rate.ts'
import { createSessionCookie } from './http/session.ts'
import type { MailService } from './mail/mail.ts'
import { createProviderSessions } from './oidc/provider-sessions.ts'
import { type Assets, assetUrls, loadAssets } from './pages/assets.ts'
import { createPages, type Pages } from './pages/pages.ts'
import { servicesOf } from './plugin-services.ts'
import { buildProvider, providerHosts, providerMount } from './provider.ts'
import { loadPlugins } from './registry/load.ts'
import { digestOf } from './registry/print.ts'
import type { Registry } from './registry/registry.ts'
import { addRoutes } from './routes.ts'
import type { LiveSite, Site, SiteConfig } from './site.ts'

/** What a site stands on, which was there before it and will be there after it. */
export interface House {
  readonly ground: Ground
  /** Counts go on from one site to the next. */
  readonly limits: Limits
  readonly installation: string
  readonly watch?: EgressWatch | undefined
  /** The site that serves now. */
  current(): LiveSite
  /** Hears of every session that ends, besides the Provider. */
  readonly ended: EndListener
}

/** How a site is built beside another. */
export interface Beside {
  /** Takes over from this one whatever stays the same. */
  readonly before?: LiveSite | undefined
  /** Instances as they were when this very config served last. */
  readonly prepared?: LiveSite['registry']['prepared'] | undefined
}

/**
 * Builds a site. Nothing of `before` is touched.
 * @throws Fault ERR_PLUGIN with who, what and how to mend
 */
export async function buildSite(house: House, from: SiteConfig, { before, prepared }: Beside = {}): Promise<LiveSite> {
  const { config, folder, locate, env } = from
  const { ground } = house
  const rooms = ground.furnish(config, keptRooms(config, before))
  const fetches = new Map<string, GuardedFetch>()
  const fetchFor = createFetches(house, config, fetches)
  const { installation, current } = house
  const services = { ground, installation, current, fetchFor: (id: string, ca?: string) => fetchFor(id, { ca }) }
  const registry = await loadPlugins({
    config: config.plugins,
    issuer: config.issuer,
    siteName: config.name,
    ...{ folder, env, demo: config.demo, prepared },
    log: ground.get('log'),
    ...(locate ? { locate } : {}),
    contextFor: (name, pluginConfig) => servicesOf(services, name, pluginConfig),
    signIns: () => house.current().registry.signIns(),
    takeOver: before !== undefined && standAlike(before.config, config) ? before.registry : undefined,
  })
  await yieldTurn()
  const site: Site = { config, locate, rooms, registry, adminFace: createAdminFace() }
  return furnish(house, { site, from, fetches: keptFetches(fetches, { registry, before }), fetchFor })
}

/** What instances are handed besides their own settings: another value, and all of them are made anew. */
function standAlike(one: Config, other: Config): boolean {
  return digestOf([one.name, one.egress]) === digestOf([other.name, other.egress])
}

/** Mail that is under way goes on where its settings stay. */
function keptRooms(config: Config, before: LiveSite | undefined) {
  if (before === undefined) return {}
  const isSame = digestOf([before.config.mail, before.config.name]) === digestOf([config.mail, config.name])
  return isSame ? { mail: before.rooms.get('mail') } : {}
}

type FetchFor = (name: string, options?: { allow?: readonly string[]; ca?: string | undefined }) => GuardedFetch

/** Guarded fetches by who asks: an instance's id, or the Provider, whose name is none of an instance. */
function createFetches(house: House, { egress }: Config, made: Map<string, GuardedFetch>): FetchFor {
  const { get } = house.ground
  return (name, { allow = egress.allow, ca } = {}) => {
    const label = name.replace(/^:/, '')
    const fresh = createFetch({ name: label, allow, ca, log: get('log'), metrics: get('metrics'), watch: house.watch })
    made.set(name, fresh)
    return fresh
  }
}

function keptFetches(
  made: Map<string, GuardedFetch>,
  { registry, before }: { registry: Registry; before: LiveSite | undefined },
): Map<string, GuardedFetch> {
  for (const id of registry.kept) {
    const fetch = before?.fetches.get(id)
    if (fetch) made.set(id, fetch)
  }
  return made
}

interface Parts {
  readonly site: Site
  readonly from: SiteConfig
  readonly fetches: Map<string, GuardedFetch>
  readonly fetchFor: FetchFor
}

/** Everything above the rooms: pages, app, Provider, routes. */
async function furnish(house: House, { site, from, fetches, fetchFor }: Parts): Promise<LiveSite> {
  const { config, rooms } = site
  const { get } = rooms
  const assets = loadAssets({ logo: config.branding.logo })
  const pages = pagesOf(site, assets)
  // What is built beside a site that serves must not hold up its requests all in one go.
  await yieldTurn()
  const cookieKeys = get('storage').ring.cookieKeys()
  const app = createApp({
    issuer: config.issuer,
    proxies: proxiesOf(config),
    log: get('log'),
    metrics: get('metrics'),
    ringKeys: cookieKeys,
    pages: errorPages(pages, config.issuer),
    limits: house.limits,
  })
  const cookie = createSessionCookie({
    koa: app.koa,
    sessions: get('sessions'),
    random: get('random'),
    cookieName: cookieNames(config.issuer).session,
    secure: config.issuer.startsWith('https:'),
  })
  const fetch = fetchFor(':provider', { allow: providerHosts(config) })
  const build = async (): Promise<{ provider: Provider; ring: string }> => {
    // Before the keys themselves: what changes in between is found at the next look.
    const ring = await get('keys').ring()
    const made = await buildProvider(site, { cookie, pages, cookieKeys, fetch, limits: house.limits })
    return { provider: made.on('server_error', () => get('signIns').note('failed')), ring }
  }
  const now = await build()
  await yieldTurn()
  const provider = () => now.provider
  const { artifacts } = get('storage')
  const providerSessions = createProviderSessions({ provider, artifacts, log: get('log') })
  get('sessions').onEnd(providerSessions.end)
  get('sessions').onEnd(house.ended)
  const bearer = createBearer({ rooms, provider })
  addRoutes(site, { app, cookie, pages, provider, providerSessions, assets, bearer })
  app.mountProvider(providerMount(provider))
  return {
    ...site,
    ...{ from, app, cookie, providerSessions, provider, fetches },
    ring: () => now.ring,
    async renewProvider() {
      Object.assign(now, await build())
    },
    ...serving(app),
    close: (heir) => closeSite({ site, fetches }, { kept: heir?.registry.kept, mail: heir?.rooms.get('mail') }),
    abandon: (owner) => closeSite({ site, fetches }, { kept: site.registry.kept, mail: owner.rooms.get('mail') }),
  }
}

function pagesOf({ config, rooms }: Site, assets: Assets): Pages {
  const { name: siteName, branding, language } = config
  return createPages({ siteName, branding, assets: assetUrls(assets), log: rooms.get('log'), language })
}

/** Addresses of reverse proxies; behind a socket, whoever may open it. */
export function proxiesOf({ listen, proxies }: Config): readonly string[] {
  return listen.socket === undefined ? proxies : [...proxies, 'unix']
}

/** Answers requests and knows when the last one is done. */
function serving(app: App): Pick<LiveSite, 'handle' | 'idle'> {
  const answer = app.callback()
  let open = 0
  let done: (() => void) | undefined
  return {
    handle(req: IncomingMessage, res: ServerResponse) {
      open += 1
      // It comes once.
      res.on('close', () => {
        open -= 1
        if (open === 0) done?.()
      })
      answer(req, res)
    },
    async idle(seconds) {
      if (open === 0) return
      const { promise, resolve } = Promise.withResolvers<void>()
      done = resolve
      const timer = setTimeout(resolve, seconds * 1000)
      await promise
      clearTimeout(timer)
    },
  }
}

/** What belongs to another site. */
interface Others {
  readonly kept: ReadonlySet<string> | undefined
  readonly mail: MailService | undefined
}

async function closeSite({ site, fetches }: Pick<Parts, 'site' | 'fetches'>, others: Others): Promise<void> {
  const { kept = new Set<string>() } = others
  await site.registry.stop(kept)
  await Promise.all([...fetches].flatMap(([name, one]) => (kept.has(name) ? [] : [one.close()])))
  const mail = site.rooms.get('mail')
  if (others.mail !== mail) mail.close()
}
