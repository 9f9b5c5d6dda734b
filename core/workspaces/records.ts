/** The records of workspaces: rows, their events, and whoever waits for the next one. @module */
import type { AccountId, Clock, Json, Limits, Log } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { type Paged, pageLimit } from '../accounts/actor.ts'
import { searchWhere } from '../accounts/paging.ts'
import type { Reads } from '../storage/late-orm.ts'
import type { Storage } from '../storage/storage.ts'
import {
  WorkspaceEntity,
  WorkspaceEventEntity,
  type WorkspaceEventRow,
  WorkspaceGuestEntity,
  type WorkspaceRow,
} from '../storage/workspace-entities.ts'
import {
  addWorkspaceEvents,
  insertWorkspace,
  type NewWorkspaceRow,
  updateWorkspace,
  type WorkspacePatch,
  workspaceIn,
} from '../storage/workspace-writes.ts'
import type { DirectWay, Workspace, WorkspaceEvent } from './model.ts'
import type { WorkspaceQuery } from './workspaces.ts'

/** What is to be written down as an event. */
export type NewEvent = Pick<WorkspaceEvent, 'kind'> & { readonly text?: string }

/** What changes on a row; `undefined` leaves it, `null` empties it. */
export type Patch = WorkspacePatch

/** Reading and writing of records. */
export interface Records {
  find(id: string): Promise<Workspace | undefined>
  /** With what only the supervisor needs. */
  row(id: string): Promise<WorkspaceRow | undefined>
  list(query: WorkspaceQuery): Promise<Paged<Workspace>>
  sharedWith(account: AccountId): Promise<readonly Workspace[]>
  /** Those that have not ended. */
  living(): Promise<readonly WorkspaceRow[]>
  /**
   * Changes a row and writes its events in the same transaction. `when` looks at the row as it is then: `false` leaves
   * everything as it is. Answers whether it was done.
   */
  update(
    id: string,
    patch: Patch,
    options?: { events?: readonly NewEvent[]; when?: (row: WorkspaceRow) => boolean },
  ): Promise<boolean>
  /** The same within a transaction that is open. */
  updateIn(em: EntityManager, id: string, patch: Patch, events: readonly NewEvent[]): Promise<void>
  /** A new row, with its events. */
  insertIn(em: EntityManager, row: NewWorkspaceRow, events: readonly NewEvent[]): Promise<void>
  note(id: string, event: NewEvent): Promise<void>
  events(id: string, after?: number): Promise<readonly WorkspaceEvent[]>
  watch(id: string, onEvent: (event: WorkspaceEvent) => void): Promise<() => void>
  /** Tells whoever waits of what another process has written down. */
  catchUp(): Promise<void>
}

type Watcher = (event: WorkspaceEvent) => void

