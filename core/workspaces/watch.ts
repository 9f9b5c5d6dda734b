/**
 * Looks at what runs: whether it is still there, whether somebody uses it, and how long it may still. An answer that is
 * unknown ends nothing.
 * @module
 */
import { type Inspection, type Json, launchFault } from '@labgate/contract'
import type { WorkspaceRow } from '../storage/workspace-entities.ts'
import { lastActivity } from './activity.ts'
import { crash, troubleOf } from './launching.ts'
import type { NewEvent, Patch } from './records.ts'
import { credentialsOf, innerPath, type Room, secretsOf } from './room.ts'
import { type Supervisor, toStop } from './supervisor.ts'

/** How long after the last activity a workspace counts as idle. */
const idleAfter = 5 * 60
/** So often in a row it must be missing before it is gone. */
const missesToEnd = 3
/** How many apps are asked for their activity at once. */
const atOnce = 16

/** The watch over all workspaces. */
export interface Watch {
  /** One look at all; another one that is under way is waited for. */
  look(): Promise<void>
  /** The proxy saw traffic. */
  touch(id: string): void
}

interface Seen {
  readonly row: WorkspaceRow
  readonly inspection: Inspection
}

interface Own {
  readonly room: Room
  readonly supervisor: Pick<Supervisor, 'wake' | 'isBusy' | 'interrupt'>
  readonly touched: Map<string, Date>
  readonly misses: Map<string, number>
  readonly renewed: Map<string, number>
}

