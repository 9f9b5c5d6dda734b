/**
 * The life of workspaces: one worker for each, which brings it from where its record says it is to where its owner wants
 * it. Everything that matters stands in the record, so that a process that was killed goes on where it was.
 * @module
 */
import { isFault, type Json } from '@labgate/contract'
import type { WorkspaceRow } from '../storage/workspace-entities.ts'
import { launch, troubleOf } from './launching.ts'
import type { Trouble, WorkspaceState } from './model.ts'
import type { Room } from './room.ts'

/** Drives workspaces. */
export interface Supervisor {
  /** Goes on with a workspace: after a wish, a crash, a look from outside. Calls while it works are remembered. */
  wake(id: string): void
  /** Breaks off what a worker waits for, because the wish has changed, and wakes it. */
  interrupt(id: string): void
  /** Whether a worker is at it just now. */
  isBusy(id: string): boolean
  /** Breaks off every worker and waits for them; what they were at goes on at the next start. */
  stop(): Promise<void>
}

interface Worker {
  controller: AbortController
  again: boolean
  done: Promise<void>
}

class Leaving extends Error {}

/** Makes the supervisor of a room. */
export function createSupervisor(room: Room): Supervisor {
  const workers = new Map<string, Worker>()
  let leaving = false

  const work = async (id: string, worker: Worker): Promise<void> => {
    do {
      worker.again = false
      worker.controller = new AbortController()
      try {
        await drive(room, id, worker.controller.signal)
      } catch (error) {
        if (leaving) return
        if (!worker.controller.signal.aborted)
          room.log.error({ workspace: id, err: error }, 'a workspace could not go on')
      }
    } while (worker.again && !leaving)
  }
  const wake = (id: string): void => {
    const at = workers.get(id)
    if (leaving) return
    if (at) {
      at.again = true
      return
    }
    const worker: Worker = { controller: new AbortController(), again: false, done: Promise.resolve() }
    workers.set(id, worker)
    worker.done = work(id, worker).finally(() => {
      workers.delete(id)
      if (worker.again) wake(id)
    })
  }
  return {
    wake,
    interrupt(id) {
      const at = workers.get(id)
      wake(id)
      at?.controller.abort(new Leaving('its owner wants something else'))
    },
    isBusy: (id) => workers.has(id),
    async stop() {
      leaving = true
      for (const { controller } of workers.values()) controller.abort(new Leaving('Labgate stops'))
      await Promise.allSettled([...workers.values()].map(({ done }) => done))
    },
  }
}

/** One step after the other, until there is nothing to do. */
async function drive(room: Room, id: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const row = await room.records.row(id)
    if (row === undefined || row.endedAt) return
    signal.throwIfAborted()
    if (row.state === 'stopping' || row.wanted !== 'running') {
      if (!(await end(room, row, signal))) return
    } else if (row.state === 'requested' || row.state === 'reserved' || row.state === 'starting')
      await begin(room, row, signal)
    else return
  }
}

async function begin(room: Room, row: WorkspaceRow, signal: AbortSignal): Promise<void> {
  const { records, clock } = room
  if (row.state !== 'starting')
    await records.update(row.id, { state: 'starting', startedAt: clock.now() }, { events: [{ kind: 'starting' }] })
  try {
    await launch(room, (await records.row(row.id)) ?? row, signal)
  } catch (error) {
    // A wish that came in between, or Labgate that stops: no failure of the workspace.
    if (signal.aborted) throw error
    return fail(room, row.id, error)
  }
  const now = clock.now()
  await records.update(
    row.id,
    { state: 'ready', readyAt: now, lastActivityAt: now, unknownSince: null },
    { events: [{ kind: 'ready' }], when: ({ state, wanted }) => state === 'starting' && wanted === 'running' },
  )
}

