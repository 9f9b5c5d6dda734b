/** Routers by place answer as one router with all patterns does. @module */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import Router from '@koa/router'
import fc from 'fast-check'
import { createRouters } from '../../../core/http/routers.ts'

const pattern = fc
  .array(fc.constantFrom('a', 'b', 'a.b', ':x', ':y', ':z', '*rest', 'a-:x', 'b{.c}'), { minLength: 1, maxLength: 4 })
  // A name stands for one thing only.
  .filter((parts) => new Set(parts).size === parts.length && parts.slice(0, -1).every((part) => part !== '*rest'))
  .filter((parts) => !(parts.includes(':x') && parts.includes('a-:x')))
  .map((parts) => `/${parts.join('/')}`)
const path = fc
  .array(fc.constantFrom('a', 'b', 'b.c', 'A', 'a.b', 'aXb', 'a-1', '', '%41', '%zz', '%2F'), {
    minLength: 1,
    maxLength: 5,
  })
  .map((parts) => `/${parts.join('/')}`)
const method = fc.constantFrom('GET', 'POST')

type Run = (ctx: never, next: () => Promise<void>) => Promise<void>

/** What comes of a request: which entry, with which parameters, and the methods there. */
async function foundBy({ router, run }: { router: Router; run: Run }, [verb, where]: readonly [string, string]) {
  const ctx = { method: verb, path: where, request: {} } as Record<string, unknown>
  await run(ctx as never, async () => undefined)
  const { found, params } = ctx
  return { found, params, layers: router.match(where, verb).path.map((layer) => [layer.path, layer.methods]) }
}

suite('routers by place', () => {
  test('find what one router with all patterns finds: the route, its parameters, the methods of the path', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(method, pattern), { maxLength: 8 }),
        fc.array(fc.tuple(method, path), { maxLength: 20 }),
        async (routes, asked) => {
          const router = new Router({ exclusive: 'specificity', strict: true, sensitive: true })
          const routers = createRouters()
          for (const [at, [verb, route]] of routes.entries()) {
            const step = async (ctx: unknown) => void Object.assign(ctx as object, { found: at })
            router.register(route, [verb.toLowerCase() as 'get'], step)
            routers.add(verb, route, step)
          }
          const one = { router, run: router.routes() as unknown as Run }
          for (const request of asked) {
            const [, where] = request
            assert.deepEqual(await foundBy(routers.at(where) as never, request), await foundBy(one, request))
          }
        },
      ),
    )
  })

  test('try the few patterns that could fit', () => {
    const routers = createRouters()
    const names = [
      '/interaction/:uid',
      '/interaction/:uid/m/:instance',
      '/interaction/:uid/m/:instance/:state',
      '/a/b',
      '/',
    ]
    for (const name of [...names, '/files/*rest']) routers.add('GET', name, async () => undefined)
    const triedAt = (where: string) => routers.at(where).router.stack.map(({ path: tried }) => tried)
    assert.deepEqual(triedAt('/interaction/u'), ['/interaction/:uid', '/files/*rest'])
    assert.deepEqual(triedAt('/'), ['/', '/files/*rest'])
    assert.deepEqual(triedAt('/nowhere/at/all'), ['/files/*rest'])
  })
})
