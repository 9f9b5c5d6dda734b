/**
 * The token store with records that live for minutes in a Redis and everything else in the database. In Redis lies only what
 * it may lose: whoever needs such a record and does not find it signs in again, and nothing that was revoked or used up comes
 * back. What says that something was seen before (`ReplayDetection`) is no such record. While Redis is away, or takes no more,
 * the database keeps them.
 * @module
 */
import type { Clock, Json, Log } from '@labgate/contract'
import { type ArtifactEntry, artifactKey, referenceKey } from './artifact-rows.ts'
import { type Claims, found, live, type Unit } from './artifact-unit.ts'
import type { ArtifactStore } from './artifacts.ts'
import type { SharedRedis } from './redis.ts'
import { createRedisRecords, peek, type RedisRecords, RedisTrouble } from './redis-records.ts'
import type { KeyRing } from './sealing.ts'
import { areShortLived, createShortLivedUnit, shortLivedModels } from './short-lived-unit.ts'

export interface ShortLivedNeeds {
  readonly durable: ArtifactStore
  readonly redis: SharedRedis
  readonly ring: KeyRing
  readonly clock: Clock
  readonly log: Log
}

/** Milliseconds that a command, which has just begun to connect, waits for Redis before it deletes there. */
const connectingMs = 2000

/** Lays a Redis over the token store. */
export function keepShortLived({ durable, redis, ring, clock, log }: ShortLivedNeeds): ArtifactStore {
  const now = () => Math.floor(clock.now().getTime() / 1000)
  const records = createRedisRecords({ redis, ring, now })
  const claims: Claims = new Map()
  const needs = { records, durable, claims, now, log }
  const single = async (write: (step: Unit) => void | Promise<void>) => {
    const step = createShortLivedUnit({ ...needs, isSingle: true })
    try {
      await write(step)
      await step.commit()
    } finally {
      step.discard()
    }
  }
  const deletions = deletionsIn({ records, redis, log })
  return {
    ...durable,
    unit: () => createShortLivedUnit(needs),
    find: async (model, id) => {
      const entry = shortLivedModels.has(model) ? await peek(() => records.get(artifactKey(model, id)), log) : undefined
      return found(entry, now()) ?? durable.find(model, id)
    },
    findByUserCode: async (userCode) => {
      const entry = await peek(() => records.getByUserCode(referenceKey('userCode', userCode)), log)
      return found(entry, now()) ?? durable.findByUserCode(userCode)
    },
    put: (artifact) =>
      shortLivedModels.has(artifact.model) ? single((step) => step.put(artifact)) : durable.put(artifact),
    consume: (model, id) =>
      shortLivedModels.has(model) ? single((step) => step.consume(model, id)) : durable.consume(model, id),
    delete: (model, id) =>
      shortLivedModels.has(model) ? single((step) => step.delete(model, id)) : durable.delete(model, id),
    async deleteByGrant(grantId, models) {
      await durable.deleteByGrant(grantId, models)
      if (areShortLived(models)) await deletions(() => records.deleteByGrant(referenceKey('grant', grantId), models))
    },
    async deleteByAccount(account, models) {
      const count = await durable.deleteByAccount(account, models)
      if (areShortLived(models)) await deletions(() => deleteWhere(records, { account, models }))
      return count
    },
    async deleteByClient(client) {
      const count = await durable.deleteByClient(client)
      await deletions(() => deleteWhere(records, { client }))
      return count
    },
    async listByAccount(account, model) {
      const listed = await durable.listByAccount(account, model)
      if (!shortLivedModels.has(model)) return listed
      const keys = await peek(() => records.where({ account, models: [model] }), log)
      const entries = await Promise.all((keys ?? []).map((key) => peek(() => records.get(key), log)))
      const alive = entries.filter((entry) => live(entry, now()) !== undefined)
      return [...listed, ...alive.map((entry) => JSON.parse((entry as ArtifactEntry).text) as Json)]
    },
  }
}

async function deleteWhere(records: RedisRecords, test: Parameters<RedisRecords['where']>[0]): Promise<void> {
  for (const key of await records.where(test)) await records.delete(key)
}

/**
 * Deletes in Redis what is deleted in the database already. Where it cannot be reached nothing opens by that: a code counts for
 * nothing without its grant, its account and its session, which are asked of the database when it is redeemed.
 */
function deletionsIn({ records, redis, log }: { records: RedisRecords; redis: SharedRedis; log: Log }) {
  return async (work: () => Promise<void>): Promise<void> => {
    try {
      if (!records.isThere()) await redis.ready(connectingMs)
      await work()
    } catch (err) {
      if (!(err instanceof RedisTrouble)) throw err
      log.warn(
        { err },
        'codes and sign-ins in progress could not be deleted from Redis; they end by themselves within half an hour',
      )
    }
  }
}
