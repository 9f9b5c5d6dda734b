import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean, editDistance, nearest } from '../../../core/config/suggest.ts'
import fc from '../../support/chance.ts'

test('the distance counts inserts, deletes, replacements and swaps', () => {
  assert.equal(editDistance('issuer', 'issuer'), 0)
  assert.equal(editDistance('isuer', 'issuer'), 1)
  assert.equal(editDistance('iusser', 'issuer'), 2)
  assert.equal(editDistance('prot', 'port'), 1)
  assert.equal(editDistance('', 'port'), 4)
})

test('the distance is symmetric and at most the longer word', () => {
  const word = fc.string({ maxLength: 8 })
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b)
      return (
        distance === editDistance(b, a) && distance <= Math.max(a.length, b.length) && (distance === 0) === (a === b)
      )
    }),
  )
})

test('only a near word is proposed', () => {
  assert.equal(nearest('clientID', ['clientId', 'clientSecret']), 'clientId')
  assert.equal(nearest('start', ['starttls', 'tls']), 'starttls')
  assert.equal(nearest('wholly-different', ['issuer', 'listen']), undefined)
  assert.equal(didYouMean('listne', ['listen']), '; did you mean `listen`?')
  assert.equal(didYouMean('zzz', ['listen']), '')
})
