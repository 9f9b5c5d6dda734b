import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { isFault } from '@labgate/contract'
import { type Accounts, createAccounts } from '../../../core/accounts/accounts.ts'
import type { Actor } from '../../../core/accounts/actor.ts'
import { createChange } from '../../../core/accounts/changes.ts'
import { createStanding, type Standing } from '../../../core/accounts/standing.ts'
import { systemRandom } from '../../../core/random.ts'
import { type OpenedStorage, openSqlite } from '../../support/storage.ts'

const quiet = () => undefined
const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet }

suite('the standing of accounts', () => {
  let opened: OpenedStorage
  let accounts: Accounts
  let standing: Standing
  const by = (account: string): Actor => ({ kind: 'account', account, address: '127.0.0.1', requestId: 'r1' })
  const make = (role: 'user' | 'admin') =>
    opened.storage.transaction((em) => accounts.createIn(em, { facts: [], state: 'active', role }))
  const code = (expected: string) => (error: unknown) => isFault(error) && error.code === expected

  beforeEach(async () => {
    opened = await openSqlite()
    const { storage, clock } = opened
    accounts = createAccounts({ storage, clock, random: systemRandom })
    const change = createChange({ storage, log: silent, authorise: async () => undefined })
    standing = createStanding({ accounts, change, clock })
  })
  afterEach(() => opened.close())

  test('an admin changes role and state, and each change is one line of the audit trail', async () => {
    const [admin, person] = [await make('admin'), await make('user')]
    const grown = (await standing.setRole(by(admin), person, 'manager')).role
    assert.equal(grown, 'manager')
    assert.equal((await standing.setState(by(admin), person, 'deactivated')).state, 'deactivated')
    assert.equal((await standing.setState(by(admin), person, 'active')).state, 'active')
    await standing.setState(by(admin), person, 'active')
    const lines = await opened.storage.audit.list({ account: person, limit: 10 })
    assert.deepEqual(
      lines.map(({ type, actor, detail }) => [type, actor, detail]),
      [
        ['account.activated', admin, { before: 'deactivated', after: 'active' }],
        ['account.deactivated', admin, { before: 'active', after: 'deactivated' }],
        ['account.role-changed', admin, { before: 'user', after: 'manager' }],
      ],
    )
  })

  test('nobody but an admin who may act changes anything (datalab 1.7.11)', async () => {
    const [admin, person, second] = [await make('admin'), await make('user'), await make('admin')]
    await accounts.setState(second, 'deactivated')
    for (const actor of [person, second, 'nobody']) {
      await assert.rejects(standing.setRole(by(actor), person, 'admin'), code('ERR_FORBIDDEN'))
      await assert.rejects(standing.setState(by(actor), admin, 'deactivated'), code('ERR_FORBIDDEN'))
      await assert.rejects(standing.setState(by(actor), actor, 'active'), code('ERR_FORBIDDEN'), 'nor of their own')
      await assert.rejects(standing.setRole(by(actor), actor, 'admin'), code('ERR_FORBIDDEN'), 'nor of their own')
      await assert.rejects(standing.assertAdmin(by(actor)), code('ERR_FORBIDDEN'))
    }
    await assert.rejects(standing.setRole(by(admin), 'nobody', 'user'), code('ERR_NOT_FOUND'))
  })

  test('nobody gets power who was merged or erased', async () => {
    const [admin, gone] = [await make('admin'), await make('user')]
    await opened.storage.transaction((em) =>
      em.execute(`update account set state = 'deactivated', erased_at = 1 where id = ?`, [gone]),
    )
    for (const role of ['admin', 'manager'] as const)
      await assert.rejects(standing.setRole(by(admin), gone, role), code('ERR_CONFLICT'))
    assert.equal((await standing.setRole(by(admin), gone, 'user')).role, 'user')
  })

  test('the last admin who may act stays one', async () => {
    const [admin, second] = [await make('admin'), await make('admin')]
    await accounts.setState(second, 'deactivated')
    await assert.rejects(standing.setRole(by(admin), admin, 'user'), code('ERR_CONFLICT'))
    await assert.rejects(standing.setState(by(admin), admin, 'deactivated'), code('ERR_CONFLICT'))
    await standing.setState(by(admin), second, 'active')
    await standing.setRole(by(admin), admin, 'user')
  })

  test('of two admins who demote each other at once, one stays', async () => {
    const [one, two] = [await make('admin'), await make('admin')]
    const tries = [standing.setRole(by(one), two, 'user'), standing.setRole(by(two), one, 'user')]
    const done = await Promise.allSettled(tries)
    assert.deepEqual(done.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    const roles = [(await accounts.find(one))?.role, (await accounts.find(two))?.role]
    assert.deepEqual(roles.toSorted(), ['admin', 'user'])
  })

  test('what an account held is ended when it is shut out, and before it comes back', async () => {
    const [admin, person] = [await make('admin'), await make('user')]
    const told: (string | undefined)[] = []
    accounts.onStateChange(async (id) => void told.push((await accounts.find(id))?.state))
    await standing.setState(by(admin), person, 'deactivated')
    await standing.setState(by(admin), person, 'active')
    assert.deepEqual(told, ['deactivated', 'deactivated'])
  })
})
