import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { type Accounts, createAccounts } from '../../../core/accounts/accounts.ts'
import { systemRandom } from '../../../core/random.ts'
import { type Account, AccountEntity } from '../../../core/storage/entities.ts'
import { type OpenedStorage, openSqlite } from '../../support/storage.ts'

suite('accounts', () => {
  let opened: OpenedStorage
  let accounts: Accounts

  const person = (name: string) =>
    opened.storage.transaction((em) =>
      accounts.createIn(em, {
        facts: [{ claim: 'preferred_username', value: name, trust: 'asserted' }],
        state: 'active',
        role: 'user',
      }),
    )
  const change = (id: string, patch: Partial<Account>) =>
    opened.storage.transaction((em) => em.nativeUpdate(AccountEntity, { id }, patch))

  beforeEach(async () => {
    opened = await openSqlite()
    accounts = createAccounts({ storage: opened.storage, clock: opened.clock, random: systemRandom })
  })
  afterEach(() => opened.close())

  test('people() lists people by number, page by page, without programs and those who are gone for good', async () => {
    const made: string[] = []
    for (const name of ['ada', 'ben', 'cleo', 'dan', 'eve', 'robot']) {
      made.push(await person(name))
      opened.clock.pass(60)
    }
    const [, ben = '', , dan = '', eve = '', robot = ''] = made
    await change(ben, { state: 'deactivated' })
    await change(dan, { mergedInto: eve })
    await change(eve, { erasedAt: opened.clock.now() })
    await change(robot, { kind: 'service' })
    const names = async (ask: Partial<Parameters<Accounts['people']>[0]> = {}) => {
      const { accounts: found, total } = await accounts.people({ offset: 0, limit: 100, ...ask })
      return [total, found.map(({ username }) => username)]
    }
    assert.deepEqual(await names(), [3, ['ada', 'ben', 'cleo']])
    assert.deepEqual(await names({ offset: 1, limit: 1 }), [3, ['ben']])
    assert.deepEqual(await names({ offset: 3 }), [3, []])
    const { accounts: all } = await accounts.people({ offset: 0, limit: 1_000_000 })
    const at = all.find(({ username }) => username === 'ben')?.createdAt
    assert.deepEqual(at, new Date(Date.UTC(2026, 0, 1, 0, 1)))
    assert.deepEqual(await names({ createdFrom: at }), [2, ['ben', 'cleo']])
    assert.deepEqual(await names({ createdUntil: at }), [2, ['ada', 'ben']])
    assert.deepEqual(await names({ createdFrom: at, createdUntil: at }), [1, ['ben']])
  })

  test('groupMembers() knows everybody in a large group', async () => {
    const ada = await person('ada')
    await opened.storage.transaction(async (em) => {
      await em.execute(`insert into account_group (slug, title, numeric_id) values ('all', 'All', 900001)`)
      await em.execute(`with recursive n(i) as (select 1 union all select i + 1 from n where i < 1200)
        insert into account (id, username, display_name, state, role, kind, email_verified, created_at, updated_at, revision,
          numeric_id)
        select 'p' || i, 'p' || i, 'P', 'active', 'user', 'person', 0, 0, 0, 1, 900001 + i from n`)
      await em.execute(`insert into membership (account_id, group_slug, source, at)
        select id, 'all', 'admin', 0 from account`)
    })
    const members = await accounts.groupMembers(900001)
    assert.equal(members?.length, 1201)
    assert.ok(members?.some(({ account }) => account.id === ada))
  })
})
