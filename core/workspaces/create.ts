/** The room put together. Called by the assembly. @module */
import { type AccountId, Fault } from '@labgate/contract'
import type { Access } from '../access/access.ts'
import type { Stewards } from '../access/stewards.ts'
import type { Accounts } from '../accounts/accounts.ts'
import type { Actor } from '../accounts/actor.ts'
import { WorkspaceQuotaEntity, type WorkspaceRow } from '../storage/workspace-entities.ts'
import { fullFor, quotasTakenIn, standingIn } from './admission.ts'
import { createDirectWays, directOfRow } from './direct.ts'
import { leasesIn, setLeasesIn } from './leases.ts'
import { createLife, endAll, type Life } from './life.ts'
import type { LaunchOption, Profile, Quota, QuotaScope } from './model.ts'
import { createPlaces, drainedIn, type Place, setDrained } from './places.ts'
import { profilesOf } from './profiles.ts'
import { createRecords } from './records.ts'
import { type Room, storageOf, withoutSecrets } from './room.ts'
import { createDownloads } from './storages.ts'
import { createSupervisor, type Supervisor } from './supervisor.ts'
import { usageOf } from './usage.ts'
import { createWatch, type Watch } from './watch.ts'
import { createWays } from './way.ts'
import { createWishes, note } from './wishes.ts'
import type { Workspaces } from './workspaces.ts'

/** What the room is made of. */
export interface WorkspaceNeeds extends Omit<Room, 'profiles' | 'records' | 'places' | 'direct' | 'addressOf'> {
  readonly accounts: Pick<Accounts, 'find' | 'mayAct' | 'onStateChange'>
  readonly access: Pick<Access, 'decide'>
  readonly stewards: Pick<Stewards, 'rightsOf'>
}

/** The room, and its life. */
export interface WorkspacesRoom extends Workspaces, Life {
  readonly addressOf: Room['addressOf']
  /** Calls back when a guest of a workspace is one no more, until it is given up. */
  onShutOut(listener: (workspace: string) => void): () => void
  /** Told of the places when the plugins are loaded. */
  settle(runners: () => readonly Place[]): void
  /** The way that was given led nowhere; the next one is found anew. */
  forgetWay(id: string): void
}

interface Parts {
  readonly needs: WorkspaceNeeds
  readonly room: Room
  readonly supervisor: Supervisor
  readonly watch: Watch
}

/** Makes the room. */
export function createWorkspaces(needs: WorkspaceNeeds): WorkspacesRoom {
  let runners: () => readonly Place[] = () => []
  const places = createPlaces(() => runners())
  const profiles = profilesOf(needs.config)
  const own = { profiles, addressOf: addressOf(needs.config.origin) }
  const directOf = (row: WorkspaceRow) => directOfRow(own, row)
  const records = createRecords({ ...needs, hostOf: places.hostOf, directOf })
  const base = { ...needs, ...own, records, places }
  const touch = (id: string) => watch.touch(id)
  const room: Room = { ...base, direct: createDirectWays({ room: base, touch }) }
  // A command beside a server only writes wishes down, and the server finds them.
  const supervisor = createSupervisor(room, () => needs.storage.alone.holds())
  const watch: Watch = createWatch(room, supervisor)
  const parts: Parts = { needs, room, supervisor, watch }
  const isAdmin = async (account: AccountId) => (await needs.stewards.rightsOf(account)).admin
  const groupsOf = async (account: AccountId) => (await needs.accounts.find(account))?.groups ?? []
  const mayStart = (account: AccountId, profile: Profile) => mayStartIn(needs, account, profile)
  const wishes = createWishes({ room, supervisor, isAdmin, groupsOf, mayStart })
  const shutOut = new Set<(workspace: string) => void>()
  needs.accounts.onStateChange(async (account) => {
    if (!(await needs.accounts.mayAct(account))) await endAll(room, supervisor, account)
  })
  return {
    settle(given) {
      runners = given
    },
    addressOf: room.addressOf,
    ...wishes,
    async uninvite(actor, id, guest) {
      await wishes.uninvite(actor, id, guest)
      for (const listener of shutOut) listener(id)
    },
    onShutOut(listener) {
      shutOut.add(listener)
      return () => void shutOut.delete(listener)
    },
    ...lookups(parts),
    ...administration(parts, async (actor) => {
      if (actor.kind === 'account' && !(await isAdmin(actor.account)))
        throw new Fault('ERR_FORBIDDEN', 'This needs a site admin.')
    }),
    ...createLife(parts),
  }
}

