import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createLimits } from '../../../core/http/rate.ts'
import type { Storage } from '../../../core/storage/storage.ts'
import { needs } from '../../support/needs.ts'
import { startRedis } from '../../support/redis.ts'
import { openSqlite } from '../../support/storage.ts'

const rule = { count: 3, seconds: 60 }
const limitsOf = ({ limiter }: Storage) => createLimits({}, limiter)

suite('rate limits in a Redis', { skip: needs('redis') }, () => {
  test('are shared, go on without it, and are shared again when it is back', async () => {
    const redis = await startRedis()
    const port = Number(new URL(redis.url).port)
    const target = { redis: { url: redis.url, password: redis.password } }
    const [one, other] = [await openSqlite(target), await openSqlite(target)]
    const [here, there] = [limitsOf(one.storage), limitsOf(other.storage)]
    const shared = async (key: string) => {
      for (let n = 0; n < rule.count; n++) await (n % 2 === 0 ? here : there).take('mail', key, rule)
      return Promise.allSettled([here.take('mail', key, rule), there.take('mail', key, rule)])
    }
    const isShared = async (key: string) => (await shared(key)).every(({ status }) => status === 'rejected')
    const soon = async (key: string) => {
      for (let tries = 0; !(await isShared(`${key} ${tries}`)); tries++) {
        assert.ok(tries < 200, 'it is shared soon')
        await new Promise((done) => setTimeout(done, 25))
      }
    }
    let again: Awaited<ReturnType<typeof startRedis>> | undefined
    try {
      await soon('first')
      await redis.stop()
      assert.ok(
        (await shared('away')).every(({ status }) => status === 'fulfilled'),
        'each counts alone, and nobody is refused for that',
      )
      for (let n = 0; n < rule.count - 2; n++) await here.take('mail', 'away', rule).catch(() => undefined)
      await assert.rejects(here.take('mail', 'away', rule), { code: 'ERR_RATE' })
      again = await startRedis(port)
      await soon('back')
      assert.ok(one.complaints.some((line) => line.includes('Redis is away')))
    } finally {
      await one.close()
      await other.close()
      await redis.stop()
      await again?.stop()
    }
  })
})