/** Makes the records; `hostOf` tells the machine of a row's runner state, `directOf` its way past the proxy. */
export function createRecords(needs: {
  storage: Storage
  clock: Clock
  log: Pick<Log, 'warn'>
  hostOf(row: WorkspaceRow): string | undefined
  directOf(row: WorkspaceRow): DirectWay | undefined
}): Records {
  const { storage, clock } = needs
  const watchers = new Map<string, Set<Watcher>>()
  /** The number of the last event that the watchers of a workspace were told. */
  const told = new Map<string, number>()
  const tell = (event: WorkspaceEvent) => {
    const last = told.get(event.workspace)
    if (last === undefined || event.number <= last) return
    // Another process wrote the one before.
    if (event.number > last + 1) return void catchUp()
    told.set(event.workspace, event.number)
    for (const watcher of watchers.get(event.workspace) ?? []) {
      try {
        watcher(event)
      } catch (error) {
        needs.log.warn({ workspace: event.workspace, err: error }, 'whoever waits for an event failed at it')
      }
    }
  }
  const events = async (id: string, after = 0): Promise<readonly WorkspaceEvent[]> => {
    const where = { workspace: id, number: { $gt: after } }
    const rows = await storage.em().find(WorkspaceEventEntity, where, { orderBy: { number: 'asc' }, limit: 1000 })
    return rows.map(eventOf)
  }
  const catchUp = async (): Promise<void> => {
    for (const [id, last] of [...told])
      if ((await storage.workspaceRows.lastEvent(id)) > last) for (const event of await events(id, last)) tell(event)
  }
  const write = async (em: EntityManager, id: string, events: readonly NewEvent[]): Promise<void> => {
    const told = events.map(({ kind, text = '' }) => ({ at: clock.now(), kind, text: text.slice(0, 2000) }))
    const made = await addWorkspaceEvents(em, id, told)
    storage.afterCommit(() => {
      for (const event of made) tell(eventOf(event))
    })
  }
  const updateIn: Records['updateIn'] = async (em, id, patch, events) => {
    await updateWorkspace(em, id, patch)
    await write(em, id, events)
  }
  const withMore = (row: WorkspaceRow, guests: readonly AccountId[]): Workspace =>
    viewOf(row, { host: needs.hostOf(row), direct: needs.directOf(row), guests })
  const viewsOf = async (em: Reads, rows: readonly WorkspaceRow[]): Promise<Workspace[]> => {
    const guests = await em.find(WorkspaceGuestEntity, { workspace: { $in: rows.map(({ id }) => id) } })
    return rows.map((row) => {
      const own = guests.filter(({ workspace }) => workspace === row.id)
      return withMore(
        row,
        own.map(({ account }) => account),
      )
    })
  }
  return {
    updateIn,
    row: async (id) => storage.workspaceRows.find(id),
    async insertIn(em, row, events) {
      await insertWorkspace(em, row)
      await write(em, row.id, events)
    },
    async find(id) {
      const row = await storage.workspaceRows.find(id)
      return row && withMore(row, await storage.workspaceRows.guests(id))
    },
    async list(query) {
      const em = storage.em()
      const limit = pageLimit(query)
      const where = whereOf(query)
      const total = await em.count(WorkspaceEntity, where)
      const after = query.after === undefined ? [] : [{ $or: afterOf(query.after) }]
      const found = await em.find(
        WorkspaceEntity,
        { $and: [where, ...after] },
        { orderBy: { createdAt: 'desc', id: 'desc' }, limit: limit + 1 },
      )
      const page = found.slice(0, limit)
      const last = page.at(-1)
      const next = found.length > limit && last ? `${last.createdAt.getTime()}.${last.id}` : undefined
      return { rows: await viewsOf(em, page), total, next }
    },
    async sharedWith(account) {
      const em = storage.em()
      const mine = await em.find(WorkspaceGuestEntity, { account })
      const ids = mine.map(({ workspace }) => workspace)
      const rows = await em.find(WorkspaceEntity, { id: { $in: ids }, state: { $in: ['ready', 'idle'] } })
      return viewsOf(em, rows)
    },
    living: async () => storage.workspaceRows.living(),
    update: (id, patch, { events = [], when = () => true } = {}) =>
      storage.transaction(async (em) => {
        const row = await workspaceIn(em, id)
        if (row === undefined || !when(row)) return false
        await updateIn(em, id, patch, events)
        return true
      }),
    note: (id, event) => storage.transaction((em) => write(em, id, [event])),
    events,
    async watch(id, onEvent) {
      const all = watchers.get(id) ?? new Set()
      watchers.set(id, all.add(onEvent))
      const last = told.has(id) ? undefined : await storage.workspaceRows.lastEvent(id)
      if (last !== undefined && !told.has(id)) told.set(id, last)
      return () => {
        all.delete(onEvent)
        if (all.size > 0 || watchers.get(id) !== all) return
        watchers.delete(id)
        told.delete(id)
      }
    },
    catchUp,
  }
}

function eventOf(row: WorkspaceEventRow): WorkspaceEvent {
  // Written by this room alone, whose kinds these are.
  return { ...row, kind: row.kind as WorkspaceEvent['kind'] }
}

const searched = ['id', 'title'].map((column) => `lower(${column}) like ? escape '\\'`)

function whereOf({ account, runner, profile, states, search }: WorkspaceQuery) {
  return {
    ...(account === undefined ? {} : { account }),
    ...(runner === undefined ? {} : { runner }),
    ...(profile === undefined ? {} : { profile }),
    ...(states === undefined ? {} : { state: { $in: [...states] } }),
    ...searchWhere(search, searched),
  }
}

function afterOf(after: string) {
  const [time = '', id = ''] = after.split('.', 2)
  const createdAt = new Date(Number(time))
  return [{ createdAt: { $lt: createdAt } }, { createdAt, id: { $lt: id } }]
}

function viewOf(row: WorkspaceRow, more: Pick<Workspace, 'host' | 'direct' | 'guests'>): Workspace {
  const { id, account, profile, runner, title, size, state, wanted, createdAt, leaseEndsAt, leaseLimitAt } = row
  return {
    ...{ id, account, profile, runner, title, size, state, wanted, createdAt, leaseEndsAt, leaseLimitAt, ...more },
    image: row.image ?? undefined,
    limits: limitsOf(row.limits),
    stopReason: row.stopReason ?? undefined,
    trouble: row.trouble ?? undefined,
    startedAt: row.startedAt ?? undefined,
    readyAt: row.readyAt ?? undefined,
    lastActivityAt: row.lastActivityAt ?? undefined,
    endedAt: row.endedAt ?? undefined,
  }
}

/** The limits of a row: what JSON left out is unlimited. */
export function limitsOf(kept: Json): Limits {
  const { memoryBytes, cpus, storageBytes, pids, gpus } = kept as Partial<Limits>
  return { memoryBytes, cpus, storageBytes, pids, gpus }
}
