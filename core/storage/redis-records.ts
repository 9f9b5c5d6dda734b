/**
 * Records that live for minutes, in a Redis: sealed, found by digests, ended by the server's own clock. Each is a hash:
 * `s` the sealed record, `f` as long as it was not used, `c` when it was, `d` when all that came of that is stored.
 * @module
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Fault, type Log } from '@labgate/contract'
import type { Redis } from 'ioredis'
import { type ArtifactEntry, referenceKey } from './artifact-rows.ts'
import type { SharedRedis } from './redis.ts'
import type { KeyRing } from './sealing.ts'

/** What became of a try to use a record up. */
export type Use = { readonly kind: 'used'; readonly entry: ArtifactEntry } | { readonly kind: 'refused' | 'gone' }

/** The records. Whatever is thrown is a {@link RedisTrouble}. */
export interface RedisRecords {
  /** Whether it can be asked now. */
  isThere(): boolean
  get(key: string): Promise<ArtifactEntry | undefined>
  getByUserCode(userCode: string): Promise<ArtifactEntry | undefined>
  /** Inserts or rewrites; what was used stays used. */
  put(entry: ArtifactEntry): Promise<void>
  /** Of all who try, one has it. Others see it as used once `finish` was called, or at once when `isFinal`. */
  use(key: string, options?: { readonly isFinal: boolean }): Promise<Use>
  /** All that came of its use is stored. */
  finish(key: string): Promise<void>
  /** Nothing came of its use: it may be used again. */
  free(key: string): Promise<void>
  /** Settles when the one who has used it is done, or long enough has passed for one who died over it. */
  settled(key: string): Promise<void>
  /** `false`: there was none. */
  delete(key: string): Promise<boolean>
  deleteByGrant(grant: string, models: readonly string[] | undefined): Promise<void>
  /** Looks through all of them, which takes a while. */
  where(test: {
    readonly account?: string
    readonly client?: string
    readonly models?: readonly string[] | undefined
  }): Promise<string[]>
}

/** Redis did not do what it was asked for. */
export class RedisTrouble extends Fault {
  /** `unknown`: it may have done it and could not say so. */
  readonly outcome: 'not-done' | 'unknown'

  constructor(outcome: RedisTrouble['outcome'], said: string, cause?: unknown) {
    super('ERR_STORAGE', `redis: ${said}; look at "redis" in the config and at the server's own log`, { cause })
    this.outcome = outcome
  }
}

/** What Redis has; while it is away, nothing: whoever asks hears that there is none, and never waits. */
export async function peek<T>(read: () => Promise<T>, log: Log): Promise<T | undefined> {
  try {
    return await read()
  } catch (err) {
    if (!(err instanceof RedisTrouble)) throw err
    log.debug({ err }, 'Redis could not be asked')
    return undefined
  }
}

const purpose = 'short-lived'
/** Seconds that a record without an end of its own is kept. */
const longestSeconds = 86_400
/** Milliseconds for which whoever has used a record may be about to store what came of it. */
const longestStepMs = 3000

