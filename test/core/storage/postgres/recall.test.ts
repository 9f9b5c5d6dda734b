import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createRecall, recalledQueries } from '../../../../core/storage/postgres/recall.ts'
import { forgetting } from '../../../../core/storage/postgres/writer.ts'
import type { Queries } from '../../../../core/storage/query.ts'

/** A source that counts how often it is asked. */
function source() {
  let asked = 0
  return { ask: async () => ++asked, asked: () => asked }
}

suite('what one request has read', () => {
  test('is not read by it again; another request, and what is no request, reads by itself', async () => {
    const recall = createRecall()
    const { read } = recall.part()
    const { ask, asked } = source()
    const both = await recall.during(() => Promise.all([read('a', ask), read('a', ask)]))
    assert.deepEqual(both, [1, 1])
    assert.equal(await recall.during(() => read('a', ask)), 2)
    assert.deepEqual([await read('a', ask), await read('a', ask)], [3, 4])
    await recall.during(() => Promise.all([read('a', ask), read('b', ask)]))
    assert.equal(asked(), 6)
  })

  test('counts until it writes, of the same part only; and for a moment, not for as long as the request lasts', async () => {
    let now = 0
    const recall = createRecall(() => now)
    const [one, other] = [recall.part(), recall.part()]
    const { ask } = source()
    const writes = forgetting(
      { one: async () => ({ rows: [], changes: 1 }), run: async (unit) => unit({ run: async () => ({}) as never }) },
      one,
    )
    await recall.during(async () => {
      assert.deepEqual([await one.read('a', ask), await other.read('a', ask)], [1, 2])
      await writes.one('UPDATE')
      assert.deepEqual([await one.read('a', ask), await other.read('a', ask)], [3, 2])
      await assert.rejects(writes.run(() => Promise.reject(new Error('refused'))))
      assert.deepEqual([await one.read('a', ask), await one.read('a', ask)], [4, 4])
      now += 100
      assert.deepEqual([await one.read('a', ask), await one.read('a', ask)], [5, 5])
      assert.deepEqual(await recall.without(() => Promise.all([one.read('a', ask), one.read('a', ask)])), [6, 7])
      recall.forget()
      assert.equal(await one.read('a', ask), 8)
    })
  })

  test('ends all at once, so that work which goes on for long holds no more than it reads in a moment', async () => {
    let now = 0
    const recall = createRecall(() => now)
    const { read } = recall.part()
    const { ask, asked } = source()
    await recall.during(async () => {
      await read('a', ask)
      now += 60
      await read('b', ask)
      now += 40
      await read('c', ask)
      await read('b', ask)
      assert.equal(asked(), 4)
    })
  })

  test('is nothing, where it could not be read', async () => {
    const recall = createRecall()
    const { read } = recall.part()
    await recall.during(async () => {
      await assert.rejects(read('a', () => Promise.reject(new Error('away'))))
      assert.equal(await read('a', async () => 'there'), 'there')
    })
  })

  test('is told apart by the statement and its values; a list is each asker’s own', async () => {
    const recall = createRecall()
    const asked: unknown[] = []
    const queries = {
      rows: (sql: string) => ({ all: async (...values: unknown[]) => [asked.push([sql, ...values])] }),
    } as unknown as Queries
    const known = recalledQueries(queries, recall.part())
    await recall.during(async () => {
      const [one, other] = [known.rows<[string], number>('one ?'), known.rows<[string], number>('other ?')]
      const list = await one.all('a')
      list.pop()
      assert.deepEqual(
        [await one.all('a'), await one.get('a'), await one.get('b'), await other.get('a')],
        [[1], 1, 2, 3],
      )
    })
    assert.deepEqual(asked, [
      ['one ?', 'a'],
      ['one ?', 'b'],
      ['other ?', 'a'],
    ])
  })
})
