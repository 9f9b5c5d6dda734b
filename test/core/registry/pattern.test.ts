import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pathToRegexp } from 'path-to-regexp'
import { patternProblem, patternsMeet } from '../../../core/registry/pattern.ts'
import fc from '../../support/chance.ts'

const pairs: readonly (readonly [one: string, other: string, meets: boolean])[] = [
  ['/a', '/a', true],
  ['/a', '/a/', true],
  ['/A', '/a', true],
  ['/a', '/b', false],
  ['/a', '/a/b', false],
  ['/user/:id', '/user/me', true],
  ['/user/:id', '/user/me/groups', false],
  ['/user/:id/x', '/user/me/:what', true],
  ['/:a/x', '/b/:c/d', false],
  ['/*rest', '/deep/down', true],
  ['/files/*rest', '/files', false],
  ['/files{/*rest}', '/files', true],
  ['/a{/b}', '/a/b', true],
  ['/a{/b}/c', '/a/c', true],
  ['/v:version/x', '/v1/x', true],
  ['/v:version/x', '/w1/x', false],
  ['/:file.json', '/report.json', true],
  ['/:file.json', '/report.xml', false],
  ['/', '/:any', false],
]

for (const [one, other, meets] of pairs) {
  test(`${one} and ${other} ${meets ? 'meet' : 'do not meet'}`, () => {
    assert.equal(patternsMeet(one, other), meets)
    assert.equal(patternsMeet(other, one), meets)
  })
}

test('whenever the router matches one path by two patterns, they meet', () => {
  const part = fc.constantFrom('a', 'b', ':x', 'v:x', '*x', 'a{b}')
  const pattern = fc
    .array(part, { minLength: 1, maxLength: 3 })
    .map((parts) => `/${parts.map((text, index) => text.replaceAll('x', `x${index}`)).join('/')}`)
  const path = fc
    .array(fc.constantFrom('a', 'b', 'ab', 'va', 'c'), { minLength: 1, maxLength: 4 })
    .map((parts) => `/${parts.join('/')}`)
  fc.assert(
    fc.property(pattern, pattern, path, (one, other, at) => {
      const both = [one, other].every((each) => pathToRegexp(each).regexp.test(at))
      return !both || patternsMeet(one, other)
    }),
    { numRuns: 2000 },
  )
})

test('a pattern that the router would refuse is told', () => {
  assert.equal(patternProblem('/a/:b{/c}'), undefined)
  assert.match(patternProblem('a') ?? '', /begin with a slash/)
  for (const bad of ['/a/:', '/a{/b', '/a/(b)', '/*']) assert.equal(typeof patternProblem(bad), 'string', bad)
})
