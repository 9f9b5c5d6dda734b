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
})
