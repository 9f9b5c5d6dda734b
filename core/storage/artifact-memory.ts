/**
 * Rows of the `artifact` table kept opened in memory, so that what one flow reads again and again is read and opened
 * once. A row that was written is kept from its COMMIT on; a commit of any other connection forgets everything.
 * @module
 */
import type { ArtifactEntry, ArtifactRows } from './artifact-rows.ts'
import { createMemo } from './memo.ts'
import type { SqliteDatabase } from './sqlite.ts'
import type { Writer } from './writer.ts'

interface Slot {
  /** `undefined`: it was changed or deleted; the database knows. */
  readonly entry: ArtifactEntry | undefined
  /** Where the writer stood when it was written, inside a transaction; `undefined`: committed. */
  written: { readonly commits: number; readonly rollbacks: number } | undefined
}

export interface ArtifactMemoryNeeds {
  readonly rows: ArtifactRows
  readonly database: SqliteDatabase
  readonly writer: Pick<Writer, 'commits' | 'rollbacks'>
  /** Most rows kept, about a kilobyte each. */
  readonly size?: number
}

const changed = (): Slot => ({ entry: undefined, written: undefined })

/** Lays a memory over the rows. */
export function rememberArtifacts({ rows, database, writer, size = 6000 }: ArtifactMemoryNeeds): ArtifactRows {
  // Counts the commits of other connections, the ORM's and those of other processes.
  const others = database.prepare<[], number>('PRAGMA data_version').pluck()
  let version = others.get()
  let slots = createMemo<Slot>(size)
  let uids = createMemo<string>(size)

  const forgetAll = () => {
    slots = createMemo(size)
    uids = createMemo(size)
  }
  const isSure = (slot: Slot): boolean => {
    const { entry, written } = slot
    if (entry === undefined) return false
    if (written === undefined) return true
    if (written.rollbacks !== writer.rollbacks() || written.commits === writer.commits()) return false
    slot.written = undefined
    return true
  }
  const keep = (entry: ArtifactEntry, written: Slot['written']) => {
    slots.keep(entry.key, { entry, written })
    if (entry.uid !== undefined) uids.keep(entry.uid, entry.key)
  }
  /** What is read within a transaction may never be committed. */
  const keepRead = (entry: ArtifactEntry | undefined) => {
    if (entry !== undefined && !database.inTransaction) keep(entry, undefined)
    return entry
  }
  const peek = (key: string): ArtifactEntry | undefined => slots.peek(key, isSure)?.entry

  return {
    ...rows,
    refresh() {
      const now = others.get()
      if (now !== version) forgetAll()
      version = now
    },
    get: (key) => peek(key) ?? keepRead(rows.get(key)),
    getByUid(uid) {
      const key = uids.peek(uid, () => true)
      const entry = key === undefined ? undefined : peek(key)
      return entry?.uid === uid ? entry : keepRead(rows.getByUid(uid))
    },
    put(entry) {
      const consumedAt = rows.put(entry)
      const { sealed: _, ...plain } = entry
      keep({ ...plain, consumedAt }, { commits: writer.commits(), rollbacks: writer.rollbacks() })
      return consumedAt
    },
    consume(key, now) {
      slots.keep(key, changed())
      return rows.consume(key, now)
    },
    delete(key) {
      slots.keep(key, changed())
      rows.delete(key)
    },
    deleteByGrant(grant, models) {
      forgetAll()
      return rows.deleteByGrant(grant, models)
    },
    deleteByAccount(account, models) {
      forgetAll()
      return rows.deleteByAccount(account, models)
    },
    deleteByClient(client) {
      forgetAll()
      return rows.deleteByClient(client)
    },
  }
}
