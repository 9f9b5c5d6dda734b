/** Asks runners what became of what they run; whoever cannot say, says `unknown`. @module */
import type { Inspection, Json } from '@labgate/contract'
import type { WorkspaceRow } from '../storage/workspace-entities.ts'
import { within } from './bounded.ts'
import type { Room } from './room.ts'

/** What a runner says of a workspace. */
export interface Seen {
  readonly row: WorkspaceRow
  readonly inspection: Inspection
}

const seconds = 20

/** Everything at once, each runner by itself: one that hangs holds up no other. */
export async function inspectAll(room: Room, rows: readonly WorkspaceRow[]): Promise<Seen[]> {
  const groups = [...Map.groupBy(rows, ({ runner }) => runner)]
  return (await Promise.all(groups.map(([id, group]) => inspectOn(room, id, group)))).flat()
}

async function inspectOn(room: Room, id: string, rows: readonly WorkspaceRow[]): Promise<Seen[]> {
  const readable: [WorkspaceRow, Json][] = []
  const seen: Seen[] = []
  for (const row of rows) {
    const state = stateOf(room, row)
    if ('reason' in state) seen.push({ row, inspection: { state: 'unknown', reason: state.reason } })
    else readable.push([row, state.value])
  }
  try {
    const { runner } = room.places.of({ runner: id })
    const signal = AbortSignal.timeout(seconds * 1000)
    const states = readable.map(([, state]) => state)
    const { inspectAll: all } = runner
    const each = (state: Json) => within(runner.inspect(state, signal), { seconds }).catch(unknown)
    const answers =
      all === undefined
        ? await Promise.all(states.map(each))
        : await within(all.call(runner, states, signal), { seconds })
    seen.push(...readable.map(([row], index) => ({ row, inspection: understood(answers[index]) })))
  } catch (error) {
    seen.push(...readable.map(([row]) => ({ row, inspection: unknown(error) })))
  }
  return seen
}

const words: readonly unknown[] = ['running', 'exited', 'missing', 'unknown'] satisfies Inspection['state'][]

/** What nobody understands has said nothing. */
function understood(answer: Inspection | undefined): Inspection {
  return words.includes(answer?.state) && answer !== undefined ? answer : unknown('an answer that is none')
}

/** One state that cannot be read is the trouble of one workspace. */
function stateOf(room: Room, row: WorkspaceRow): { readonly value: Json } | { readonly reason: string } {
  try {
    const value = room.places.stateOf(row)
    return value === undefined ? { reason: 'nothing is known of it outside' } : { value }
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  }
}

function unknown(error: unknown): Inspection {
  return { state: 'unknown', reason: error instanceof Error ? error.message : String(error) }
}
