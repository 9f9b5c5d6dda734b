/** The end of a workspace: what is outside goes first, its record ends when nothing is left. @module */
import { isFault, type Json } from '@labgate/contract'
import type { WorkspaceRow } from '../storage/workspace-entities.ts'
import { within } from './bounded.ts'
import { leaseFrom, leasesIn } from './leases.ts'
import type { Profile, Trouble, WorkspaceState } from './model.ts'
import type { Patch } from './records.ts'
import type { Room } from './room.ts'

/** How long a runner has for taking away what it had ended. */
const removeSeconds = 120
/** How long it has beyond the app's own time to end. */
const beyondGraceSeconds = 60

/** Why one is to end. */
export interface Why {
  readonly reason: string
  readonly trouble?: Trouble
  /** Looks at the row as it is then: a decision about what was seen counts for that alone. */
  readonly when?: (row: WorkspaceRow) => boolean
}

/** Turns a row that is wanted to run towards its end, with the reason; the worker does the rest. Says whether it was done. */
export function toStop(room: Room, row: Pick<WorkspaceRow, 'id'>, why: Why): Promise<boolean> {
  const { reason, trouble, when = () => true } = why
  const told = trouble === undefined ? [] : [{ kind: 'trouble' as const, text: trouble.message }]
  return room.records.update(
    row.id,
    { state: 'stopping', wanted: 'stopped', stopReason: reason, ...(trouble === undefined ? {} : { trouble }) },
    {
      events: [...told, { kind: 'stopping', text: reason }],
      // Whoever wished for something else before this was seen has the last word.
      when: (now) => !now.endedAt && now.wanted === 'running' && when(now),
    },
  )
}

/** Takes away what is outside and ends the record; `false` when that must be tried again later. */
export async function end(room: Room, row: WorkspaceRow, signal: AbortSignal): Promise<boolean> {
  const { records, clock, log } = room
  room.direct.close(row.id)
  if (row.state !== 'stopping') {
    const events = [{ kind: 'stopping' as const, text: row.stopReason ?? 'owner' }]
    await records.update(row.id, { state: 'stopping' }, { events })
    return true
  }
  // Its token is dead before the app is: a place that does not answer keeps none alive.
  await room.tokens.end(row)
  try {
    await takeAway(room, row, signal)
  } catch (error) {
    if (signal.aborted) throw error
    log.warn({ workspace: row.id, err: error }, 'a workspace could not be taken away')
    const now = await records.row(row.id)
    if (now?.wanted !== 'removed') {
      if (row.unknownSince === null)
        await records.update(row.id, { unknownSince: clock.now() }, { events: [unreachable(error)] })
      return false
    }
    await records.note(row.id, { kind: 'progress', text: 'What is left outside will be taken away when it is found.' })
  }
  // One may have been given while the end was decided.
  await room.tokens.end(row)
  if (row.stopReason === 'restart' && row.wanted === 'stopped') return comeBack(room, row)
  const state = finalState(row)
  await records.update(
    row.id,
    { state, endedAt: clock.now(), secrets: null, runnerState: null, runnerStateVersion: null, unknownSince: null },
    { events: [{ kind: state }], when: ({ stopReason }) => stopReason !== 'restart' || row.stopReason === 'restart' },
  )
  return true
}

/** What a row has of an earlier life and a new one begins without. */
export const anew = {
  ...{ state: 'reserved', wanted: 'running', stopReason: null, planHash: null, secrets: null, trouble: null },
  ...{ runnerState: null, runnerStateVersion: null, unknownSince: null, warnedAt: null, readyAt: null, endedAt: null },
  // Its port is tried again; its credential is another one.
  directShownAt: null,
} as const satisfies Patch

/** The image of a row as its profile has it today: one that is not offered any more is not started again. */
export function imageNow(row: Pick<WorkspaceRow, 'image'>, profile: Profile | undefined): string | null {
  if (profile === undefined) return row.image ?? null
  return row.image && profile.images.includes(row.image) ? row.image : (profile.images[0] ?? null)
}

/** It keeps its share: a restart never loses its place to somebody else. */
async function comeBack(room: Room, row: WorkspaceRow): Promise<boolean> {
  const { records, clock, profiles } = room
  const profile = profiles.get(row.profile)
  await records.update(
    row.id,
    {
      ...anew,
      image: imageNow(row, profile),
      ...leaseFrom(clock.now(), profile, await leasesIn(room)),
    },
    {
      events: [{ kind: 'reserved' }],
      when: ({ wanted, stopReason }) => wanted === 'stopped' && stopReason === 'restart',
    },
  )
  return true
}

function unreachable(error: unknown) {
  const why = isFault(error) && error.shown ? ` ${error.message}` : ''
  return { kind: 'progress' as const, text: `The place where it runs does not answer; it is tried again.${why}` }
}

function finalState({ stopReason }: WorkspaceRow): WorkspaceState {
  if (stopReason === 'trouble') return 'failed'
  return stopReason === 'lease' ? 'expired' : 'stopped'
}

async function takeAway(room: Room, row: WorkspaceRow, signal: AbortSignal): Promise<void> {
  const { runner } = room.places.of(row)
  const known = room.places.stateOf(row)
  const state = known ?? (row.planHash ? await findOutside(room, row, signal) : undefined)
  if (state !== undefined) await clear(room, { runner, state, signal })
}

/** Ends and removes what is outside, whatever the runner makes of it. Done is done; gone is done, too. */
export async function clear(
  room: Pick<Room, 'config'>,
  what: { runner: ReturnType<Room['places']['of']>['runner']; state: Json; signal?: AbortSignal },
): Promise<void> {
  const { runner, state, signal } = what
  const { grace: graceSeconds } = room.config
  const bounds = { seconds: graceSeconds + beyondGraceSeconds, ...(signal ? { signal } : {}) }
  await within(runner.terminate(state, { graceSeconds }), bounds)
  await within(runner.remove(state, { volumes: false }), { ...bounds, seconds: removeSeconds })
}

/** A launch may have made something and been killed before it was written down. */
async function findOutside(room: Room, row: WorkspaceRow, signal: AbortSignal): Promise<Json | undefined> {
  const { runner } = room.places.of(row)
  const search = async () => {
    for await (const found of runner.discover(signal)) if (found.instance === row.id) return found.state
    return undefined
  }
  return within(search(), { seconds: removeSeconds, signal })
}
