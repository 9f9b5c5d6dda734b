/**
 * Word of a change, to the other processes on the same database: a hint to look now. Nothing depends on it: whoever waits
 * for word looks now and then by itself, too, and what must count at once is asked of the database at each answer.
 * @module
 */
import type { EntityManager } from '@mikro-orm/sqlite'

/** What may have changed. */
export type Subject = 'keys'

/** Tells and hears. */
export interface Notices {
  /** Tells every process, this one too, when the open transaction has committed. */
  tellIn(em: EntityManager, subject: Subject): Promise<void>
  /** Calls back at each word, and whenever one may have been missed; answers how to stop that. It must not throw. */
  hear(subject: Subject, heard: () => void): () => void
}

/** Where nobody tells anything: a file has one process that serves. */
export const noNotices: Notices = { tellIn: async () => undefined, hear: () => () => undefined }
