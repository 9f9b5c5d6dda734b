/**
 * What another config would change, looked up before it is applied: which parts of it, and who gains or loses what. The
 * ledger is made what the config says in a copy of the database, and the same questions are asked before and after.
 * @module
 */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Log } from '@labgate/contract'
import { type Ground, layGround, type Rooms } from './assembly.ts'
import { postgresOf } from './config/database.ts'
import type { LoadedConfig } from './config/load.ts'
import type { Config } from './config/schema.ts'
import { changedPaths, type Difference, differencesOf, restartNeeds } from './difference.ts'
import { type AccessChange, accessChanges, heldBy } from './plan-access.ts'
import { type GroupChange, groupChanges, groupsNow, type PeopleChanges, peopleChanges, regroup } from './plan-people.ts'
import type { Registry } from './registry/registry.ts'
import { seedLedger } from './seed-ledger.ts'
import { withCopy, withPlace } from './storage/copy.ts'

/** A config with its plugins, loaded and never started. */
export interface Candidate {
  readonly loaded: LoadedConfig
  readonly registry: Registry
}

/** All that would change. */
export interface Plan {
  readonly changes: boolean
  /** Sections that count after a restart only. */
  readonly restart: readonly string[]
  readonly plugins: readonly Difference[]
  readonly clients: readonly Difference[]
  /** Every other part of the config that differs, by its path. */
  readonly parts: readonly string[]
  readonly routes: { readonly added: readonly string[]; readonly removed: readonly string[] }
  readonly people: PeopleChanges
  readonly groups: readonly GroupChange[]
  readonly access: readonly AccessChange[]
}

/** Compares two configs over the people and the ledger there are. Nothing of them is changed. */
export async function planOf(before: Candidate, after: Candidate, { log }: { readonly log: Log }): Promise<Plan> {
  const [old, wanted] = [before.loaded.config, after.loaded.config]
  const copied = await inCopy(old, log, (ground, rooms) => lookInside(ground, rooms, { before, after }))
  const plugins = differencesOf(enabledIn(old), enabledIn(wanted))
  const clients = differencesOf(old.clients, wanted.clients)
  const parts = changedPaths(old, wanted).filter((path) => !/^(?:plugins|clients)\./.test(path))
  const restart = restartNeeds(old, wanted)
  const routes = routeChanges(before.registry, after.registry)
  const found = { restart, plugins, clients, parts, routes, ...copied }
  return { changes: isAny(found), ...found }
}

/** A disabled instance is one that is not there. */
function enabledIn({ plugins }: Config): Config['plugins'] {
  return Object.fromEntries(Object.entries(plugins).filter(([, { enabled }]) => enabled))
}

function isAny(found: Omit<Plan, 'changes'>): boolean {
  const { restart, plugins, clients, parts, routes, people, groups, access } = found
  const lists = [restart, plugins, clients, parts, routes.added, routes.removed, groups, access]
  return [...lists, ...Object.values(people)].some((list) => list.length > 0)
}

function routesOf(registry: Registry): string[] {
  const dialects = registry
    .authz()
    .flatMap(({ id, routes, origin }) => routes.map(({ path, claim }) => `${claim.method} ${origin}${path} (${id})`))
  const ways = registry
    .auth()
    .flatMap(({ id, redirectUri, callbackPaths }) =>
      [redirectUri.pathname, ...callbackPaths].map((path) => `GET ${redirectUri.origin}${path} (${id})`),
    )
  return [...dialects, ...ways]
}

function routeChanges(before: Registry, after: Registry): Plan['routes'] {
  const [one, other] = [routesOf(before), routesOf(after)]
  return {
    added: other.filter((route) => !one.includes(route)),
    removed: one.filter((route) => !other.includes(route)),
  }
}

type Inside = Pick<Plan, 'people' | 'groups' | 'access'>

async function lookInside(
  ground: Ground,
  rooms: Rooms,
  { before, after }: { readonly before: Candidate; readonly after: Candidate },
): Promise<Inside> {
  const { config } = after.loaded
  const people = await peopleChanges(rooms, { before, after })
  const [groups, held] = [await groupsNow(rooms), await heldBy(rooms)]
  const next = ground.furnish({ ...config, database: rooms.get('config').database })
  ground.use(next)
  await seedLedger({ config, locate: after.loaded.locate, rooms: next })
  await regroup(next, { before, after })
  return {
    people,
    groups: groupChanges(groups, await groupsNow(next)),
    access: accessChanges(held, await heldBy(next)),
  }
}

/** Opens a copy of the database of a config, where anything may be tried. */
async function inCopy<T>(config: Config, log: Log, work: (ground: Ground, rooms: Rooms) => Promise<T>): Promise<T> {
  const { url: _url, ...database } = config.database
  const { redis: _redis, ...alone } = config
  const on = (file: string): Config => ({ ...alone, database: { ...database, file } })
  const postgres = postgresOf(config)
  if (postgres === undefined)
    return withCopy(database.file, (file) => inGround(on(file), { log, migrate: 'check' }, work))
  const { copyToFile } = await import('./storage/postgres/copy-out.ts')
  // Nothing has to lie there but this.
  await mkdir(dirname(database.file), { recursive: true, mode: 0o700 }).catch(() => undefined)
  return withPlace(database.file, async (file) => {
    await inGround(on(file), { log, migrate: 'auto' }, async () => undefined)
    await copyToFile(postgres, file)
    return inGround(on(file), { log, migrate: 'check' }, work)
  })
}

async function inGround<T>(
  config: Config,
  { log, migrate }: { readonly log: Log; readonly migrate: 'auto' | 'check' },
  work: (ground: Ground, rooms: Rooms) => Promise<T>,
): Promise<T> {
  const ground = await layGround(config, { replaced: { log: log as never }, storage: { migrate } })
  try {
    const rooms = ground.furnish(config)
    ground.use(rooms)
    return await work(ground, rooms)
  } finally {
    await ground.get('storage').close()
  }
}