/** Makes the watch of a room. */
export function createWatch(room: Room, supervisor: Own['supervisor']): Watch {
  const own: Own = { room, supervisor, touched: new Map(), misses: new Map(), renewed: new Map() }
  let looking: Promise<void> | undefined
  return {
    touch: (id) => void own.touched.set(id, room.clock.now()),
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
  const living = await room.records.living()
  // Another process, such as a command, has written down that it shall end.
  const wished = living.filter(({ state, wanted }) => wanted !== 'running' && state !== 'stopping')
  for (const { id } of wished) supervisor.interrupt(id)
  const rows = living.filter((row) => !wished.includes(row))
  const waiting = rows.filter(({ id, state }) => !isUp(state) && !supervisor.isBusy(id))
  for (const row of waiting) await lookAtWaiting(own, row)
  const seen = await inspectAll(
    room,
    rows.filter(({ state }) => isUp(state)),
  )
  for (let start = 0; start < seen.length; start += atOnce)
    await Promise.all(seen.slice(start, start + atOnce).map((one) => lookAt(own, one)))
}

function isUp(state: WorkspaceRow['state']): boolean {
  return state === 'ready' || state === 'idle' || state === 'lost'
}

/** A worker that gave up for now, or a process that was killed: it goes on. The lease counts there, too. */
async function lookAtWaiting({ room, supervisor }: Own, row: WorkspaceRow): Promise<void> {
  if (row.state === 'orphaned') {
    if (row.leaseEndsAt <= room.clock.now()) await toStop(room, row, { reason: 'lease' })
    else return
  }
  supervisor.wake(row.id)
}

async function inspectAll(room: Room, rows: readonly WorkspaceRow[]): Promise<Seen[]> {
  const seen: Seen[] = []
  for (const [id, group] of Map.groupBy(rows, ({ runner }) => runner)) seen.push(...(await inspectOn(room, id, group)))
  return seen
}

async function inspectOn(room: Room, id: string, rows: readonly WorkspaceRow[]): Promise<Seen[]> {
  const unknown = (error: unknown): Inspection => ({
    state: 'unknown',
    reason: error instanceof Error ? error.message : String(error),
  })
  const known = rows.flatMap((row): [WorkspaceRow, Json][] => {
    const state = room.places.stateOf(row)
    return state === undefined ? [] : [[row, state]]
  })
  try {
    const { runner } = room.places.of({ runner: id })
    const signal = AbortSignal.timeout(20_000)
    const { inspectAll: all } = runner
    const answers =
      all === undefined
        ? await Promise.all(known.map(([, state]) => runner.inspect(state, signal).catch(unknown)))
        : await all.call(
            runner,
            known.map(([, state]) => state),
            signal,
          )
    return known.map(([row], index) => ({ row, inspection: answers[index] ?? unknown('no answer') }))
  } catch (error) {
    return rows.map((row) => ({ row, inspection: unknown(error) }))
  }
}

async function lookAt(own: Own, { row, inspection }: Seen): Promise<void> {
  const { room, supervisor, misses } = own
  if (inspection.state !== 'missing') misses.delete(row.id)
  if (inspection.state === 'exited') {
    // Who ends the app from inside (Jupyter's "Shut Down") wants it ended.
    if (inspection.code === 0) await toStop(room, row, { reason: 'ended' })
    else await toStop(room, row, { reason: 'trouble', trouble: troubleOf(crash(inspection), []) })
    return supervisor.wake(row.id)
  }
  if (inspection.state === 'missing') {
    const count = (misses.get(row.id) ?? 0) + 1
    misses.set(row.id, count)
    if (count < missesToEnd) return
    misses.delete(row.id)
    const gone = launchFault('crash', 'It is not there any more.', {
      hint: 'Somebody, or the machine, has removed it.',
      retryable: true,
    })
    await toStop(room, row, { reason: 'trouble', trouble: troubleOf(gone, []) })
    return supervisor.wake(row.id)
  }
  if (inspection.state === 'unknown') await noteUnknown(room, row)
  else await noteRunning(own, row)
  await lookAtLease(own, row.id)
}

async function noteUnknown({ records, clock, config, log }: Room, row: WorkspaceRow): Promise<void> {
  const since = row.unknownSince ?? clock.now()
  const isLost = clock.now().getTime() - since.getTime() >= config.lostAfter * 1000
  if (isLost && row.state !== 'lost') {
    log.warn({ workspace: row.id, runner: row.runner }, 'a workspace is lost: its runner does not answer')
    await records.update(
      row.id,
      { state: 'lost', unknownSince: since },
      { events: [{ kind: 'lost' }], when: asBefore(row) },
    )
  } else if (!row.unknownSince) await records.update(row.id, { unknownSince: since }, { when: asBefore(row) })
}

/** What was decided for a row as it was read counts only while it is so. */
function asBefore({ state, wanted }: WorkspaceRow) {
  return (now: WorkspaceRow) => now.state === state && now.wanted === wanted
}

async function noteRunning(own: Own, row: WorkspaceRow): Promise<void> {
  const { room } = own
  await renewToken(own, row)
  const last = await activityOf(own, row)
  const now = room.clock.now()
  const state = now.getTime() - last.getTime() >= idleAfter * 1000 ? 'idle' : 'ready'
  const patch: Patch = {
    ...(state === row.state ? {} : { state }),
    ...(row.unknownSince ? { unknownSince: null } : {}),
    ...(last.getTime() === row.lastActivityAt?.getTime() ? {} : { lastActivityAt: last }),
  }
  const events: NewEvent[] = state === row.state ? [] : [{ kind: state }]
  if (Object.keys(patch).length > 0) await room.records.update(row.id, patch, { events, when: asBefore(row) })
}

/** The newest of what the proxy saw, what the app says, and what is known. */
async function activityOf({ room, touched }: Own, row: WorkspaceRow): Promise<Date> {
  const profile = room.profiles.get(row.profile)
  const said = profile?.activity && (await askActivity(room, row, profile).catch(() => undefined))
  const times = [touched.get(row.id), said, row.lastActivityAt, row.readyAt ?? row.createdAt]
  touched.delete(row.id)
  const now = room.clock.now().getTime()
  return new Date(Math.min(now, Math.max(...times.map((time) => time?.getTime() ?? 0))))
}

async function askActivity(room: Room, row: WorkspaceRow, profile: NonNullable<ReturnType<Room['profiles']['get']>>) {
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
  const state = room.places.stateOf(row)
  if (profile === undefined || profile.tokenScopes.length === 0 || state === undefined) return
  const now = room.clock.now().getTime()
  const before = renewed.get(row.id) ?? row.readyAt?.getTime() ?? 0
  if (now - before < room.tokens.renewSeconds * 1000) return
  const { runner } = room.places.of(row)
  if (runner.renew === undefined) return
  const token = await room.tokens.give(row, profile)
  if (token === undefined) return
  try {
    await runner.renew(state, { ...secretsOf(room, row), 'labgate-token': token })
    renewed.set(row.id, now)
  } catch (error) {
    room.log.warn({ workspace: row.id, err: error }, 'the token of a workspace could not be renewed')
  }
}

/** Who may act no longer, whose lease is over, who does not use it: it ends. Who is about to lose it is told. */
async function lookAtLease(own: Own, id: string): Promise<void> {
  const { room, supervisor } = own
  const row = await room.records.row(id)
  if (row === undefined || row.endedAt || row.state === 'stopping') return
  const reason = await reasonToEnd(room, row)
  if (reason !== undefined) {
    await toStop(room, row, { reason })
    return supervisor.wake(id)
  }
  const now = room.clock.now().getTime()
  const warnFrom = row.leaseEndsAt.getTime() - room.config.lease.warning * 1000
  if (now < warnFrom || row.warnedAt) return
  const isFirst = await room.records.update(
    id,
    { warnedAt: room.clock.now() },
    { events: [{ kind: 'warned' }], when: ({ warnedAt }) => !warnedAt },
  )
  if (isFirst) await room.tell({ to: row.account, about: 'lease', workspace: row })
}

async function reasonToEnd({ clock, config, accounts }: Room, row: WorkspaceRow): Promise<string | undefined> {
  if (!(await accounts.mayAct(row.account))) return 'account'
  const now = clock.now().getTime()
  if (row.leaseEndsAt.getTime() <= now) return 'lease'
  const quiet = now - (row.lastActivityAt ?? row.createdAt).getTime()
  // Nobody knows whether a lost one is used.
  return config.idle > 0 && row.state !== 'lost' && quiet >= config.idle * 1000 ? 'idle' : undefined
}
