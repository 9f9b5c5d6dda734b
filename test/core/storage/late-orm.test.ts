import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLate } from '../../../core/storage/late-orm.ts'

/** Opens one that counts how often it was closed; fails the first `failures` times. */
function opener(failures = 0) {
  const seen = { opened: 0, closed: 0 }
  const late = openLate(async () => {
    seen.opened += 1
    if (seen.opened <= failures) throw new Error('the disk is full')
    // Nothing else of it is asked for here.
    return {
      close: async () => {
        seen.closed += 1
      },
    } as never
  })
  return { seen, late }
}

test('the ORM is opened by the first who asks, and once; what was never opened is not closed', async () => {
  const { seen, late } = opener()
  await late.close()
  assert.deepEqual(seen, { opened: 0, closed: 0 })
  const [one, other] = await Promise.all([late.get(), late.get()])
  assert.equal(one, other)
  await late.close()
  assert.deepEqual(seen, { opened: 1, closed: 1 })
})

test('an ORM that could not be opened is opened by the next who asks', async () => {
  const { seen, late } = opener(1)
  await assert.rejects(late.get(), /the disk is full/)
  await late.get()
  assert.deepEqual(seen, { opened: 2, closed: 0 })
})
