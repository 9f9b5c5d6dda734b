/**
 * Whether anything may have been written since an answer was made: one number, another one after every commit of this
 * process or of any other, but those of ours that no answer depends on. Equal numbers spare a reader all else; of
 * unequal ones it has to look what has changed.
 * @module
 */
import type { SqliteDatabase } from './sqlite.ts'
import { changesOfProcess, type Writer } from './writer.ts'

/**
 * Makes the number of the serving connection. What other processes commit is looked at once in a turn of the event loop:
 * whatever a turn answers had arrived before it began, so nobody can have heard of a later commit and asked after it. What this
 * process commits counts at once.
 */
export function createGeneration({
  database,
  writer,
}: {
  database: SqliteDatabase
  writer: Pick<Writer, 'changes'>
}): () => number {
  // Counts what other connections commit, the ORM's and those of other processes (sqlite.org/pragma.html#pragma_data_version).
  const look = database.prepare<[], number>('PRAGMA data_version').pluck()
  const last = { others: -1, own: -1, here: -1, generation: 0 }
  let hasLooked = false
  const endTurn = () => {
    hasLooked = false
  }
  const others = () => {
    const here = changesOfProcess()
    if (hasLooked && here === last.here) return last.others
    if (!hasLooked) setImmediate(endTurn)
    hasLooked = true
    last.here = here
    return look.get() ?? 0
  }
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
