import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newId, quickToken, systemRandom } from '../../core/random.ts'

test('a token is 256 bits as 43 characters of base64url, never the same twice', () => {
  const tokens = Array.from({ length: 1000 }, () => systemRandom.token())
  for (const token of tokens) assert.match(token, /^[A-Za-z0-9_-]{43}$/)
  assert.equal(new Set(tokens).size, tokens.length)
})

test('quickToken() gives as many bytes as asked, nothing twice across many fillings of its store', () => {
  const pieces = Array.from({ length: 3000 }, (_, turn) => Buffer.from(quickToken(1 + (turn % 48)), 'base64url'))
  assert.deepEqual(
    pieces.map(({ length }) => length),
    Array.from({ length: 3000 }, (_, turn) => 1 + (turn % 48)),
  )
  const all = Buffer.concat(pieces).toString('hex')
  // 73,500 bytes: eight in a row that come twice, or as zeros, do not happen by chance.
  const rows: readonly string[] = all.match(/.{16}/g) ?? []
  assert.equal(new Set(rows).size, rows.length)
  assert.ok(!rows.includes('0'.repeat(16)))
  for (const length of [0, 49, 1.5]) assert.throws(() => quickToken(length), TypeError)
})

test('digits have the asked length, keep leading zeros and are spread evenly', () => {
  const drawn = Array.from({ length: 5000 }, () => systemRandom.digits(6))
  for (const digits of drawn) assert.match(digits, /^\d{6}$/)
  for (const digit of '0123456789') {
    const count = drawn.filter((digits) => digits.startsWith(digit)).length
    // 500 expected, standard deviation 21: eight deviations do not happen by chance.
    assert.ok(Math.abs(count - 500) < 170, `${digit} came first ${count} times in 5000`)
  }
})

test('bytes are as many as asked, and not a view on a shared pool', () => {
  const bytes = systemRandom.bytes(24)
  assert.equal(bytes.length, 24)
  assert.equal(bytes.buffer.byteLength, 24)
})

test('a length that is no positive integer is a TypeError', () => {
  for (const length of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => systemRandom.bytes(length), TypeError)
    assert.throws(() => systemRandom.digits(length), TypeError)
  }
})

test('ids are letters and digits of the asked length, whatever the randomness spells', () => {
  for (let each = 0; each < 2000; each++) assert.match(newId(systemRandom, 22), /^[A-Za-z0-9]{22}$/)
  const spelled = ['-_'.repeat(21), `-${'ab_'.repeat(14)}`]
  assert.equal(newId({ token: () => spelled.shift() ?? '' }, 5), 'ababa')
})
