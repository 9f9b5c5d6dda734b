import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import Database from 'better-sqlite3'
import { createMemo } from '../../../core/storage/memo.ts'
import { openSqlite } from '../../support/storage.ts'

/** The loop has waited for what arrives: the first comes before that, the second after it. */
async function nextTurn(): Promise<void> {
  for (const _ of [1, 2]) await new Promise((done) => setImmediate(done))
}

describe('the generation of what was read', async () => {
  const { storage, file, close } = await openSqlite()
  const other = new Database(file)
  after(async () => {
    other.close()
    await close()
  })

  test('stays while nobody writes', () => {
    assert.equal(storage.generation(), storage.generation())
  })

  test('is another one after a commit of this connection and of the ORM at once, and of another process in the next turn', async () => {
    const writes = [
      () => storage.documents('plugin:any').put('seen', 1, 60),
      () => storage.transaction((em) => em.execute(`insert into setting ("key", value) values ('a', '1')`)),
      async () => {
        other.exec(`update setting set value = '2' where "key" = 'a'`)
        await nextTurn()
      },
    ]
    for (const write of writes) {
      const before = storage.generation()
      await write()
      assert.notEqual(storage.generation(), before)
    }
  })

  test('stays when the trail grows, and when something was last used is noted: no answer depends on either', async () => {
    const before = storage.generation()
    await storage.audit.append({ type: 'sign-out' })
    storage.tokenRows.noteUse({ id: 'none', lastUsedAt: undefined }, { address: 'here', at: new Date(0) })
    await storage.tokenRows.flush()
    assert.equal(storage.generation(), before)
  })

  test('stays when tokens are written and sign-ins in progress are', async () => {
    const before = storage.generation()
    const artifact = { id: 'one', payload: {}, expiresAt: 4e9 }
    await storage.artifacts.put({ ...artifact, model: 'AccessToken' })
    await storage.artifacts.put({ ...artifact, model: 'Interaction' })
    await storage.artifacts.flush()
    assert.equal(storage.generation(), before)
  })

  test('stays when a write is rolled back elsewhere', async () => {
    const before = storage.generation()
    other.exec(`begin; update setting set value = '3' where "key" = 'a'; rollback`)
    await nextTurn()
    assert.equal(storage.generation(), before)
  })
})

test('a memory keeps what was asked for lately, is bounded, and makes anew what does not fit', () => {
  const memo = createMemo<number>(4)
  const made: string[] = []
  const get = (key: string, fits = true) => memo.get(key, { fits: () => fits, make: () => made.push(key) })
  for (const key of ['a', 'b', 'a', 'c', 'a', 'd', 'a', 'e', 'a']) get(key)
  assert.deepEqual(made, ['a', 'b', 'c', 'd', 'e'])
  get('b')
  assert.equal(made.at(-1), 'b')
  get('a', false)
  assert.equal(made.at(-1), 'a')
  assert.equal(
    memo.peek('none', () => true),
    undefined,
  )
})

test('a full memory that keeps at the second question loses nobody to those who are asked about once', () => {
  const memo = createMemo<string>(8, { keepsAt: 'second' })
  const fits = () => true
  const isKept = (key: string) => memo.peek(key, fits) !== undefined
  const inUse = ['a', 'b', 'c', 'd']
  for (const key of inUse) memo.keep(key, key)
  assert.deepEqual(inUse.filter(isKept), inUse)
  for (let once = 0; once < 1000; once++)
    assert.equal(memo.keep(`once ${once}`, 'given all the same'), 'given all the same')
  assert.deepEqual(inUse.filter(isKept), inUse)
  assert.equal(isKept('once 998'), false)
  for (let time = 0; time < 2; time++) memo.keep('again', `${time}`)
  assert.equal(memo.peek('again', fits), '1')
  memo.keep('a', 'anew')
  assert.equal(memo.peek('a', fits), 'anew')
  // It stays bounded, whoever is asked about twice.
  for (let twice = 0; twice < 1000; twice++) for (const time of ['1', '2']) memo.keep(`twice ${twice}`, time)
  assert.ok(inUse.filter(isKept).length === 0)
  const kept = Array.from({ length: 1000 }, (_, twice) => `twice ${twice}`).filter(isKept)
  assert.ok(kept.length > 0 && kept.length <= 8, `${kept.length} kept`)
})
