import assert from 'node:assert/strict'
import { test } from 'node:test'
import { immutableId, numberOf } from '../../../plugins/authz-datalab/ids.ts'

test('a number becomes 24 digits and back', () => {
  for (const number of [1, 255, 256, 65_536, 4_294_967_295]) {
    assert.match(immutableId(number), /^6c61626761746500[0-9a-f]{8}$/)
    assert.equal(numberOf(immutableId(number)), number)
    assert.equal(numberOf(immutableId(number).toUpperCase()), number)
  }
})

test('an id of another system is nobody’s, and what is no id is told apart', () => {
  assert.equal(numberOf('5f'.repeat(12)), 0)
  for (const bad of [
    '',
    'x',
    '5f'.repeat(11),
    `${immutableId(1)}0`,
    `${immutableId(1)}\n`,
    7,
    null,
    undefined,
    ['a'],
    {},
  ])
    assert.equal(numberOf(bad), undefined, JSON.stringify(bad))
})
