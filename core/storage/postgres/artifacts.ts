/** The token store on PostgreSQL: everything lies in the database, sign-ins in progress too, so that any process can go on with them. @module */
import type { Clock, Json } from '@labgate/contract'
import type pg from 'pg'
import { artifactKey, referenceKey } from '../artifact-rows.ts'
import { type Claims, found, groundAsked, live, standing, type Unit } from '../artifact-unit.ts'
import type { ArtifactStore } from '../artifacts.ts'
import type { KeyRing } from '../sealing.ts'
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
}

/** Makes the token store. */
export function createPostgresArtifacts(needs: PostgresArtifactNeeds) {
  const { reads, units, ring, clock } = needs
  const recalled = needs.recall.part()
  const writer = forgetting(needs.writer, recalled)
  const table = recalledTable(artifactTable(transactionOn(reads), ring), recalled)
  const writing = artifactTable({ run: writer.one }, ring)
  const claims: Claims = new Map()
  const now = () => Math.floor(clock.now().getTime() / 1000)
  let commits = 0
  const committed = () => {
    commits += 1
    recalled.forget()
  }
  const unit = () => createPostgresUnit({ table, writing, pool: units, writer, ring, claims, now, committed })
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
    consume: (model, id) => single((step) => step.consume(model, id)),
    delete: (model, id) => single((step) => step.delete(model, id)),
    deleteByGrant: (grantId, models) => single((step) => step.deleteByGrant(grantId, models)),
    listByAccount: async (account, model) =>
      (await table.listByAccount(account, model))
        .filter((entry) => live(entry, now()) !== undefined)
        .map((entry) => JSON.parse(entry.text) as Json),
    deleteByAccount: (account, models) => writing.deleteByAccount(account, models),
    deleteByClient: (client) => writing.deleteByClient(client),
    flush: async () => undefined,
    close: async () => undefined,
  }
  return {
    ...store,
    deleteExpired: (limit: number) => writing.deleteExpired(now(), limit),
    /** How many transactions units have committed by themselves. */
    commits: () => commits,
  }
}

function recalledTable(table: ArtifactTable, { read }: Recalled): ArtifactTable {
  return {
    ...table,
    get: (key) => read(key, () => table.get(key)),
    getByUid: (uid) => read(`uid ${uid}`, () => table.getByUid(uid)),
    getByUserCode: (code) => read(`userCode ${code}`, () => table.getByUserCode(code)),
  }
}
