/**
 * Whether anything may have been written since an answer was made: one number, another one after every commit of this
 * process or of any other, but those of ours that no answer depends on. Equal numbers spare a reader all else; of
 * unequal ones it has to look what has changed.
 * @module
 */
import type { SqliteDatabase } from './sqlite.ts'
import { commitsOfProcess, type Writer } from './writer.ts'

/** The turn of the event loop: grows just before the loop waits for what arrives. */
export function turnOfLoop(): number {
  return performance.nodeTiming.uvMetricsInfo.loopCount
}

/**
 * A number that is another one after every commit of another connection: the ORM's, and those of other processes. It is
 * looked at once in a turn of the event loop: whatever a turn answers had arrived before it began, so nobody can have heard of
 * a later commit and asked after it. After a commit of this process, by whichever connection, it is looked at anew.
 */
export function createOthers(database: SqliteDatabase): () => number {
  // sqlite.org/pragma.html#pragma_data_version
  const look = database.prepare<[], number>('PRAGMA data_version').pluck()
  const last = { others: -1, here: -1, turn: -1 }
  return () => {
    const here = commitsOfProcess()
    const turn = turnOfLoop()
    if (turn === last.turn && here === last.here) return last.others
    last.turn = turn
    last.here = here
    last.others = look.get() ?? 0
    return last.others
  }
}

/** Makes the number of the serving connection. What this process commits counts at once. */
export function createGeneration({
  others,
  writer,
}: {
  /** See {@link createOthers}. */
  readonly others: () => number
  readonly writer: Pick<Writer, 'changes'>
}): () => number {
  const last = { others: -1, own: -1, generation: 0 }
  return () => {
    const theirs = others()
    const own = writer.changes()
    if (theirs !== last.others || own !== last.own) {
      last.others = theirs
      last.own = own
      last.generation += 1
    }
    return last.generation
  }
}
