import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseId } from '../../../plugins/auth-orcid/id.ts'
import fc from '../../support/chance.ts'

// The iDs that ORCID's own documentation shows.
const real = ['0000-0002-1825-0097', '0000-0001-5109-3700', '0000-0002-1694-233X']

test('an iD is read in both spellings, and filed bare', () => {
  for (const id of real) {
    assert.equal(parseId(id), id)
    assert.equal(parseId(`https://orcid.org/${id}`), id)
    assert.equal(parseId(`http://orcid.org/${id}`), id)
    assert.equal(parseId(`https://sandbox.orcid.org/${id}`), id)
  }
  assert.equal(parseId('0000-0002-1694-233x'), '0000-0002-1694-233X')
})

test('what only looks like an iD is none', () => {
  const wrong = [
    '',
    'josiah',
    '0000000218250097',
    '0000-0002-1825-009',
    ' 0000-0002-1825-0097',
    '0000-0002-1825-0097\n',
  ]
  const hosts = ['https://orcid.org.evil.example/', 'https://evil.example/', 'orcid.org/', 'https://orcid.org//']
  for (const text of [...wrong, ...hosts.map((host) => `${host}${real[0]}`)])
    assert.equal(parseId(text), undefined, text)
})

test('one wrong digit, and two neighbours changed round, are found (ISO/IEC 7064, MOD 11-2)', () => {
  const place = fc.constantFrom(0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 15, 16, 17)
  fc.assert(
    fc.property(fc.constantFrom(...real), place, fc.integer({ min: 0, max: 9 }), (id, at, digit) => {
      const other = id.slice(0, at) + digit + id.slice(at + 1)
      assert.equal(parseId(other), other === id ? id : undefined)
      const swapped = id.replace(/(\d)(-?)(\d)(-?)(?=\d{0,3}[\dX]$)/, '$3$2$1$4')
      assert.equal(parseId(swapped), swapped === id ? id : undefined)
    }),
  )
})
