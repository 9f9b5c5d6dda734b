/** The token store on PostgreSQL: everything lies in the database, sign-ins in progress too, so that any process can go on with them. @module */
import type { Clock, Json } from '@labgate/contract'
import type pg from 'pg'
import { artifactKey, referenceKey } from '../artifact-rows.ts'
import { type Claims, found, groundAsked, live, standing, type Unit } from '../artifact-unit.ts'
import type { ArtifactStore } from '../artifacts.ts'
import { ConsumeConflict } from '../conflict.ts'
import type { KeyRing } from '../sealing.ts'
import type { Pause } from '../writer.ts'
import { type ArtifactTable, artifactTable } from './artifact-rows.ts'
import { createPostgresUnit } from './artifact-unit.ts'
import type { Connection } from './client.ts'
import type { Recall, Recalled } from './recall.ts'
import { forgetting, type PostgresWriter, transactionOn } from './writer.ts'

export interface PostgresArtifactNeeds {
  readonly reads: Connection
  readonly units: pg.Pool
  readonly writer: PostgresWriter
  readonly recall: Recall
  readonly ring: KeyRing
  readonly clock: Clock
  readonly pause: Pause
}

/** Makes the token store. */
export function createPostgresArtifacts(needs: PostgresArtifactNeeds) {
  const { reads, units, writer, ring, clock, pause } = needs
  const recalled = needs.recall.part()
  const table = recalledTable(artifactTable(transactionOn(reads), ring), recalled)
  const writing = artifactTable({ run: writer.one }, ring)
  // The current request forgets what it has read.
  const telling = artifactTable({ run: forgetting(writer, recalled).one }, ring)
  const claims: Claims = new Map()
  const now = () => Math.floor(clock.now().getTime() / 1000)
  let commits = 0
  const committed = () => {
    commits += 1
  }
  const { forget: wrote } = recalled
  const unit = () =>
    createPostgresUnit({
      ...{ table, writing, pool: units, writer, ring, claims },
      ...{ now, committed, wrote, pause },
    })
  const single = async (write: (step: Unit) => void | Promise<void>) => {
    const step = unit()
    try {
      await write(step)
      await step.commit()
    } finally {
      step.discard()
    }
  }
  const store: ArtifactStore = {
    unit,
    find: async (model, id) => found(await table.get(artifactKey(model, id)), now()),
    async findToken(model, id) {
      const entry = await table.get(artifactKey(model, id))
      const token = found(entry, now())
      const asked = groundAsked(token, entry)
      return token && asked ? standing(token, await table.ground(asked.grant, asked.account), now()) : token
    },
    findByUid: async (uid) => found(await table.getByUid(referenceKey('uid', uid)), now()),
    findByUserCode: async (userCode) => found(await table.getByUserCode(referenceKey('userCode', userCode)), now()),
    put: (artifact) => single((step) => step.put(artifact)),
    async consume(model, id) {
      const key = artifactKey(model, id)
      const other = claims.get(key)
      if (other !== undefined) throw new ConsumeConflict(model, other)
      const end = Promise.withResolvers<void>()
      claims.set(key, end.promise)
      try {
        // Whoever is at it in a step waits here, and so do we for them; who comes second finds it consumed.
        if ((await telling.consume(key, now())) === undefined) throw new ConsumeConflict(model)
      } finally {
        claims.delete(key)
        end.resolve()
      }
    },
    delete: (model, id) => single((step) => step.delete(model, id)),
    deleteByGrant: (grantId, models) => single((step) => step.deleteByGrant(grantId, models)),
    listByAccount: async (account, model) =>
      (await table.listByAccount(account, model))
        .filter((entry) => live(entry, now()) !== undefined)
        .map((entry) => JSON.parse(entry.text) as Json),
    deleteByAccount: (account, models) => telling.deleteByAccount(account, models),
    deleteByClient: (client) => telling.deleteByClient(client),
    flush: async () => undefined,
    close: async () => undefined,
  }
  return {
    ...store,
    deleteExpired: (limit: number) => telling.deleteExpired(now(), limit),
    /** How many transactions units have committed by themselves. */
    commits: () => commits,
  }
}

function recalledTable(table: ArtifactTable, { read }: Recalled): ArtifactTable {
  return {
    ...table,
    get: (key) => read(key, () => table.get(key)),
    getByUid: (uid) => read(`uid ${uid}`, () => table.getByUid(uid)),
    getByUserCode: (code) => read(`code ${code}`, () => table.getByUserCode(code)),
  }
}