const scripts = {
  // KEYS: the record, the index of its grant, its user code (the latter two only where it has them, marked in ARGV).
  labgatePut: `
    local isNew = redis.call('EXISTS', KEYS[1]) == 0
    redis.call('HSET', KEYS[1], 's', ARGV[2], 'm', ARGV[3], 'a', ARGV[4], 'l', ARGV[5])
    if isNew then redis.call('HSET', KEYS[1], 'f', '1') end
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
    if ARGV[6] ~= '' then
      redis.call('ZREMRANGEBYSCORE', ARGV[6], '-inf', '(' .. ARGV[8])
      redis.call('ZADD', ARGV[6], ARGV[9], KEYS[1])
      if redis.call('PTTL', ARGV[6]) < tonumber(ARGV[1]) then redis.call('PEXPIRE', ARGV[6], ARGV[1]) end
    end
    if ARGV[7] ~= '' then redis.call('SET', ARGV[7], KEYS[1], 'PX', ARGV[1]) end`,
  // What frees memory comes first: a server that is full refuses only a script's first write.
  labgateUse: `
    local s = redis.call('HGET', KEYS[1], 's')
    if not s then return {'gone'} end
    if redis.call('HDEL', KEYS[1], 'f') == 0 then return {'refused'} end
    redis.call('HSET', KEYS[1], 'c', ARGV[1])
    if ARGV[2] == '1' then redis.call('HSET', KEYS[1], 'd', '1') end
    return {'used', s}`,
  labgateFinish: `if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'd', '1') end`,
  labgateFree: `
    if redis.call('EXISTS', KEYS[1]) == 1 and redis.call('HEXISTS', KEYS[1], 'd') == 0 then
      redis.call('HDEL', KEYS[1], 'c')
      redis.call('HSET', KEYS[1], 'f', '1')
    end`,
  labgateEndGrant: `
    for _, record in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
      local model = redis.call('HGET', record, 'm')
      if model and (#ARGV == 0 or string.find(ARGV[1], ' ' .. model .. ' ', 1, true)) then
        redis.call('DEL', record)
        redis.call('ZREM', KEYS[1], record)
      end
    end`,
} as const

type Arguments = readonly (string | number | Buffer)[]
type Scripts = Readonly<Record<keyof typeof scripts, (...values: Arguments) => Promise<unknown>>> & {
  labgateUseBuffer(...values: Arguments): Promise<[Buffer, Buffer?]>
}

export interface RedisRecordNeeds {
  readonly redis: SharedRedis
  readonly ring: KeyRing
  /** Seconds since 1970. */
  readonly now: () => number
}

/** Makes them on a Redis. */
export function createRedisRecords({ redis, ring, now }: RedisRecordNeeds): RedisRecords {
  for (const [name, lua] of Object.entries(scripts)) redis.client.defineCommand(name, { numberOfKeys: 1, lua })
  const run = redis.client as unknown as Scripts
  const ask = <T>(work: (client: Redis, at: Place) => Promise<T>): Promise<T> => asked(redis, work)
  const openAt = async (client: Redis, record: string | undefined) => {
    if (record === undefined) return undefined
    const [box, used, done] = await client.hmgetBuffer(record, 's', 'c', 'd')
    const entry = box == null ? undefined : opened(box, record.slice(record.lastIndexOf(':') + 1), ring)
    return entry && { ...entry, consumedAt: used != null && done != null ? Number(used) : undefined }
  }
  return {
    isThere: () => redis.run() !== undefined,
    get: (key) => ask((client, at) => openAt(client, at('r', key))),
    getByUserCode: (code) => ask(async (client, at) => openAt(client, (await client.get(at('u', code))) ?? undefined)),
    put: (entry) => ask(async (_, at) => void (await run.labgatePut(...putArguments(entry, { at, ring, now })))),
    use: (key, { isFinal } = { isFinal: false }) =>
      ask(async (_, at): Promise<Use> => {
        const [kind, box] = await run.labgateUseBuffer(at('r', key), now(), isFinal ? 1 : 0)
        const entry = box && opened(box, key, ring)
        if (entry) return { kind: 'used', entry: { ...entry, consumedAt: now() } }
        return { kind: String(kind) === 'refused' ? 'refused' : 'gone' }
      }),
    finish: (key) => ask(async (_, at) => void (await run.labgateFinish(at('r', key)))),
    free: (key) => ask(async (_, at) => void (await run.labgateFree(at('r', key)))),
    async settled(key) {
      const until = performance.now() + longestStepMs
      const isOver = () => ask(async (client, at) => await client.hmget(at('r', key), 'f', 'd', 's'))
      for (let wait = 5; performance.now() < until; wait = Math.min(wait * 2, 100)) {
        const [fresh, done, box] = await isOver().catch(() => [null, null, null])
        if (fresh != null || done != null || box == null) return
        await pause(wait)
      }
    },
    delete: (key) => ask(async (client, at) => (await client.del(at('r', key))) > 0),
    deleteByGrant: (grant, models) =>
      ask(async (_, at) => {
        await run.labgateEndGrant(at('g', grant), ...(models === undefined ? [] : [` ${models.join(' ')} `]))
      }),
    where: (test) => ask((client, at) => found(client, at, test)),
  }
}

