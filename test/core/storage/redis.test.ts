import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { createLimits } from '../../../core/http/rate.ts'
import type { RedisTarget } from '../../../core/storage/redis.ts'
import type { Storage } from '../../../core/storage/storage.ts'
import { makeCertificate } from '../../support/certificate.ts'
import { freePort } from '../../support/labgate.ts'
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

  test('hold whatever is wrong with it, nobody waits for it twice, and what is wrong is said', async () => {
    const redis = await startRedis()
    const { url, password } = redis
    const limits = async (target: RedisTarget, trouble: RegExp, before?: () => unknown) => {
      const { storage, close, complaints } = await openSqlite({ redis: target })
      try {
        const { ok, mend = '' } = (await storage.redis?.look()) ?? assert.fail('there is one')
        await before?.()
        const here = limitsOf(storage)
        const began = performance.now()
        for (let n = 0; n < rule.count; n++) await here.take('mail', 'who', rule)
        await assert.rejects(here.take('mail', 'who', rule), { code: 'ERR_RATE' })
        assert.ok(performance.now() - began < 3000, String(target.url))
        if (ok) return
        assert.match(mend, trouble)
        assert.ok(complaints.some((line) => line.includes('Redis is away')))
      } finally {
        await close()
      }
    }
    try {
      await limits({ url, password: 'another one' }, /WRONGPASS|invalid username-password/)
      await limits({ url, username: 'nobody', password }, /WRONGPASS|invalid username-password/)
      await limits({ url }, /NOAUTH|Authentication required/)
      await limits({ url: url.replace('redis:', 'rediss:'), password }, /must speak TLS/)
      await limits({ url: 'redis://127.0.0.1:9', password }, /ECONNREFUSED/)
      await limits({ url, password }, /none/, () => redis.ask('config', 'set', 'maxmemory', '1'))
      await redis.ask('config', 'set', 'maxmemory', '0')
      await redis.ask('flushall')
      await limits({ url, password }, /none/, () => redis.sleep())
      redis.wake()
      await redis.ask('config', 'set', 'maxmemory-policy', 'allkeys-lru')
      const { storage, close, complaints } = await openSqlite({ redis: { url, password } })
      assert.match((await storage.redis?.look())?.mend ?? '', /noeviction/)
      assert.ok(complaints.some((line) => line.includes('noeviction')))
      await close()
    } finally {
      redis.wake()
      await redis.stop()
    }
  })

  test('is reached by TLS only where its certificate holds', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'labgate-redis-'))
    const { certFile, keyFile, ca } = await makeCertificate(folder)
    const port = await freePort()
    const tls = [`tls-port ${port}`, `tls-cert-file ${certFile}`, `tls-key-file ${keyFile}`, 'tls-auth-clients no']
    const redis = await startRedis(undefined, tls)
    const url = `rediss://localhost:${port}`
    try {
      for (const [target, expected] of [
        [{ url, ca }, /^$/],
        [{ url }, /self-signed certificate/],
        [{ url: url.replace('rediss', 'redis') }, /must speak without TLS/],
      ] as const) {
        const { storage, close } = await openSqlite({ redis: { ...target, password: redis.password } })
        assert.match((await storage.redis?.look())?.mend ?? '', expected)
        await close()
      }
    } finally {
      await redis.stop()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
