/**
 * Looks at what runs: whether it is still there, whether somebody uses it, and how long it may still. An answer that is
 * unknown ends nothing.
 * @module
 */
import { launchFault } from '@labgate/contract'
import type { WorkspaceRow } from '../storage/workspace-entities.ts'
import { lastActivity } from './activity.ts'
import { within } from './bounded.ts'
import { toStop } from './ending.ts'
import { inspectAll, type Seen } from './inspecting.ts'
import { crash, tokenFile, troubleOf } from './launching.ts'
import { isSame, lookAtLease } from './lease.ts'
import type { Profile } from './model.ts'
import type { NewEvent, Patch } from './records.ts'
import { credentialsOf, innerPath, type Room, secretsOf } from './room.ts'
import type { Supervisor } from './supervisor.ts'

/** How long after the last activity a workspace counts as idle. */
const idleAfter = 5 * 60
/** So often in a row it must be missing before it is gone, and for so long: looks may follow each other fast. */
const missesToEnd = 3
const missingSeconds = 30
/** How many apps are asked for their activity at once. */
const atOnce = 16
/** How long after a token could not be handed over it is tried again. */
const retrySeconds = 300

/** The watch over all workspaces. */
export interface Watch {
  /** One look at all; another one that is under way is waited for. */
  look(): Promise<void>
  /** One look at one that runs on a runner, as somebody says that something happened to it. */
  lookAt(id: string, runner: string): Promise<void>
  /** The proxy saw traffic. */
  touch(id: string): void
  /** Writes down what the proxy saw, where another process does the looking. */
  flush(): Promise<void>
}

interface Own {
  readonly room: Room
  readonly supervisor: Pick<Supervisor, 'wake' | 'isBusy'>
  readonly touched: Map<string, Date>
  readonly misses: Map<string, { readonly count: number; readonly since: number }>
  /** When a token was handed over, by workspace and life. */
  readonly renewed: Map<string, number>
}

/** A look under way. */
interface Look {
  readonly shut: ReadonlySet<string>
  /** Uses to be written down together. */
  readonly uses: { readonly id: string; readonly at: Date }[]
}

/** Makes the watch of a room. */
export function createWatch(room: Room, supervisor: Own['supervisor']): Watch {
  const own: Own = { room, supervisor, touched: new Map(), misses: new Map(), renewed: new Map() }
  let looking: Promise<void> | undefined
  return {
    touch: (id) => void own.touched.set(id, room.clock.now()),
    async flush() {
      const uses = [...own.touched].map(([id, at]) => ({ id, at }))
      own.touched.clear()
      await room.storage.workspaceRows.noteActivity(uses)
    },
    async lookAt(id, runner) {
      // What it sees may be older than what was heard; it is quick.
      await looking?.catch(() => undefined)
      if (room.storage.alone.holds()) await lookAtOne(own, id, runner)
    },
    look() {
      looking ??= lookAtAll(own).finally(() => {
        looking = undefined
      })
      return looking
    },
  }
}

async function lookAtAll(own: Own): Promise<void> {
  const { room, supervisor } = own
  const rows = await room.records.living()
  const look: Look = { shut: await room.storage.workspaceRows.shutOwners(), uses: [] }
  forgetGone(own, rows)
  const isWaiting = (row: WorkspaceRow) => !isUp(row.state) || row.wanted !== 'running'
  for (const row of rows) if (isWaiting(row) && !supervisor.isBusy(row.id)) await lookAtWaiting(own, row, look)
  const seen = await inspectAll(
    room,
    rows.filter((row) => !isWaiting(row)),
  )
  for (let start = 0; start < seen.length; start += atOnce)
    await Promise.all(seen.slice(start, start + atOnce).map((one) => lookAt(own, one, look).catch(failed(own, one))))
  await room.storage.workspaceRows.noteActivity(look.uses)
}

