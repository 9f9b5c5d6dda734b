import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../core/clock.ts'

test('the system clock tells the time of this machine and hands out a new Date each time', () => {
  const before = Date.now()
  const now = systemClock.now()
  const after = Date.now()
  assert.ok(before <= now.getTime() && now.getTime() <= after)
  now.setFullYear(1970)
  assert.ok(systemClock.now().getTime() >= before)
})
