/** Rows of the `artifact` table kept opened in memory, so that what one flow reads again and again is read and opened once. @module */
import type { ArtifactEntry, ArtifactRows, GrantRow } from './artifact-rows.ts'
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
  // Of most grants nobody asks more than whether they live: kept unopened, they take a tenth.
  const grants = createRowMemory<GrantRow>({ ...needs, size, keyOf: ({ key }) => key, nameOf: () => undefined })
  const changed = (key: string) => {
    memory.changed(key)
    grants.changed(key)
  }
  const forgetAll = () => {
    memory.forgetAll()
    grants.forgetAll()
  }
  return {
    ...rows,
    refresh() {
      memory.refresh()
      grants.refresh()
    },
    get: (key) => memory.peek(key) ?? memory.read(rows.get(key)),
    getByUid: (uid) => memory.peekBy(uid) ?? memory.read(rows.getByUid(uid)),
    ground(key, account) {
      const grant = grants.peek(key)
      if (grant !== undefined) return { grant, account: undefined }
      const read = rows.ground(key, account)
      grants.read(read.grant)
      return read
    },
    put(entries) {
      const consumed = rows.put(entries)
      for (const [at, { sealed: _, ...plain }] of entries.entries()) {
        memory.wrote({ ...plain, consumedAt: consumed[at] })
        const { key, model, account, client, expiresAt } = plain
        if (model === 'Grant') grants.wrote({ key, account, client, expiresAt })
      }
      return consumed
    },
    consume(key, now) {
      changed(key)
      return rows.consume(key, now)
    },
    delete(key) {
      changed(key)
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
