import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, duration, isSecret, secret, secretOf } from '@labgate/contract'
import { parseBytes, parseDuration, translate } from '../../../core/config/units.ts'
import fc from '../../support/chance.ts'

test('a length of time is one whole number and one unit, in seconds', () => {
  assert.deepEqual(['90s', '15m', '24h', '7d', '0s'].map(parseDuration), [90, 900, 86_400, 604_800, 0])
})

test('what is no length of time is refused', () => {
  for (const text of ['', '5', 's', '1.5h', '1h30m', '-1s', '5 m', '5M', '5w', '٣s']) {
    assert.equal(parseDuration(text), undefined, text)
  }
})

test('a size is counted in powers of 1024', () => {
  assert.deepEqual(['512', '512k', '20m', '2g', '1t'].map(parseBytes), [512, 524_288, 20_971_520, 2 ** 31, 2 ** 40])
})

test('what is no size, or more than a number can hold, is refused', () => {
  for (const text of ['', 'k', '1.5g', '2gb', '2G', '-1', '999999999999999t'])
    assert.equal(parseBytes(text), undefined, text)
})

test('every accepted duration is a safe, non-negative integer', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^\d{1,12}[smhdkgt]?$/), (text) => {
      const value = parseDuration(text)
      return value === undefined || (Number.isSafeInteger(value) && value >= 0)
    }),
  )
})

test('translate() walks properties, items and additionalProperties', () => {
  const schema = {
    type: 'object',
    properties: {
      life: duration({ description: 'Life.' }),
      sizes: { type: 'array', items: bytes({ description: 'A size.' }) },
      keys: { type: 'object', additionalProperties: secret({ description: 'A key.' }) },
      plain: { type: 'string' },
    },
  } as const
  const paths: unknown[] = []
  const value = { life: '2m', sizes: ['1k', '1m'], keys: { a: { env: 'A' } }, plain: '2m', other: '2m' }
  const translated = translate(schema, value, {
    path: ['top'],
    secret: (_, path) => {
      paths.push(path)
      return secretOf('hidden')
    },
  }) as { life: number; sizes: number[]; keys: { a: unknown }; plain: string; other: string }
  assert.equal(translated.life, 120)
  assert.deepEqual(translated.sizes, [1024, 1_048_576])
  assert.ok(isSecret(translated.keys.a))
  assert.equal(translated.plain, '2m')
  assert.equal(translated.other, '2m')
  assert.deepEqual(paths, [['top', 'keys', 'a']])
  assert.equal(value.life, '2m', 'the given value is left alone')
})