/** The name of a record, an index or a reference in this run of the server. */
type Place = (kind: 'r' | 'g' | 'u', key: string) => string

async function asked<T>(redis: SharedRedis, work: (client: Redis, at: Place) => Promise<T>): Promise<T> {
  const run = redis.run()
  if (run === undefined) throw new RedisTrouble('not-done', `it is away: ${redis.trouble()}`)
  try {
    return await work(redis.client, (kind, key) => `labgate:${run}:${kind}:${key}`)
  } catch (cause) {
    const error = cause as Error
    // Its own no: out of memory, a replica that takes no writes, a right that is missing.
    if (error.name === 'ReplyError') throw new RedisTrouble('not-done', `it refused: ${error.message}`, cause)
    throw new RedisTrouble('unknown', `it went away in the middle: ${error.message}`, cause)
  }
}

function putArguments(
  entry: ArtifactEntry,
  { at, ring, now }: { at: Place } & Omit<RedisRecordNeeds, 'redis'>,
): Arguments {
  const { key, model, grant, userCode, account, client, expiresAt } = entry
  const seconds = Math.max(1, (expiresAt ?? now() + longestSeconds) - now())
  return [
    at('r', key),
    Math.min(seconds, longestSeconds) * 1000,
    sealed(entry, ring),
    model,
    account === undefined ? '' : ownerKey('account', account),
    client === undefined ? '' : ownerKey('client', client),
    grant === undefined ? '' : at('g', grant),
    userCode === undefined ? '' : at('u', userCode),
    // Clocks differ a little.
    now() - 60,
    now() + seconds,
  ]
}

const ownerKey = (kind: 'account' | 'client', id: string) => referenceKey(kind as never, id)

type Head = readonly [
  model: string,
  grant: string | null,
  userCode: string | null,
  account: string | null,
  client: string | null,
  expiresAt: number | null,
]

function sealed(
  { key, text, model, grant, userCode, account, client, expiresAt }: ArtifactEntry,
  ring: KeyRing,
): Buffer {
  const head: Head = [model, grant ?? null, userCode ?? null, account ?? null, client ?? null, expiresAt ?? null]
  return ring.seal(`${JSON.stringify(head)}\n${text}`, purpose, Buffer.from(key, 'hex'))
}

function opened(box: Buffer, key: string, ring: KeyRing): ArtifactEntry {
  const all = ring.open(box, purpose, Buffer.from(key, 'hex')).toString()
  const end = all.indexOf('\n')
  const [model, grant, userCode, account, client, expiresAt] = JSON.parse(all.slice(0, end)) as Head
  return {
    ...{ key, model, text: all.slice(end + 1), uid: undefined, consumedAt: undefined },
    ...{ grant: grant ?? undefined, userCode: userCode ?? undefined, account: account ?? undefined },
    ...{ client: client ?? undefined, expiresAt: expiresAt ?? undefined },
  }
}

async function found(
  client: Redis,
  at: Place,
  { account, client: party, models }: Parameters<RedisRecords['where']>[0],
): Promise<string[]> {
  const [owner, value] =
    account === undefined ? ['l', ownerKey('client', party ?? '')] : ['a', ownerKey('account', account)]
  const keys: string[] = []
  let cursor = '0'
  do {
    const [next, records] = await client.scan(cursor, 'MATCH', at('r', '*'), 'COUNT', 500)
    cursor = next
    const pipeline = client.pipeline()
    for (const record of records) pipeline.hmget(record, owner, 'm')
    const answers = (await pipeline.exec()) ?? []
    for (const [index, [error, fields]] of answers.entries()) {
      if (error) throw error
      const [whose, model] = fields as [string | null, string | null]
      if (whose === value && (models?.includes(model ?? '') ?? true))
        keys.push((records[index] ?? '').slice(at('r', '').length))
    }
  } while (cursor !== '0')
  return keys
}
