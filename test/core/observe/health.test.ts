import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHealth } from '../../../core/observe/health.ts'
import { keptLog } from '../../support/outer-app.ts'

const well = async () => ({ ok: true })
const ill = async () => ({ ok: false, detail: 'the reason' })

test('a useful part that is ill degrades the whole, a needed one takes it down', async () => {
  const health = createHealth({ log: keptLog().log })
  health.add({ name: 'storage', weight: 'needed', check: well })
  assert.deepEqual(await health.report(), { state: 'ok', parts: { storage: 'ok' } })
  health.add({ name: 'mail', weight: 'useful', check: ill })
  assert.deepEqual(await health.report(), { state: 'degraded', parts: { storage: 'ok', mail: 'degraded' } })
  health.add({ name: 'keys', weight: 'needed', check: ill })
  assert.equal((await health.report()).state, 'down')
})

test('a check that throws counts as ill, and the reason is logged once', async () => {
  const { log, lines } = keptLog()
  const health = createHealth({ log })
  health.add({ name: 'plugin', weight: 'useful', check: () => Promise.reject(new Error('the reason')) })
  await health.report()
  assert.equal((await health.report()).state, 'degraded')
  assert.equal(lines().length, 1)
  assert.match(JSON.stringify(lines()[0]), /the reason/)
})

test('a part that is well again is logged', async () => {
  const { log, lines } = keptLog()
  const health = createHealth({ log })
  let ok = false
  health.add({ name: 'mail', weight: 'useful', check: async () => ({ ok }) })
  await health.report()
  ok = true
  await health.report()
  assert.equal(lines().at(-1)?.message, 'a part is well again')
})

test('drain() answers down although all is well', async () => {
  const health = createHealth({ log: keptLog().log })
  health.add({ name: 'storage', weight: 'needed', check: well })
  health.drain()
  assert.deepEqual(await health.report(), { state: 'down', parts: { storage: 'ok' } })
})
