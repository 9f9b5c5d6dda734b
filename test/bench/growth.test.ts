/** That places with much behind them are what they say. How fast they are is for the bench to say. @module */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { calm, judgeCalm } from './calm.ts'
import { leastGrown, mostLookupMs, mostLoopMs, mostPluginStartMs } from './floors.ts'
import { type Growth, growth, judgeGrowth } from './growth.ts'

suite('the bench of growth', () => {
  test('walks a row in small, and cleans up', async () => {
    const pairing = { rounds: 1, seconds: 0.2, warmSeconds: 0, width: 2 }
    const found = await growth({ tokens: 1000, pairing, only: 'people and tokens' })
    assert.deepEqual(
      found.rows.map(({ what }) => what),
      ['introspect: people and tokens', 'code: people and tokens', 'insert: people and tokens'],
    )
    assert.ok((found.lookup?.p99Ms ?? 0) >= (found.lookup?.p50Ms ?? 1))
    for (const { largeUs, ratio } of found.rows) assert.ok(largeUs > 0 && ratio > 0)
    assert.ok((found.starts[0]?.largeMs ?? 0) > 0)
    assert.equal(found.cleanup?.rows, 1000)
    assert.ok(found.cleanup.perSecond > 0)
  })

  test('walks the row of those who hold grants', async () => {
    const pairing = { rounds: 1, seconds: 0.2, warmSeconds: 0, width: 2 }
    const { rows } = await growth({ tokens: 100, pairing, only: 'holders of grants' })
    assert.deepEqual(
      rows.map(({ what }) => what),
      ['user-cache: holders of grants'],
    )
    for (const { largeUs, ratio } of rows) assert.ok(largeUs > 0 && ratio > 0)
  })

  test('a row that grows misses its floor, a start too, and a step that holds the writer for long', () => {
    const row = { what: 'introspect: people and tokens', sizes: {}, ratio: 1, ratioCpu: 1, smallUs: 1, largeUs: 1 }
    const start = { what: 'clients', smallMs: 100, largeMs: 100, smallMB: 1, largeMB: 1 }
    const cleanup = { rows: 1, perSecond: 1, p99Ms: 1, worstMs: 1 }
    const good: Growth = { rows: [row], starts: [start], cleanup }
    const holds = (found: Growth) => judgeGrowth(found).map((one) => one.holds)
    assert.deepEqual(holds(good), [true, true, true])
    assert.deepEqual(holds({ ...good, rows: [{ ...row, ratioCpu: leastGrown.reads - 0.01 }] }), [false, true, true])
    const written = { ...row, what: 'insert: people and tokens', ratioCpu: leastGrown.writes - 0.01 }
    assert.deepEqual(holds({ ...good, rows: [written] }), [false, true, true])
    const told = { ...row, what: 'any client: clients', ratioCpu: 0.1 }
    assert.deepEqual(holds({ ...good, rows: [row, told] }), [true, true, true], 'no floor')
    const lookup = { tokens: 1, p50Ms: 0.1, p99Ms: mostLookupMs }
    assert.deepEqual(holds({ ...good, lookup }), [true, true, true, true])
    assert.deepEqual(holds({ ...good, lookup: { ...lookup, p99Ms: 1.1 } }), [false, true, true, true])
    assert.deepEqual(holds({ ...good, starts: [{ ...start, largeMs: 120 }] }), [true, false, true])
    const plugins = { ...start, what: 'plugins', largeMs: 100 + 50 * mostPluginStartMs }
    assert.deepEqual(holds({ ...good, starts: [plugins] }), [true, true, true])
    assert.deepEqual(holds({ ...good, starts: [{ ...plugins, largeMs: plugins.largeMs + 1 }] }), [true, false, true])
    assert.deepEqual(holds({ ...good, cleanup: { ...cleanup, worstMs: 51 } }), [true, true, false])
  })
})

suite('the bench of calm', () => {
  test('signs people in at a constant rate, and hears how late the event loop was', async () => {
    const found = await calm({ seconds: 0.3, width: 2, expired: 500 })
    assert.ok(found.perSecond > 0 && found.p99 > 0)
    assert.ok(found.loop.p99 > 0 && found.loop.worst >= found.loop.p99)
  })

  test('a late event loop misses its floor', () => {
    const found = { perSecond: 1, p50: 1, p99: 1, loop: { p50: 1, p99: mostLoopMs, worst: 100 } }
    assert.equal(judgeCalm(found)[0]?.holds, true)
    assert.equal(judgeCalm({ ...found, loop: { ...found.loop, p99: mostLoopMs + 1 } })[0]?.holds, false)
  })
})