/** A place may tell of instances that are none, or of somebody else's. */
async function lookAtOne(own: Own, id: string, runner: string): Promise<void> {
  const { room } = own
  const row = await room.records.row(id)
  if (row === undefined || row.runner !== runner || row.endedAt || !isUp(row.state) || row.wanted !== 'running') return
  const look: Look = { shut: await room.storage.workspaceRows.shutOwners(), uses: [] }
  for (const seen of await inspectAll(room, [row])) await lookAt(own, seen, look)
  await room.storage.workspaceRows.noteActivity(look.uses)
}

/** What goes wrong with one is the trouble of that one. */
function failed({ room }: Own, { row }: Seen) {
  return (error: unknown) => room.log.error({ workspace: row.id, err: error }, 'the look at a workspace failed')
}

function isUp(state: WorkspaceRow['state']): boolean {
  return state === 'ready' || state === 'idle' || state === 'lost'
}

function forgetGone({ touched, misses, renewed }: Own, rows: readonly WorkspaceRow[]): void {
  const living = new Set(rows.map(({ id }) => id))
  for (const map of [touched, misses, renewed]) for (const id of map.keys()) if (!living.has(id)) map.delete(id)
}

/** A worker that gave up for now, or a process that was killed: it goes on. */
async function lookAtWaiting({ room, supervisor }: Own, row: WorkspaceRow, { shut }: Look): Promise<void> {
  if (row.state === 'orphaned' && row.wanted === 'running') {
    const isOver = row.leaseEndsAt <= room.clock.now() || shut.has(row.account)
    if (!isOver) return
    await toStop(room, row, { reason: shut.has(row.account) ? 'account' : 'lease' })
  } else if (row.wanted === 'running' && row.state !== 'stopping' && shut.has(row.account))
    await toStop(room, row, { reason: 'account' })
  supervisor.wake(row.id)
}

async function lookAt(own: Own, { row, inspection }: Seen, look: Look): Promise<void> {
  const { room, supervisor, misses } = own
  if (inspection.state !== 'missing') misses.delete(row.id)
  if (inspection.state === 'exited') return gone(own, row, inspection)
  if (inspection.state === 'missing') {
    const now = room.clock.now().getTime()
    const { count, since } = misses.get(row.id) ?? { count: 0, since: now }
    misses.set(row.id, { count: count + 1, since })
    if (count + 1 >= missesToEnd && now - since >= missingSeconds * 1000) return gone(own, row, undefined)
  }
  const isRunning = inspection.state === 'running'
  if (inspection.state === 'unknown') await noteUnknown(room, row)
  const lastUse = isRunning ? await noteRunning(own, row, look) : undefined
  if (await lookAtLease(room, { row, shut: look.shut, lastUse })) supervisor.wake(row.id)
}

/** It has ended by itself, or was taken away by somebody else. */
async function gone(
  { room, supervisor, misses }: Own,
  row: WorkspaceRow,
  exit: { readonly code: number | undefined; readonly reason: string | undefined } | undefined,
): Promise<void> {
  misses.delete(row.id)
  const when = (now: WorkspaceRow) => isSame(row, now)
  // Who ends the app from inside (Jupyter's "Shut Down") wants it ended.
  if (exit?.code === 0) await toStop(room, row, { reason: 'ended', when })
  else {
    const lost = () =>
      launchFault('crash', 'It is not there any more.', {
        hint: 'Somebody, or the machine, has removed it.',
        retryable: true,
      })
    await toStop(room, row, { reason: 'trouble', trouble: troubleOf(exit ? crash(exit) : lost(), []), when })
  }
  supervisor.wake(row.id)
}

async function noteUnknown({ records, clock, config, log }: Room, row: WorkspaceRow): Promise<void> {
  const since = row.unknownSince ?? clock.now()
  const isLost = clock.now().getTime() - since.getTime() >= config.lostAfter * 1000
  if (isLost && row.state !== 'lost') {
    log.warn({ workspace: row.id, runner: row.runner }, 'a workspace is lost: its runner does not answer')
    const patch: Patch = { state: 'lost', unknownSince: since }
    await records.update(row.id, patch, { events: [{ kind: 'lost' }], when: asBefore(row) })
  } else if (!row.unknownSince) await records.update(row.id, { unknownSince: since }, { when: asBefore(row) })
}

