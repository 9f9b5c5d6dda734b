import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createCleaner } from '../../../core/storage/cleanup.ts'

const quiet = () => undefined
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }

/** A cleaner of one table with more expired rows than will go, each of which takes so many milliseconds by a clock of its own. */
function cleanerOf(costs: { msPerRow: number }, calm: () => Promise<void> = async () => undefined) {
  let now = 0
  const steps: { readonly rows: number; readonly ms: number }[] = []
  const deleteExpired = (limit: number) => {
    const ms = limit * costs.msPerRow
    now += ms
    steps.push({ rows: limit, ms })
    return limit
  }
  const writer = { run: async <T>(unit: () => T): Promise<T> => unit() }
  const needs = { tables: [{ deleteExpired }], writer, log, pause: quiet, calm, elapsed: () => now }
  const cleaner = createCleaner(needs as Parameters<typeof createCleaner>[0])
  return {
    taken: () => steps.length,
    async steps(count: number) {
      const from = steps.length
      for (let done = 0; done < count; done++) await cleaner.step()
      return steps.slice(from)
    },
  }
}

for (const msPerRow of [0.025, 0.2, 1])
  test(`a step holds the writer for some five milliseconds when a row takes ${msPerRow} of them`, async () => {
    const all = await cleanerOf({ msPerRow }).steps(20)
    // The first one cannot know.
    const settled = all.slice(8)
    assert.ok(
      settled.every(({ ms }) => ms > 3 && ms <= 6),
      JSON.stringify(all),
    )
  })

test('a step never takes more than two hundred rows, nor more than twice as many as the one before', async () => {
  const rows = (await cleanerOf({ msPerRow: 0.001 }).steps(8)).map((step) => step.rows)
  assert.deepEqual(rows, [20, 40, 80, 160, 200, 200, 200, 200])
})

test('a table that becomes slow is given fewer rows at once, and more again when it is fast', async () => {
  const costs = { msPerRow: 0.025 }
  const cleaner = cleanerOf(costs)
  await cleaner.steps(10)
  costs.msPerRow = 0.5
  const [, slow] = await cleaner.steps(2)
  assert.equal(slow?.rows, 10)
  costs.msPerRow = 0.025
  assert.equal((await cleaner.steps(10)).at(-1)?.rows, 200)
})

test('a row that takes longer than a step may is deleted all the same', async () => {
  assert.deepEqual(
    (await cleanerOf({ msPerRow: 50 }).steps(3)).map((step) => step.rows),
    [20, 1, 1],
  )
})

test('nothing is deleted while something is under way that it would be in the way of', async () => {
  const under = Promise.withResolvers<void>()
  const cleaner = cleanerOf({ msPerRow: 0.1 }, () => under.promise)
  const steps = cleaner.steps(1)
  await setImmediate()
  assert.equal(cleaner.taken(), 0)
  under.resolve()
  assert.equal((await steps).length, 1)
})