/** What failed is taken away first, and called failed when nothing is left of it. */
async function fail(room: Room, id: string, error: unknown): Promise<void> {
  const row = await room.records.row(id)
  if (row === undefined) return
  room.log.warn({ workspace: id, err: error }, 'a workspace did not start')
  await toStop(room, row, { reason: 'trouble', trouble: troubleOf(error, await lastLines(room, row)) })
}

/** Turns a row towards its end, with the reason; the worker does the rest. */
export async function toStop(room: Room, row: WorkspaceRow, why: { reason: string; trouble?: Trouble }): Promise<void> {
  const { reason, trouble } = why
  const told = trouble === undefined ? [] : [{ kind: 'trouble' as const, text: trouble.message }]
  await room.records.update(
    row.id,
    { state: 'stopping', wanted: 'stopped', stopReason: reason, ...(trouble === undefined ? {} : { trouble }) },
    { events: [...told, { kind: 'stopping', text: reason }], when: ({ endedAt }) => !endedAt },
  )
}

/** The last lines that an app wrote, if its place keeps any. Never throws. */
async function lastLines(room: Room, row: WorkspaceRow): Promise<readonly string[]> {
  const lines: string[] = []
  try {
    const state = room.places.stateOf(row)
    const { runner } = room.places.of(row)
    if (state === undefined || runner.logs === undefined) return lines
    const signal = AbortSignal.timeout(5000)
    for await (const line of runner.logs(state, { tail: 40, follow: false, signal })) lines.push(line.slice(0, 500))
  } catch {
    // The trouble itself is what matters.
  }
  return lines.slice(-40)
}

/** Takes away what is outside and ends the record; `false` when that must be tried again later. */
async function end(room: Room, row: WorkspaceRow, signal: AbortSignal): Promise<boolean> {
  const { records, clock, log } = room
  if (row.state !== 'stopping') {
    await records.update(
      row.id,
      { state: 'stopping' },
      { events: [{ kind: 'stopping', text: row.stopReason ?? 'owner' }] },
    )
    return true
  }
  try {
    await takeAway(room, row, signal)
  } catch (error) {
    if (signal.aborted) throw error
    log.warn({ workspace: row.id, err: error }, 'a workspace could not be taken away')
    if (row.wanted !== 'removed') {
      if (row.unknownSince === null)
        await records.update(row.id, { unknownSince: clock.now() }, { events: [unreachable(error)] })
      return false
    }
    await records.note(row.id, { kind: 'progress', text: 'What is left outside will be taken away when it is found.' })
  }
  await room.tokens.end(row)
  if (row.stopReason === 'restart' && row.wanted === 'stopped') return comeBack(room, row)
  const state = finalState(row)
  await records.update(
    row.id,
    { state, endedAt: clock.now(), secrets: null, runnerState: null, runnerStateVersion: null, unknownSince: null },
    { events: [{ kind: state }] },
  )
  return true
}

/** It keeps its share: a restart never loses its place to somebody else. */
async function comeBack({ records, clock, profiles, config }: Room, row: WorkspaceRow): Promise<boolean> {
  const now = clock.now().getTime()
  const seconds = profiles.get(row.profile)?.leaseSeconds ?? config.lease.first
  await records.update(
    row.id,
    {
      ...{ state: 'reserved', wanted: 'running', stopReason: null, planHash: null, secrets: null, trouble: null },
      ...{ runnerState: null, runnerStateVersion: null, unknownSince: null, warnedAt: null, readyAt: null },
      leaseEndsAt: new Date(now + seconds * 1000),
      leaseLimitAt: new Date(now + Math.max(seconds, config.lease.max) * 1000),
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
  if (state === undefined) return
  await runner.terminate(state, { graceSeconds: room.config.grace })
  await runner.remove(state, { volumes: false })
}

/** A launch may have made something and been killed before it was written down. */
async function findOutside(room: Room, row: WorkspaceRow, signal: AbortSignal): Promise<Json | undefined> {
  const { runner } = room.places.of(row)
  for await (const found of runner.discover(signal)) if (found.instance === row.id) return found.state
  return undefined
}
