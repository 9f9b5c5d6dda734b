/** Rows of the `artifact` table kept opened in memory, so that what one flow reads again and again is read and opened once. @module */
import type { ArtifactEntry, ArtifactRows } from './artifact-rows.ts'
import { createRowMemory, type RowMemoryNeeds } from './row-memory.ts'

export interface ArtifactMemoryNeeds extends Pick<RowMemoryNeeds<ArtifactEntry>, 'database' | 'writer' | 'others'> {
  readonly rows: ArtifactRows
  /** Most rows kept, about a kilobyte each. */
  readonly size?: number
}

/** Lays a memory over the rows. */
export function rememberArtifacts({ rows, size = 6000, ...needs }: ArtifactMemoryNeeds): ArtifactRows {
  const memory = createRowMemory<ArtifactEntry>({
    ...needs,
    size,
    keyOf: ({ key }) => key,
    nameOf: ({ uid }) => uid,
  })
  return {
    ...rows,
    refresh: () => memory.refresh(),
    get: (key) => memory.peek(key) ?? memory.read(rows.get(key)),
    getByUid: (uid) => memory.peekBy(uid) ?? memory.read(rows.getByUid(uid)),
    put(entries) {
      const consumed = rows.put(entries)
      for (const [at, { sealed: _, ...plain }] of entries.entries())
        memory.wrote({ ...plain, consumedAt: consumed[at] })
      return consumed
    },
    consume(key, now) {
      memory.changed(key)
      return rows.consume(key, now)
    },
    delete(key) {
      memory.changed(key)
      rows.delete(key)
    },
    deleteByGrant(grant, models) {
      memory.forgetAll()
      return rows.deleteByGrant(grant, models)
    },
    deleteByAccount(account, models) {
      memory.forgetAll()
      return rows.deleteByAccount(account, models)
    },
    deleteByClient(client) {
      memory.forgetAll()
      return rows.deleteByClient(client)
    },
  }
}
