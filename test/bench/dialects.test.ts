/** The dialects' rows of the bench: every answer is right, and changes count at every process. How fast is for the bench to say. @module */
import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { documents, gcsToken, hello, ngauthToken, signInAtNgauth, userCache } from './dialect-scenarios.ts'
import { makeDialectSite } from './dialect-site.ts'
import { changesIn } from './dialects.ts'
import { createDriver } from './drive.ts'
import { leastOfKoa, mostCloudCalls } from './floors.ts'
import { judgeDialects, rowOf } from './report.ts'
import type { Scenario } from './scenarios.ts'
import { type Server, startKoa } from './servers.ts'

suite('the dialects in the bench', async () => {
  const site = await makeDialectSite({ people: 20, tokens: 20 })
  let server: Server | undefined = await site.start()
  const koa = await startKoa()
  after(async () => {
    await server?.stop()
    await koa.stop()
    await site.remove()
  })
  const answers = async (at: Server, scenario: Scenario) => {
    const driver = createDriver(at, scenario, 2)
    const round = await driver.load(0.2)
    await driver.close()
    assert.ok(round.perSecond > 0)
    assert.equal(round.requests, 1)
  }

  test('every answer is right, and the cloud is asked once for one person and bucket', async () => {
    assert.ok(server)
    const signed = await signInAtNgauth(server)
    await answers(koa, hello)
    await answers(server, documents)
    await answers(server, userCache(site, 'warm'))
    await answers(server, ngauthToken(server, signed))
    await answers(server, gcsToken(server, signed))
    const calls = Object.values(site.cloud.calls).reduce((sum, count) => sum + count, 0)
    assert.ok(calls >= 1 && calls <= mostCloudCalls, `${calls} calls`)
  })

  test('a token that is revoked and a grant that is given count at another process', async () => {
    await server?.stop()
    server = undefined
    const { grantMs, grantSeenMs, revokeSeenMs } = await changesIn(site)
    for (const ms of [grantMs, grantSeenMs, revokeSeenMs]) assert.ok(ms > 0 && ms < 5000, `${ms} ms`)
  })

  test('a row is held against Koa, and changes against their times', () => {
    const round = { perSecond: 100, p50: 1, p99: 2, cpuUs: 100, foreign: 0, requests: 1 }
    const half = { ...round, perSecond: 40, cpuUs: 250 }
    const rows = [rowOf('user-cache' as const, { ours: [half], raw: [round] })]
    const changes = { grantMs: 60, grantSeenMs: 10, revokeSeenMs: 10 }
    const held = judgeDialects({ rows, cloudCalls: 3, changes }).map(({ holds }) => holds)
    assert.deepEqual(held, [leastOfKoa['user-cache'] <= 0.4, true, false, true, true])
  })
})