/** Where a workspace is served; without a wildcard they share one origin. */
function addressOf(origin: string | undefined): Room['addressOf'] {
  return (id) => {
    if (origin === undefined) return { origin: '', basePath: `/w/${id}/` }
    if (!origin.includes('://*.')) return { origin, basePath: `/w/${id}/` }
    return { origin: origin.replace('://*.', `://${id}.`), basePath: '/' }
  }
}

async function mayStartIn(
  { accounts, access }: WorkspaceNeeds,
  account: AccountId,
  { allow }: Profile,
): Promise<boolean> {
  const found = await accounts.find(account)
  if (found === undefined || found.kind !== 'person') return false
  if (allow.groups !== undefined && !allow.groups.some((slug) => found.groups.includes(slug))) return false
  if (allow.dataset === undefined) return true
  return (await access.decide({ account, dataset: allow.dataset, verb: allow.verb })).allowed
}

function lookups({ needs, room, watch }: Parts) {
  const { records, places, profiles } = room
  const ways = createWays(room)
  const optionOf = (profile: Profile, drained: readonly string[]): LaunchOption | undefined => {
    const place = places.all().find(({ id }) => id === profile.runner)
    const closed =
      place === undefined ? 'not available now' : drained.includes(profile.runner) ? 'takes nothing new now' : undefined
    const unknown = {
      memory: 'none',
      cpu: 'none',
      storage: 'none',
      pids: 'none',
      gpu: 'none',
      network: 'none',
    } as const
    const capabilities = place?.runner.capabilities() ?? { ...unknown, logs: false, stats: false, discover: false }
    const archives = place?.runner.archive !== undefined && profile.mounts.some((mount) => mount.of === 'person')
    return { profile, capabilities, closed, archives }
  }
  return {
    profile: (name) => profiles.get(name),
    async options(account) {
      const drained = await drainedIn(room.storage.settings)
      const options: LaunchOption[] = []
      for (const profile of profiles.values()) {
        const option = (await mayStartIn(needs, account, profile)) ? optionOf(profile, drained) : undefined
        if (option) options.push(option)
      }
      return options
    },
    find: records.find,
    list: records.list,
    sharedWith: records.sharedWith,
    events: records.events,
    watch: records.watch,
    touch: watch.touch,
    way: ways.way,
    forgetWay: ways.forget,
    async *logs(id, options) {
      const row = await records.row(id)
      const state = row && places.stateOf(row)
      if (row === undefined || state === undefined)
        throw new Fault('ERR_CONFLICT', 'It does not run, so it writes nothing.')
      const { runner } = places.of(row)
      if (runner.logs === undefined) throw new Fault('ERR_CONFLICT', 'The place where it runs keeps no lines.')
      const clean = withoutSecrets(room, row)
      for await (const line of runner.logs(state, options)) yield clean(line)
    },
    quotas: () => quotasTakenIn(room.storage.em(), room.config.quotas),
    async standing(account) {
      const groups = (await needs.accounts.find(account))?.groups ?? []
      return standingIn(room.storage.em(), { account, groups }, room.config.quotas)
    },
    fullFor,
    leases: () => leasesIn(room),
    usage: (ask) => usageOf(room.storage, room.clock.now(), ask),
    capabilities: (runner) =>
      places
        .all()
        .find(({ id }) => id === runner)
        ?.runner.capabilities(),
    places: () =>
      places.all().flatMap(({ id, runner }) => [id, ...(runner.hosts?.() ?? []).map((host) => `${id}/${host}`)]),
    drained: () => drainedIn(room.storage.settings),
  } satisfies Partial<WorkspacesRoom>
}

