/** What a worker does with a workspace: one step after the other, from where its record says it is. @module */
import type { WorkspaceRow } from '../storage/workspace-entities.ts'
import { within } from './bounded.ts'
import { end, toStop } from './ending.ts'
import { launch, troubleOf } from './launching.ts'
import { type Room, withoutSecrets } from './room.ts'

/** Goes on until there is nothing to do. @throws whatever breaks it off, when the signal aborts */
export async function drive(room: Room, id: string, signal: AbortSignal): Promise<void> {
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
  try {
    if (!(await launch(room, row, signal))) return
  } catch (error) {
    // A wish that came in between, or Labgate that stops: no failure of the workspace.
    if (signal.aborted) throw error
    return fail(room, row.id, error)
  }
  await room.direct.open(row)
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

/** The last lines that an app wrote, if its place keeps any. Never throws. */
async function lastLines(room: Room, row: WorkspaceRow): Promise<readonly string[]> {
  const lines: string[] = []
  const signal = AbortSignal.timeout(5000)
  const read = async () => {
    const state = room.places.stateOf(row)
    const { runner } = room.places.of(row)
    if (state === undefined || runner.logs === undefined) return
    const clean = withoutSecrets(room, row)
    for await (const line of runner.logs(state, { tail: 40, follow: false, signal })) {
      lines.push(clean(line).slice(0, 500))
      if (lines.length > 40) lines.shift()
    }
  }
  // The trouble itself is what matters.
  await within(read(), { seconds: 6, signal }).catch(() => undefined)
  return lines
}
