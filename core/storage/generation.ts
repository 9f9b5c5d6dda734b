/**
 * Whether anything may have been written since an answer was made: one number, another one after every commit of this
 * process or of any other, but those of ours that no answer depends on. Equal numbers spare a reader all else; of
 * unequal ones it has to look what has changed.
 * @module
 */
import type { SqliteDatabase } from './sqlite.ts'
import type { Writer } from './writer.ts'

/** Makes the number of the serving connection. */
export function createGeneration({ database, writer }: { database: SqliteDatabase; writer: Writer }): () => number {
  // Counts what other connections commit, the ORM's and those of other processes (sqlite.org/pragma.html#pragma_data_version).
  const look = database.prepare<[], number>('PRAGMA data_version').pluck()
  const last = { others: -1, own: -1, generation: 0 }
  return () => {
    const others = look.get() ?? 0
    const own = writer.changes()
    if (others !== last.others || own !== last.own) {
      last.others = others
      last.own = own
      last.generation += 1
    }
    return last.generation
  }
}
