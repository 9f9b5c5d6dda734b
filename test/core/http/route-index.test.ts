/** The index of routes says the same as the router, or nothing. @module */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import Router from '@koa/router'
import fc from 'fast-check'
import { createRouteIndex } from '../../../core/http/route-index.ts'

const pattern = fc
  .array(fc.constantFrom('a', 'b', 'a.b', ':x', ':y', ':z', '*rest', 'a-:x'), { minLength: 1, maxLength: 4 })
  // A name stands for one thing only.
  .filter((parts) => new Set(parts).size === parts.length && parts.slice(0, -1).every((part) => part !== '*rest'))
  .filter((parts) => !(parts.includes(':x') && parts.includes('a-:x')))
  .map((parts) => `/${parts.join('/')}`)
const path = fc
  .array(fc.constantFrom('a', 'b', 'A', 'a.b', 'aXb', 'a-1', '', '%41', '%zz', '%2F'), { minLength: 1, maxLength: 5 })
  .map((parts) => `/${parts.join('/')}`)
const method = fc.constantFrom('GET', 'POST')

suite('the index of routes', () => {
  test('finds what the router finds, with the same parameters, or leaves it to the router', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(method, pattern), { maxLength: 8 }),
        fc.array(fc.tuple(method, path), { maxLength: 20 }),
        async (routes, asked) => {
          const router = new Router({ exclusive: 'specificity', strict: true, sensitive: true })
          const index = createRouteIndex<number>()
          for (const [at, [verb, route]] of routes.entries()) {
            router.register(route, [verb.toLowerCase() as 'get'], (ctx) => {
              ctx.found = at
            })
            index.add(verb, route, at)
          }
          for (const [verb, where] of asked) {
            const ctx = { method: verb, path: where, request: {} } as Record<string, unknown>
            await router.routes()(ctx as never, async () => undefined)
            const indexed = index.find(verb, where)
            if (indexed === undefined) continue
            assert.deepEqual([indexed.value, indexed.params], [ctx.found, { ...(ctx.params as object) }])
          }
        },
      ),
    )
  })

  test('knows the routes of a sign-in', () => {
    const index = createRouteIndex<string>()
    for (const name of ['/interaction/:uid', '/interaction/:uid/m/:instance', '/interaction/:uid/m/:instance/:state'])
      index.add('GET', name, name)
    index.add('GET', '/files/*rest', 'files')
    index.add('GET', '/', 'home')
    assert.equal(index.find('GET', '/')?.value, 'home')
    assert.deepEqual(index.find('GET', '/interaction/u%20v/m/one'), {
      value: '/interaction/:uid/m/:instance',
      params: { uid: 'u v', instance: 'one' },
    })
    for (const none of ['/interaction/', '/interaction/u/', '/files/a', '/other'])
      assert.equal(index.find('GET', none), undefined)
    assert.equal(index.find('POST', '/interaction/u'), undefined)
  })
})
