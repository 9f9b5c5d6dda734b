/** Short-lived records in a Redis against PostgreSQL alone: two Labgates, each on a database of its own, by turns. @module */
import { startRedis } from '../support/redis.ts'
import { newDatabase } from '../support/storage-postgres.ts'
import { byTurns, fill, type Pairing, type Round } from './drive.ts'
import { type Row, rowOf } from './report.ts'
import type { ScenarioName } from './scenarios.ts'
import { makeSite, type Server } from './servers.ts'

/** What is measured. */
export const redisScenarios = { redis: 'code-consent', 'redis-code': 'code' } as const satisfies Record<
  string,
  ScenarioName
>
export type RedisRowName = keyof typeof redisScenarios

/** Sign-ins with Redis (`ours`) against those without it (`raw`). */
export interface RedisRow extends Row<RedisRowName> {
  /** The same of all CPU there was, that of PostgreSQL and Redis too; others' on a busy machine as well. */
  readonly ratioAllCpu: number
}

/** Two sites that differ in nothing else; end them by `stop`. */
export async function redisPair() {
  const redis = await startRedis()
  const settings = {
    redis: { url: redis.url, password: { env: 'BENCH_REDIS' }, keep: ['rate-limits', 'short-lived'] },
  }
  process.env.BENCH_REDIS = redis.password
  const place = async (more: object) => {
    const database = { url: await newDatabase(), connections: 20 }
    return makeSite(() => ({ database, ...more }))
  }
  const sites = [await place(settings), await place({})] as const
  const [ours, plain] = [await sites[0].start(), await sites[1].start()]
  // Its name is that of the one to be beaten.
  const servers: readonly Server[] = [ours, { ...plain, name: 'raw' }]
  return {
    servers,
    /** How many records lie in Redis. */
    kept: async () => ((await redis.ask('keys', 'labgate:*:r:*')) as string[]).length,
    async stop() {
      for (const server of [ours, plain]) await server.stop()
      for (const site of sites) await site.remove()
      await redis.stop()
    },
  }
}

/** Measures the scenarios. */
export async function redisRows(names: readonly RedisRowName[], pairing: Pairing): Promise<RedisRow[]> {
  const pair = await redisPair()
  try {
    for (const server of pair.servers) await fill(server)
    const rows: RedisRow[] = []
    for (const name of names) {
      const rounds = await byTurns(pair.servers, redisScenarios[name], pairing)
      const both = { ours: rounds.get('labgate') ?? [], raw: rounds.get('raw') ?? [] }
      rows.push({ ...rowOf(name, both), ratioAllCpu: allCpu(both.raw) / allCpu(both.ours) })
    }
    return rows
  } finally {
    await pair.stop()
  }
}

/** Microseconds of all CPU for one operation, the driver's left out; the least that was seen. */
function allCpu(rounds: readonly Round[]): number {
  return Math.min(...rounds.map(({ cpuUs, foreign, perSecond }) => cpuUs + (foreign * 1e6) / perSecond))
}