/** What was decided for a row as it was read counts only while it is so. */
function asBefore(row: WorkspaceRow) {
  return (now: WorkspaceRow) => isSame(row, now) && now.state === row.state
}

/** Answers when it was last used, if that can be known. */
async function noteRunning(own: Own, row: WorkspaceRow, { uses }: Look): Promise<Date | undefined> {
  const { room } = own
  await renewToken(own, row)
  const { last, isKnown } = await activityOf(own, row)
  const quiet = room.clock.now().getTime() - last.getTime()
  const state = isKnown && quiet >= idleAfter * 1000 ? 'idle' : isKnown || row.state === 'lost' ? 'ready' : row.state
  const isNewer = last.getTime() > (row.lastActivityAt?.getTime() ?? 0)
  if (state !== row.state || row.unknownSince) {
    const events: NewEvent[] = state === row.state ? [] : [{ kind: state }]
    const patch: Patch = { state, unknownSince: null, ...(isNewer ? { lastActivityAt: last } : {}) }
    await room.records.update(row.id, patch, { events, when: asBefore(row) })
  } else if (isNewer) uses.push({ id: row.id, at: last })
  return isKnown ? last : undefined
}

/** The newest of what the proxy saw, what is known, and, before it would count as idle, what the app says. */
async function activityOf({ room, touched }: Own, row: WorkspaceRow): Promise<{ last: Date; isKnown: boolean }> {
  const now = room.clock.now().getTime()
  const seen = touched.get(row.id)
  touched.delete(row.id)
  const newest = (times: readonly (Date | null | undefined)[]) =>
    new Date(Math.min(now, Math.max(...times.map((time) => time?.getTime() ?? 0))))
  const last = newest([seen, row.lastActivityAt, row.readyAt ?? row.createdAt])
  const profile = room.profiles.get(row.profile)
  const limit = Math.min(idleAfter, room.config.idle > 0 ? room.config.idle : idleAfter)
  if (profile?.activity === undefined || now - last.getTime() < limit * 1000) return { last, isKnown: true }
  const said = await within(askActivity(room, row, profile), { seconds: 15 }).catch(() => undefined)
  return { last: newest([last, said]), isKnown: said !== undefined }
}

async function askActivity(room: Room, row: WorkspaceRow, profile: Profile): Promise<Date | undefined> {
  if (profile.activity === undefined) return undefined
  return lastActivity({
    probe: profile.activity,
    endpoint: await room.places.endpointOf(row),
    basePath: innerPath(profile, room.addressOf(row.id).basePath),
    headers: credentialsOf(profile, secretsOf(room, row)),
    now: room.clock.now(),
    signal: AbortSignal.timeout(10_000),
  })
}

async function renewToken({ room, renewed }: Own, row: WorkspaceRow): Promise<void> {
  const profile = room.profiles.get(row.profile)
  if (profile === undefined || profile.tokenScopes.length === 0) return
  const now = room.clock.now().getTime()
  // It was given before the start, which may have taken long.
  const before = Math.max(renewed.get(row.id) ?? 0, row.startedAt?.getTime() ?? 0)
  if (now - before < room.tokens.renewSeconds * 1000) return
  const { runner } = room.places.of(row)
  const state = room.places.stateOf(row)
  if (runner.renew === undefined || state === undefined) return
  renewed.set(row.id, now - (room.tokens.renewSeconds - retrySeconds) * 1000)
  try {
    const token = await room.tokens.give(row, profile)
    if (token === undefined) return
    const work = runner.renew(state, { ...secretsOf(room, row), [tokenFile]: token })
    await within(work, { seconds: 30 })
    renewed.set(row.id, now)
  } catch (error) {
    room.log.warn({ workspace: row.id, err: error }, 'the token of a workspace could not be renewed')
  }
  // One that was given while it was stopped must not outlive it.
  const after = await room.records.row(row.id)
  if (after === undefined || after.wanted !== 'running' || after.endedAt) await room.tokens.end(row)
}