function administration({ room }: Parts, assertAdmin: (actor: Actor) => Promise<void>) {
  const { storage, clock } = room
  const downloads = createDownloads()
  return {
    async setQuota(actor, scope, quota) {
      await assertAdmin(actor)
      checkScope(scope)
      await storage.transaction(async (em) => {
        if (quota === undefined) await em.nativeDelete(WorkspaceQuotaEntity, { scope })
        else await em.upsert(WorkspaceQuotaEntity, { scope, ...columnsOf(quota), updatedAt: clock.now() })
        const detail = { scope, ...(quota === undefined ? { removed: true } : columnsOf(quota)) }
        await note(room, em, actor, { type: 'workspace.quota-changed', detail })
      })
    },
    async setLeases(actor, leases) {
      await assertAdmin(actor)
      await setLeasesIn(room, leases)
      const detail = leases === undefined ? { removed: true } : { ...leases }
      await storage.transaction((em) => note(room, em, actor, { type: 'workspace.leases-changed', detail }))
    },
    async drain(actor, place, state) {
      await assertAdmin(actor)
      if (!/^[\w.-]{1,64}(\/[\w.:-]{1,200})?$/.test(place)) throw new Fault('ERR_INPUT', 'There is no such place.')
      // Two who drain at once keep both.
      await storage.documents('core:workspaces').lock('drained', async () => {
        const before = await drainedIn(storage.settings)
        await setDrained(storage.settings, state === 'on' ? [...before, place] : before.filter((one) => one !== place))
      })
      await storage.transaction((em) => note(room, em, actor, { type: 'workspace.drained', detail: { place, state } }))
    },
    async message(actor, query, text) {
      await assertAdmin(actor)
      const line = text.trim().slice(0, 1000)
      if (line === '') throw new Fault('ERR_INPUT', 'There is no text.')
      const rows = (await room.records.living()).filter((row) => fits(row, query))
      for (const row of rows) {
        await room.records.note(row.id, { kind: 'message', text: line })
        void room.tell({ to: row.account, about: 'message', workspace: row, text: line })
      }
      await storage.transaction((em) =>
        note(room, em, actor, { type: 'workspace.messaged', detail: { count: rows.length } }),
      )
      return rows.length
    },
    async archive(actor, { account, profile: name }) {
      const mine = actor.kind === 'account' && actor.account === account
      if (!mine) await assertAdmin(actor)
      const profile = room.profiles.get(name)
      const owner = await room.accounts.find(account)
      if (profile === undefined || owner === undefined) throw new Fault('ERR_NOT_FOUND', 'There is no such storage.')
      const { runner } = room.places.of(profile)
      const { archive } = runner
      if (archive === undefined) throw new Fault('ERR_CONFLICT', 'The place where this runs gives no archive.')
      downloads.assertFree(account)
      await storage.transaction((em) =>
        note(room, em, actor, { type: 'workspace.archived', account, detail: { profile: name } }),
      )
      const mounts = profile.mounts.filter((mount) => mount.of === 'person')
      return downloads.one(account, () => archive.call(runner, { storage: storageOf(owner), mounts }))
    },
  } satisfies Partial<Workspaces>
}

function fits(
  row: { runner: string; profile: string; account: string },
  query: Parameters<Workspaces['message']>[1],
): boolean {
  return (['runner', 'profile', 'account'] as const).every(
    (name) => query[name] === undefined || query[name] === row[name],
  )
}

function checkScope(scope: QuotaScope): void {
  if (!/^(site|user|account:[A-Za-z0-9]+|group:[a-z0-9][a-z0-9._:-]*)$/.test(scope))
    throw new Fault('ERR_INPUT', 'A quota is of `site`, `user`, `account:ID` or `group:SLUG`.')
}

function columnsOf({ instances, memoryBytes, milliCpus }: Quota) {
  return { instances: instances ?? null, memoryBytes: memoryBytes ?? null, milliCpus: milliCpus ?? null }
}
