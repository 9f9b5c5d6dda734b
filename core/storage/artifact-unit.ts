/**
 * One protocol step on the token store: writes are collected, seen by the unit's own reads, and applied together in
 * one transaction, in order.
 * @module
 */
import type { Json } from '@labgate/contract'
import { type ArtifactEntry, type ArtifactRows, artifactKey, referenceKey } from './artifact-rows.ts'
import { ConsumeConflict } from './conflict.ts'
import type { Interactions } from './interactions.ts'
import type { Writer } from './writer.ts'

/** What is stored of one artifact. `expiresAt` is in seconds since 1970; without it, it never ends by itself. */
export interface Artifact {
  readonly model: string
  readonly id: string
  readonly payload: Json
  readonly expiresAt?: number | undefined
  readonly grantId?: string | undefined
  /** The session's own id (model `Session`). */
  readonly uid?: string | undefined
  readonly userCode?: string | undefined
  readonly account?: string | undefined
  readonly client?: string | undefined
}

/** An artifact that was found and is not expired. `consumedAt` is in seconds since 1970. */
export interface FoundArtifact {
  readonly payload: Json
  readonly consumedAt?: number
  /** The payload's own `grantId`. */
  readonly grantId?: string
}

/** Reading. What is expired is not found, whatever the cleaner did. */
export interface ArtifactReads {
  find(model: string, id: string): Promise<FoundArtifact | undefined>
  /** A `Session` by its uid. */
  findByUid(uid: string): Promise<FoundArtifact | undefined>
  /** A `DeviceCode` by its user code. */
  findByUserCode(userCode: string): Promise<FoundArtifact | undefined>
}

/** One protocol step. End it with `commit` or `discard`; until then what it consumes is claimed. */
export interface Unit extends ArtifactReads {
  /** Inserts or rewrites; what was consumed stays consumed. */
  put(artifact: Artifact): void
  /** @throws ConsumeConflict at once when it was consumed before or another unit in flight has claimed it */
  consume(model: string, id: string): void
  delete(model: string, id: string): void
  /** Deletes what belongs to a grant, of `models` only when they are given. */
  deleteByGrant(grantId: string, models?: readonly string[]): void
  /**
   * Applies all in one transaction; settles when it is durable.
   * @throws ConsumeConflict when something to consume was gone, expired or consumed: then nothing was written
   */
  commit(): Promise<void>
  /** Gives up: writes nothing and frees what was claimed. After `commit` it does nothing. */
  discard(): void
}

/** Who is consuming what, process-wide for one store. */
export type Claims = Map<string, { readonly owner: object; readonly settled: Promise<void> }>

export interface UnitNeeds {
  readonly rows: ArtifactRows
  readonly interactions: Interactions
  readonly writer: Writer
  readonly claims: Claims
  /** Seconds since 1970. */
  readonly now: () => number
}

/** Interaction records live in memory first. */
export const interactionModel = 'Interaction'

/** Begins a unit. */
export function createUnit(needs: UnitNeeds): Unit {
  const { rows, interactions, writer, claims, now } = needs
  const overlay = createOverlay()
  const durable: (() => void)[] = []
  const inMemory: { readonly key: string; readonly entry: ArtifactEntry | undefined }[] = []
  const claimed = new Set<string>()
  const owner = {}
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>()
  let over = false

  const stored = (key: string, model: string) => (model === interactionModel ? interactions.get(key) : rows.get(key))
  const read = (key: string, model: string) => overlay.see(key, () => stored(key, model))

  const end = () => {
    over = true
    for (const key of claimed) {
      claims.delete(key)
    }
    settle()
  }

  const ensureOpen = () => {
    if (over) {
      throw new TypeError('the unit was committed or discarded; begin another one')
    }
  }

  const claim = (key: string, model: string) => {
    const other = claims.get(key)
    if (other !== undefined) {
      throw new ConsumeConflict(model, other.owner === owner ? undefined : other.settled)
    }
    const entry = live(read(key, model), now())
    if (entry === undefined || entry.consumedAt !== undefined) {
      throw new ConsumeConflict(model)
    }
    claims.set(key, { owner, settled })
    claimed.add(key)
    return entry
  }

  const apply = () => {
    for (const operation of durable) {
      operation()
    }
    for (const { key, entry } of inMemory) {
      if (entry !== undefined) {
        interactions.keep(entry)
        continue
      }
      if (interactions.mayBeStored(key)) {
        rows.delete(key)
      }
      interactions.forget(key)
    }
  }

  const write = async () => {
    const reachesDatabase = inMemory.some(({ key, entry }) => entry === undefined && interactions.mayBeStored(key))
    if (durable.length > 0 || reachesDatabase) {
      await writer.run(apply)
    } else {
      apply()
    }
  }

  return {
    find: async (model, id) => found(read(artifactKey(model, id), model), now()),
    findByUid: async (uid) => {
      const key = referenceKey('uid', uid)
      return found(
        overlay.seeBy('uid', key, () => rows.getByUid(key)),
        now(),
      )
    },
    findByUserCode: async (userCode) => {
      const key = referenceKey('userCode', userCode)
      return found(
        overlay.seeBy('userCode', key, () => rows.getByUserCode(key)),
        now(),
      )
    },
    put: (artifact) => {
      ensureOpen()
      const fresh = entryOf(artifact)
      const entry = { ...fresh, consumedAt: read(fresh.key, fresh.model)?.consumedAt }
      overlay.put(entry)
      if (artifact.model === interactionModel) {
        inMemory.push({ key: entry.key, entry })
        return
      }
      const sealed = rows.seal(entry)
      durable.push(() => rows.put(sealed))
    },
    consume: (model, id) => {
      ensureOpen()
      const key = artifactKey(model, id)
      const consumed = { ...claim(key, model), consumedAt: now() }
      overlay.put(consumed)
      if (model === interactionModel) {
        inMemory.push({ key, entry: consumed })
        return
      }
      durable.push(() => {
        if (!rows.consume(key, now())) {
          throw new ConsumeConflict(model)
        }
      })
    },
    delete: (model, id) => {
      ensureOpen()
      const key = artifactKey(model, id)
      overlay.delete(key)
      if (model === interactionModel) {
        inMemory.push({ key, entry: undefined })
        return
      }
      durable.push(() => rows.delete(key))
    },
    deleteByGrant: (grantId, models) => {
      ensureOpen()
      const grant = referenceKey('grant', grantId)
      overlay.deleteByGrant(grant, models)
      durable.push(() => rows.deleteByGrant(grant, models))
    },
    commit: async () => {
      ensureOpen()
      over = true
      try {
        await write()
      } finally {
        end()
      }
    },
    discard: () => {
      if (!over) {
        end()
      }
    },
  }
}

