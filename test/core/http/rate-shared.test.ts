import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createLimits } from '../../../core/http/rate.ts'
import { needs } from '../../support/needs.ts'
import { openPostgres } from '../../support/storage-postgres.ts'

const rule = { count: 3, seconds: 60 }

suite('limits that several processes share', { skip: needs('postgres') }, () => {
  test('count what each of them lets through, by name and key', async () => {
    const one = await openPostgres()
    const other = await one.beside()
    try {
      const [here, there] = [one, other].map(({ storage }) => createLimits({}, storage.limiter))
      for (const limits of [here, there, here]) await limits?.take('mail', 'ada', rule)
      await assert.rejects(there?.take('mail', 'ada', rule) ?? assert.fail(), { code: 'ERR_RATE' })
      await assert.rejects(here?.take('mail', 'ada', rule) ?? assert.fail(), { code: 'ERR_RATE' })
      await there?.take('mail', 'bob', rule)
      await there?.take('codes', 'ada', rule)
      const kept = await one.storage.em().execute<{ key: string }[]>('select key from rate_limit')
      assert.equal(kept.length, 3)
      assert.ok(
        kept.every(({ key }) => !/ada|bob/.test(key)),
        'nobody reads there who was counted',
      )
    } finally {
      await other.storage.close()
      await one.close()
    }
  })

  test('count in each process alone while the database does not answer', async () => {
    const { storage, close } = await openPostgres()
    const limits = createLimits({}, storage.limiter)
    await limits.take('mail', 'ada', rule)
    await close()
    for (let n = 0; n < rule.count; n++) await limits.take('mail', 'ada', rule)
    await assert.rejects(limits.take('mail', 'ada', rule), { code: 'ERR_RATE' })
  })
})
