import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { boundaryOf, type JudgedPlace, openingsOf } from '../../../plugins/authz-ngauth/boundary.ts'
import { holds } from '../../support/google-conditions.ts'

const place = (prefix: string, allowed: boolean): JudgedPlace => ({ prefix, allowed })

/** Whether the boundary opens an object, as Google would judge. */
function opens(places: readonly JudgedPlace[], object: string, listPrefix = ''): boolean {
  const openings = openingsOf(places)
  if (openings.length === 0) return false
  const { accessBoundary } = boundaryOf('b', openings) as {
    accessBoundary: { accessBoundaryRules: { availabilityCondition?: { expression: string } }[] }
  }
  assert.ok(accessBoundary.accessBoundaryRules.length <= 10)
  const name = `projects/_/buckets/b/objects/${object}`
  return accessBoundary.accessBoundaryRules.some(
    ({ availabilityCondition: rule }) => rule === undefined || holds(rule.expression, { name, listPrefix }),
  )
}

/** The rule in words: the place with the longest prefix decides. */
function wanted(places: readonly JudgedPlace[], object: string): boolean {
  const over = places.filter(({ prefix }) => prefix === '' || object.startsWith(`${prefix}/`))
  const longest = Math.max(...over.map(({ prefix }) => prefix.length), -1)
  return over.some(({ prefix, allowed }) => prefix.length === longest && allowed)
}

describe('the boundary', () => {
  test('lets the place with the longest prefix decide, in every mix of five places', () => {
    const prefixes = ['', 'a', 'a/b', 'a/b/c', 'ab']
    const objects = ['x', 'a/x', 'a/b/x', 'a/b/c/x', 'ab/x', 'a/bc/x', 'abc/x']
    for (let mix = 0; mix < 3 ** prefixes.length; mix++) {
      const places = prefixes.flatMap((prefix, index) => {
        const choice = Math.floor(mix / 3 ** index) % 3
        return choice === 2 ? [] : [place(prefix, choice === 1)]
      })
      for (const object of objects)
        assert.equal(opens(places, object), wanted(places, object), `${JSON.stringify(places)} ${object}`)
    }
  })

  test('is no condition for a whole bucket, and none at all for nobody', () => {
    assert.deepEqual(openingsOf([place('a', false)]), [])
    assert.ok(!JSON.stringify(boundaryOf('b', openingsOf([place('', true)]))).includes('availabilityCondition'))
  })

  test('takes quotes, backslashes and slashes of a prefix as they are, and refuses controls', () => {
    for (const odd of ["it's", 'a\\', "') || true || ('", 'ünï']) {
      assert.equal(opens([place(`/${odd}/`, true)], `${odd}/x`), true, odd)
      assert.equal(opens([place(odd, true)], 'x'), false, odd)
    }
    assert.throws(() => boundaryOf('b', openingsOf([place('a\nb', true)])), { code: 'ERR_UPSTREAM' })
  })

  test('says many places in ten rules', () => {
    const places = Array.from({ length: 37 }, (_, index) => place(`p${index}`, index % 2 === 0))
    for (let index = 0; index < 37; index++) assert.equal(opens(places, `p${index}/x`), index % 2 === 0)
  })

  test('lists names only where nothing below is closed', () => {
    assert.equal(opens([place('a', true)], '', 'a/'), true)
    assert.equal(opens([place('a', true)], '', 'ab'), false)
    assert.equal(opens([place('a', true), place('a/b', false)], '', 'a/'), false)
  })
})