/** The entry as a reader gets it; expired entries are not found. */
export function found(entry: ArtifactEntry | undefined, now: number): FoundArtifact | undefined {
  const alive = live(entry, now)
  if (alive === undefined) {
    return undefined
  }
  const payload = JSON.parse(alive.text) as Json
  const grantId = (payload as { readonly grantId?: unknown } | null)?.grantId
  return {
    payload,
    ...(alive.consumedAt === undefined ? {} : { consumedAt: alive.consumedAt }),
    ...(typeof grantId === 'string' ? { grantId } : {}),
  }
}

/** The entry unless it is expired at `now` (seconds since 1970). */
export function live(entry: ArtifactEntry | undefined, now: number): ArtifactEntry | undefined {
  return entry?.expiresAt !== undefined && entry.expiresAt <= now ? undefined : entry
}

function entryOf(artifact: Artifact): ArtifactEntry {
  const { model, id, payload, grantId, uid, userCode } = artifact
  return {
    key: artifactKey(model, id),
    model,
    text: JSON.stringify(payload),
    grant: grantId === undefined ? undefined : referenceKey('grant', grantId),
    uid: uid === undefined ? undefined : referenceKey('uid', uid),
    userCode: userCode === undefined ? undefined : referenceKey('userCode', userCode),
    account: artifact.account,
    client: artifact.client,
    expiresAt: artifact.expiresAt,
    consumedAt: undefined,
  }
}

/** What a unit has written so far, laid over what is stored. */
function createOverlay() {
  const known = new Map<string, ArtifactEntry | undefined>()
  const grants: { readonly grant: string; readonly models: readonly string[] | undefined }[] = []

  const isDeleted = (entry: ArtifactEntry | undefined) =>
    grants.some(({ grant, models }) => entry?.grant === grant && (models?.includes(entry.model) ?? true))

  const unlessDeleted = (entry: ArtifactEntry | undefined) => (isDeleted(entry) ? undefined : entry)

  return {
    see: (key: string, stored: () => ArtifactEntry | undefined) =>
      known.has(key) ? known.get(key) : unlessDeleted(stored()),
    seeBy: (field: 'uid' | 'userCode', value: string, stored: () => ArtifactEntry | undefined) => {
      for (const entry of known.values()) {
        if (entry?.[field] === value) {
          return entry
        }
      }
      const below = stored()
      // The unit has deleted it or given it another uid or code.
      return below === undefined || known.has(below.key) ? undefined : unlessDeleted(below)
    },
    put: (entry: ArtifactEntry) => {
      known.set(entry.key, entry)
    },
    delete: (key: string) => {
      known.set(key, undefined)
    },
    deleteByGrant: (grant: string, models: readonly string[] | undefined) => {
      grants.push({ grant, models })
      for (const [key, entry] of known) {
        if (entry?.grant === grant && (models?.includes(entry.model) ?? true)) {
          known.set(key, undefined)
        }
      }
    },
  }
}
