import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFault } from '@labgate/contract'
import { addressKey, createLimits } from '../../../core/http/rate.ts'

test('take() lets `count` through and then says when to come back', async () => {
  const limits = createLimits({ mail: { count: 2, seconds: 30 } })
  await limits.take('mail', 'a')
  await limits.take('mail', 'a')
  await assert.rejects(limits.take('mail', 'a'), (error) => {
    assert.ok(isFault(error) && error.code === 'ERR_RATE')
    assert.ok((error.retryAfterSeconds ?? 0) > 25 && (error.retryAfterSeconds ?? 0) <= 30)
    return true
  })
})

test('take() counts names and keys apart', async () => {
  const limits = createLimits({ mail: { count: 1, seconds: 30 }, code: { count: 1, seconds: 30 } })
  await limits.take('mail', 'a')
  await limits.take('mail', 'b')
  await limits.take('code', 'a')
  await assert.rejects(limits.take('mail', 'a'), { code: 'ERR_RATE' })
})

test('take() forgets when the time is over', async () => {
  const limits = createLimits({ mail: { count: 1, seconds: 1 } })
  await limits.take('mail', 'a')
  await assert.rejects(limits.take('mail', 'a'), { code: 'ERR_RATE' })
  await new Promise((resolve) => setTimeout(resolve, 1050))
  await limits.take('mail', 'a')
})

test('take() counts each key from its first use on, whoever else came and went meanwhile', async ({ mock }) => {
  mock.timers.enable({ apis: ['Date'] })
  const limits = createLimits({ mail: { count: 1, seconds: 30 } })
  const at = (second: number, key: string) => {
    mock.timers.setTime(second * 1000)
    return limits.take('mail', key)
  }
  await at(0, 'a')
  await at(20, 'b')
  await at(31, 'a')
  await assert.rejects(at(49, 'b'), { code: 'ERR_RATE' })
  await at(50, 'b')
  await assert.rejects(at(60, 'a'), { code: 'ERR_RATE' })
  await at(61, 'a')
  await assert.rejects(at(79, 'b'), { code: 'ERR_RATE' })
})

test('take() counts anew when the clock was set back, and holds nobody for that long', async ({ mock }) => {
  mock.timers.enable({ apis: ['Date'], now: 7_200_000 })
  const limits = createLimits({ mail: { count: 1, seconds: 30 } })
  await limits.take('mail', 'a')
  mock.timers.setTime(3_600_000)
  await limits.take('mail', 'a')
  await assert.rejects(limits.take('mail', 'a'), { code: 'ERR_RATE', retryAfterSeconds: 30 })
  mock.timers.setTime(3_630_000)
  await limits.take('mail', 'a')
})

test('take() refuses a name without a rule', async () => {
  await assert.rejects(createLimits().take('unknown', 'a'), TypeError)
})

test('addressKey() counts an IPv6 network as one and an IPv4 address by itself', () => {
  assert.equal(addressKey('2001:db8:1:2:3::1'), addressKey('2001:db8:1:2:ffff::9'))
  assert.notEqual(addressKey('2001:db8:1:2::1'), addressKey('2001:db8:1:3::1'))
  assert.notEqual(addressKey('203.0.113.1'), addressKey('203.0.113.2'))
  assert.equal(addressKey('::ffff:203.0.113.1'), addressKey('203.0.113.1'))
})
