import assert from 'node:assert/strict'
import { test } from 'node:test'
import { returnPath } from '../../../core/http/returns.ts'
import fc from '../../support/chance.ts'

const issuer = 'https://labgate.example'

test('returnPath() keeps path, query and fragment of our own pages', () => {
  for (const path of ['/', '/account', '/account/sessions?x=1&y=%2F#here', '/a/../b'])
    assert.ok(returnPath(path, issuer), path)
  assert.equal(returnPath('/account?x=1#here', issuer), '/account?x=1#here')
  assert.equal(returnPath('/a/../b', issuer), '/b')
})

test('returnPath() refuses everything that leads elsewhere (S9)', () => {
  const hostile = [
    undefined,
    '',
    'account',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'https:evil.example',
    'https://evil.example',
    'https://labgate.example/x',
    'javascript:alert(1)',
    '/\t/evil.example',
    '/\n/evil.example',
    ' /account',
    '/account\r\nX: y',
    '/．/evil.example',
    '/／evil.example',
    '/x\\..\\..\\evil',
    '/.//evil.example',
    '/a/..//evil.example',
    '/%2e//evil.example',
    `/${'a'.repeat(3000)}`,
    '/\u0000',
  ]
  for (const value of hostile) assert.equal(returnPath(value, issuer), undefined, JSON.stringify(value))
})

test('returnPath() gives nothing that a browser reads as another origin', () => {
  const piece = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    '%2f',
    '%5c',
    '%2e',
    '@',
    ':',
    '?',
    '#',
    'evil.example',
    'a',
    '\t',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const path = returnPath(`/${pieces.join('')}`, issuer)
      return path === undefined || new URL(path, issuer).origin === issuer
    }),
    { numRuns: 3000 },
  )
})
