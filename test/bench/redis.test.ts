import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { needs } from '../support/needs.ts'
import { createDriver } from './drive.ts'
import { redisPair } from './redis.ts'

suite('the bench of Redis', { skip: needs('postgres') || needs('redis') }, () => {
  test('both walk the same sign-ins, one of them through Redis', async () => {
    const pair = await redisPair()
    try {
      const before = await pair.kept()
      for (const server of pair.servers) {
        const driver = createDriver(server, 'code-consent', 2)
        assert.equal((await driver.load(0.2)).requests, 7)
        await driver.close()
      }
      // What was used stays until its end, to answer a second use.
      assert.ok((await pair.kept()) > before)
    } finally {
      await pair.stop()
    }
  })
})
