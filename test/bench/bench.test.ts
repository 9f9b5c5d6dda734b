/** The harness itself: both servers walk every scenario. How fast they are is for the bench to say. @module */
import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { createDriver } from './drive.ts'
import { mostPeakMB, mostReadyMB, mostStartMs } from './floors.ts'
import { median, quantile } from './measure.ts'
import { judgeMemory } from './memory.ts'
import { judgeRow, rowOf } from './report.ts'
import { type ScenarioName, scenarios } from './scenarios.ts'
import { makeSite, startRaw } from './servers.ts'
import { judgeSoak } from './soak.ts'
import { countStatements, judgeStatements } from './statements.ts'

const names = Object.keys(scenarios) as ScenarioName[]
// What others do on the machine meanwhile may cost as much again, twice.
const patience = 3

suite('the bench', async () => {
  const site = await makeSite()
  const servers = [await site.start(), await startRaw()]
  after(async () => {
    for (const server of servers) await server.stop()
    await site.remove()
  })

  for (const server of servers)
    for (const name of names)
      test(`${server.name} answers every request of ${name} rightly`, async () => {
        const driver = createDriver(server, name, 2)
        const round = await driver.load(0.2)
        await driver.close()
        assert.ok(round.perSecond > 0)
        assert.equal(round.requests >= 1, true)
      })

  test('a whole Labgate answers in time after its spawn', () => {
    assert.ok(Number(servers[0]?.startMs) < mostStartMs * patience, `${servers[0]?.startMs} ms`)
  })

  test('a first-party sign-in is four requests, one with login and consent seven', async () => {
    const requests = async (name: ScenarioName) => {
      const driver = createDriver(servers[0] as (typeof servers)[0], name, 1)
      const round = await driver.load(0)
      await driver.close()
      return round.requests
    }
    assert.equal(await requests('code'), 4)
    assert.equal(await requests('code-consent'), 7)
  })
})

suite('what the bench says', () => {
  test('a soak misses its floor when memory goes on growing, and not by what it takes to warm up', () => {
    const samples = (growth: number) => Array.from({ length: 100 }, (_, at) => (at < 10 ? 100 : 300 + growth * at))
    assert.deepEqual(
      [0, 0.3, 1].map((growth) => judgeSoak({ minutes: 10, samples: samples(growth) })[0]?.holds),
      [true, true, false],
    )
  })

  test('memory misses its floors apart: that of a start, and that of the peak', () => {
    const held = (readyMB: number, peakMB: number) => judgeMemory({ readyMB, peakMB }).map(({ holds }) => holds)
    assert.deepEqual(held(mostReadyMB, mostPeakMB), [true, true])
    assert.deepEqual(held(mostReadyMB + 1, mostPeakMB), [false, true])
    assert.deepEqual(held(mostReadyMB, mostPeakMB + 1), [true, false])
  })

  const round = { perSecond: 100, p50: 1, p99: 2, cpuUs: 1000, foreign: 0, requests: 8 }

  test('a row misses its floor when the CPU does, whatever the rate', () => {
    const ours = [{ ...round, perSecond: 500, cpuUs: 2000 }]
    assert.equal(judgeRow(rowOf('code', { ours, raw: [round] })).holds, false)
  })

  test('a row holds when the CPU and the best rounds do', () => {
    const ours = [
      { ...round, perSecond: 10, cpuUs: 500 },
      { ...round, perSecond: 20, cpuUs: 500 },
      { ...round, perSecond: 200, cpuUs: 500 },
    ]
    assert.equal(judgeRow(rowOf('code', { ours, raw: [round] })).holds, true)
  })

  test('medians and quantiles lie between their neighbours', () => {
    assert.equal(median([4, 1, 3, 2]), 2.5)
    assert.equal(quantile([1, 2, 3], 1), 3)
    assert.ok(Number.isNaN(median([])))
  })
})

test('statements are counted in a Labgate of their own', async () => {
  const site = await makeSite()
  try {
    const counted = await countStatements(site, ['code', 'refresh', 'introspect', 'userinfo', 'cc', 'jwks'])
    assert.ok(Number(counted.get('code')?.select) > 0)
    assert.ok(Number(counted.get('code')?.insert) > 0)
    // Each statement more is a mistake.
    assert.deepEqual(
      judgeStatements(counted).filter(({ holds }) => !holds),
      [],
    )
  } finally {
    await site.remove()
  }
})
