import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { nextNumericId } from '../../../core/storage/numeric-ids.ts'
import { openDatabase } from '../../../core/storage/sqlite.ts'
import { openOrm } from '../../../core/storage/sqlite-orm.ts'
import { openStorage } from '../../../core/storage/storage.ts'
import { createTestClock, testKeys } from '../../support/storage.ts'

const quiet = () => undefined
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }

test('what is there is numbered oldest first, no two things alike, and the sequence goes on from there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-numeric-'))
  const file = join(folder, 'labgate.db')
  try {
    const database = openDatabase(file)
    const orm = await openOrm(file)
    await orm.migrator.up({ to: '0003-account-life' })
    await orm.close(true)
    const account = database.prepare(
      `insert into account (id, state, role, username, display_name, email_verified, created_at, updated_at, revision)
       values (?, 'active', 'user', ?, 'A', 0, ?, 0, 1)`,
    )
    account.run('young', 'young', 20)
    account.run('old', 'old', 10)
    database.prepare(`insert into account_group (slug, title) values ('lab', 'Lab'), ('crew', 'Crew')`).run()
    database.prepare(`insert into dataset (slug, title, created_at, updated_at) values ('fish', 'Fish', 0, 0)`).run()
    database
      .prepare(`insert into terms (id, title, dataset, services, created_at) values ('rules', 'R', 'fish', '[]', 0)`)
      .run()
    database.close()

    const storage = await openStorage({ file, clock: createTestClock(), keys: testKeys, log })
    const read = (table: string, key: string) =>
      storage.em().execute(`select ${key} as name, numeric_id as id from ${table} order by numeric_id`)
    assert.deepEqual(await read('account', 'id'), [
      { name: 'old', id: 1 },
      { name: 'young', id: 2 },
    ])
    assert.deepEqual(await read('account_group', 'slug'), [
      { name: 'crew', id: 3 },
      { name: 'lab', id: 4 },
    ])
    assert.deepEqual(await read('dataset', 'slug'), [{ name: 'fish', id: 5 }])
    assert.deepEqual(await read('terms', 'id'), [{ name: 'rules', id: 6 }])
    assert.equal((await storage.accountRows.find('old'))?.numericId, 1)
    assert.equal((await storage.ledgerRows.dataset('fish'))?.numericId, 5)
    assert.equal((await storage.ledgerRows.termsById(['rules']))[0]?.datasetNumericId, 5)

    const many = await Promise.all(Array.from({ length: 20 }, () => storage.transaction((em) => nextNumericId(em))))
    assert.deepEqual(
      many.toSorted((a, b) => a - b),
      Array.from({ length: 20 }, (_, index) => 7 + index),
    )
    await assert.rejects(
      storage.transaction(async (em) => {
        assert.equal(await nextNumericId(em), 27)
        throw new Error('rolled back')
      }),
      /rolled back/,
    )
    assert.equal(await storage.transaction((em) => nextNumericId(em)), 27)
    await storage.close()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
