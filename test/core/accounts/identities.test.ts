import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Assertion } from '@labgate/contract'
import { type Accounts, createAccounts } from '../../../core/accounts/accounts.ts'
import { createIdentities, type Identities } from '../../../core/accounts/identities.ts'
import { systemRandom } from '../../../core/random.ts'
import { type OpenedStorage, openSqlite } from '../../support/storage.ts'

const home = { instance: 'uni', realm: 'uni' }
const other = { instance: 'second', realm: 'second' }

describe('an identity', () => {
  let opened: OpenedStorage
  let accounts: Accounts
  let identities: Identities
  beforeEach(async () => {
    opened = await openSqlite()
    const { storage, clock } = opened
    accounts = createAccounts({ storage, clock, random: systemRandom })
    identities = createIdentities({ storage, clock, random: systemRandom })
  })
  afterEach(() => opened.close())

  const said = (issuer: string, subject: string): Assertion => ({
    issuer,
    subject,
    facts: [],
    amr: [],
    at: opened.clock.now(),
  })
  const [one, two] = ['https://one.example', 'https://two.example']

  test('is found by realm, issuer and subject of one and the same row, never crosswise (datalab 1.7.10)', async () => {
    const id = await opened.storage.transaction(async (em) => {
      const account = await accounts.createIn(em, { facts: [], state: 'active', role: 'user' })
      await identities.linkIn(em, account, { source: home, assertion: said(one, 'gil') })
      await identities.linkIn(em, account, { source: other, assertion: said(two, 'hal') })
      return account
    })
    const owner = async (source: typeof home, issuer: string, subject: string) =>
      (await identities.find(source, said(issuer, subject)))?.account
    assert.deepEqual([await owner(home, one, 'gil'), await owner(other, two, 'hal')], [id, id])
    for (const [source, issuer, subject] of [
      [home, one, 'hal'],
      [other, two, 'gil'],
      [home, two, 'hal'],
      [other, one, 'gil'],
      [home, two, 'gil'],
    ] as const)
      assert.equal(await owner(source, issuer, subject), undefined, `${source.realm} ${issuer} ${subject}`)
  })

  test('takes the mark of an address with it that no other one proves', async () => {
    const email = { claim: 'email', value: 'gil@example.org', trust: 'verified' } as const
    const proving = (issuer: string, subject: string) => ({ ...said(issuer, subject), facts: [email] })
    const id = await opened.storage.transaction(async (em) => {
      const account = await accounts.createIn(em, { facts: [email], state: 'active', role: 'user' })
      await identities.linkIn(em, account, { source: home, assertion: proving(one, 'gil') })
      await identities.linkIn(em, account, { source: other, assertion: proving(two, 'gil') })
      await identities.linkIn(em, account, { source: other, assertion: said(two, 'bare') })
      return account
    })
    const remove = async (source: typeof home, issuer: string) =>
      identities.unlink(id, (await identities.find(source, said(issuer, 'gil')))?.id ?? '')
    await remove(home, one)
    assert.equal((await accounts.find(id))?.emailVerified, true, 'the other one proves it')
    await remove(other, two)
    const left = await accounts.find(id)
    assert.deepEqual([left?.email, left?.emailVerified], ['gil@example.org', false])
    assert.equal(await accounts.findByVerifiedEmail('gil@example.org'), undefined)
  })
})
