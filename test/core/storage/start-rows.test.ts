import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import Database from 'better-sqlite3'
import { startQuestions } from '../../../core/storage/start-rows.ts'
import { openSqlite } from '../../support/storage.ts'

/** Tables with a row for everybody, or for everybody's everything. Those of the others stay few. */
const growing = /\b(?:account|membership|access_grant)\b/

suite('what a start asks', async () => {
  const { file, storage, close } = await openSqlite()
  const database = new Database(file)
  after(async () => {
    database.close()
    await close()
  })
  const planOf = (sql: string) =>
    (database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all() as { detail: string }[])
      .map(({ detail }) => detail)
      .filter((detail) => growing.test(detail.replaceAll(/_index|account_group/g, '')))

  test('is found by an index that holds nothing else, however many people and grants there are', () => {
    const { hasAdmin, hasSeeded, hasProfiles } = startQuestions
    assert.deepEqual([hasAdmin, hasSeeded, hasProfiles].flatMap(planOf), [
      'SEARCH account USING COVERING INDEX account_admin_index (state=?)',
      'SEARCH membership USING COVERING INDEX membership_declared_index (source=?)',
      'SEARCH access_grant USING COVERING INDEX access_grant_config_index (source=?)',
      'SEARCH membership USING COVERING INDEX membership_declared_index (source=?)',
    ])
  })

  test('is answered by what there is', async () => {
    const { startRows } = storage
    const answers = async () => [await startRows.hasAdmin(), await startRows.hasSeeded(), await startRows.hasProfiles()]
    const person = database.prepare(
      `insert into account (id, state, role, username, display_name, created_at, updated_at) values (?, ?, ?, ?, '', 0, 0)`,
    )
    const member = database.prepare(
      `insert into membership (account_id, group_slug, source, at) values ('a', 'staff', ?, 0)`,
    )
    person.run('a', 'active', 'user', 'a')
    person.run('b', 'deactivated', 'admin', 'b')
    database.exec(`insert into account_group (slug, title) values ('staff', 'Staff')`)
    member.run('admin')
    assert.deepEqual(await answers(), [false, false, false])
    person.run('c', 'active', 'admin', 'c')
    assert.deepEqual(await answers(), [true, false, false])
    member.run('profile')
    assert.deepEqual(await answers(), [true, false, true])
    member.run('config')
    assert.deepEqual(await answers(), [true, true, true])
  })
})
