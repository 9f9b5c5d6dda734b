import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase } from '../../../core/storage/sqlite.ts'
import { openOrm } from '../../../core/storage/sqlite-orm.ts'
import { openStorage } from '../../../core/storage/storage.ts'
import { createTestClock, testKeys } from '../../support/storage.ts'

const quiet = () => undefined
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }

test('groups that upstreams brought before they carried their name are renamed, memberships and all', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-migrate-'))
  const file = join(folder, 'labgate.db')
  try {
    const database = openDatabase(file)
    const orm = await openOrm(file)
    await orm.migrator.up({ to: '0001-first' })
    await orm.close(true)
    for (const id of ['ada', 'bob'])
      database
        .prepare(
          `insert into account (id, state, role, username, display_name, email_verified, created_at, updated_at, revision)
           values (?, 'active', 'user', ?, 'A', 0, 0, 0, 1)`,
        )
        .run(id, id)
    for (const slug of ['sc', 'staff', 'left'])
      database.prepare('insert into account_group (slug, title) values (?, ?)').run(slug, slug)
    for (const [account, group, source] of [
      ['ada', 'sc', 'uni'],
      ['ada', 'staff', 'uni'],
      ['ada', 'staff', 'github'],
      ['bob', 'staff', 'uni'],
      ['bob', 'sc', 'admin'],
    ])
      database
        .prepare('insert into membership (account_id, group_slug, source, at) values (?, ?, ?, 0)')
        .run(account, group, source)
    database.close()

    const storage = await openStorage({ file, clock: createTestClock(), keys: testKeys, log })
    assert.deepEqual((await storage.accountRows.find('ada'))?.groups, ['github:staff', 'uni:sc', 'uni:staff'])
    assert.deepEqual((await storage.accountRows.find('bob'))?.groups, ['sc', 'uni:staff'], 'what an admin did stays')
    const groups = await storage.em().execute('select slug, title, source from account_group order by slug')
    assert.deepEqual(groups, [
      { slug: 'github:staff', title: 'staff', source: 'github' },
      { slug: 'sc', title: 'sc', source: 'database' },
      { slug: 'uni:sc', title: 'sc', source: 'uni' },
      { slug: 'uni:staff', title: 'staff', source: 'uni' },
    ])
    await storage.close()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
