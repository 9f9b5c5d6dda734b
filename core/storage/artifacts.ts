/**
 * The token store: what the Provider keeps, found by the digest of its id and sealed, with expiry judged at use.
 * A protocol step is a {@link Unit}; the writes here are a unit of one write each.
 * @module
 */
import type { Clock, Json, Log } from '@labgate/contract'
import { rememberArtifacts } from './artifact-memory.ts'
import { type ArtifactEntry, artifactKey, createArtifactRows, referenceKey } from './artifact-rows.ts'
import {
  type Artifact,
  type ArtifactReads,
  type Claims,
  createUnit,
  type FoundToken,
  found,
  groundAsked,
  live,
  memoryModels,
  standing,
  type Unit,
  type UnitNeeds,
} from './artifact-unit.ts'
import type { Cleanable } from './cleanup.ts'
import { createInteractions } from './interactions.ts'
import type { KeyRing } from './sealing.ts'
import type { SqliteDatabase } from './sqlite.ts'
import type { Writer } from './writer.ts'

/** Tokens, codes, grants, the Provider's sessions and sign-ins in progress. */
export interface ArtifactStore extends ArtifactReads {
  /** Begins one protocol step. */
  unit(): Unit
  /** As `find`, and with it what is asked at every use of a token: whether its grant lives, and its account may act. */
  findToken(model: string, id: string): Promise<FoundToken | undefined>
  put(artifact: Artifact): Promise<void>
  /** @throws ConsumeConflict when it is gone, expired, consumed before or being consumed */
  consume(model: string, id: string): Promise<void>
  delete(model: string, id: string): Promise<void>
  deleteByGrant(grantId: string, models?: readonly string[]): Promise<void>
  /** Deletes what belongs to an account and says how many rows it were. */
  deleteByAccount(account: string, models?: readonly string[]): Promise<number>
  deleteByClient(client: string): Promise<number>
  /** Payloads of an account's artifacts of one model, oldest first. */
  listByAccount(account: string, model: string): Promise<Json[]>
  /** Writes sign-ins in progress to the database now. */
  flush(): Promise<void>
  /** Flushes and stops the write-behind. */
  close(): Promise<void>
}

export interface ArtifactNeeds {
  readonly database: SqliteDatabase
  readonly writer: Writer
  /** See `createOthers`. */
  readonly others: () => number
  readonly ring: KeyRing
  readonly clock: Clock
  readonly log: Log
}

/** Makes the token store on one database. */
export function createArtifacts(given: ArtifactNeeds): ArtifactStore & Cleanable {
  const { database, writer, others, ring, clock, log } = given
  const rows = rememberArtifacts({ rows: createArtifactRows(database, ring), database, writer, others })
  const interactions = createInteractions({ rows, writer, log })
  const claims: Claims = new Map()
  const now = () => Math.floor(clock.now().getTime() / 1000)
  const needs = { rows, interactions, writer, claims, now }
  const unit = () => {
    rows.refresh()
    return createUnit(needs)
  }
  const read = <T>(get: () => T): T => {
    rows.refresh()
    return get()
  }

  const single = async (write: (step: Unit) => void | Promise<void>) => {
    const step = unit()
    try {
      await write(step)
      await step.commit()
    } finally {
      step.discard()
    }
  }

  return {
    unit,
    find: async (model, id) => {
      const key = artifactKey(model, id)
      const entry = read(() => (memoryModels.has(model) ? interactions.get(key) : rows.get(key)))
      return found(entry, now())
    },
    async findToken(model, id) {
      rows.refresh()
      const [entry, at] = [rows.get(artifactKey(model, id)), now()]
      const token = found(entry, at)
      const asked = groundAsked(token, entry)
      return token && asked ? standing(token, rows.ground(asked.grant, asked.account), at) : token
    },
    findByUid: async (uid) =>
      found(
        read(() => rows.getByUid(referenceKey('uid', uid))),
        now(),
      ),
    findByUserCode: async (userCode) => found(rows.getByUserCode(referenceKey('userCode', userCode)), now()),
    put: (artifact) => single((step) => step.put(artifact)),
    consume: (model, id) => single((step) => step.consume(model, id)),
    delete: (model, id) => single((step) => step.delete(model, id)),
    deleteByGrant: (grantId, models) => single((step) => step.deleteByGrant(grantId, models)),
    listByAccount: async (account, model) =>
      rows
        .listByAccount(account, model)
        .filter((entry) => live(entry, now()) !== undefined)
        .map((entry) => JSON.parse(entry.text) as Json),
    ...deletions(needs),
    flush: () => interactions.flush(),
    close: () => interactions.close(),
  }
}

/** Deletes many at once, in memory and in the database. */
function deletions({ rows, interactions, writer, now }: UnitNeeds) {
  const forgetWhere = (test: (entry: ArtifactEntry) => boolean) => {
    for (const key of interactions.keysWhere(test)) {
      interactions.forget(key)
    }
  }
  return {
    deleteByAccount: (account: string, models?: readonly string[]) =>
      writer.run(() => {
        forgetWhere((entry) => entry.account === account && (models?.includes(entry.model) ?? true))
        return rows.deleteByAccount(account, models)
      }),
    deleteByClient: (client: string) =>
      writer.run(() => {
        forgetWhere((entry) => entry.client === client)
        return rows.deleteByClient(client)
      }),
    deleteExpired: (limit: number) => {
      const at = now()
      forgetWhere((entry) => live(entry, at) === undefined)
      return rows.deleteExpired(at, limit)
    },
  }
}
