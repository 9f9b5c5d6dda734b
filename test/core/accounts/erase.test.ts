import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { createAccounts } from '../../../core/accounts/accounts.ts'
import { systemRandom } from '../../../core/random.ts'
import { at, command, config } from '../../support/ledger.ts'
import { type OpenedLife, openLife } from '../../support/life.ts'
import { testKeys } from '../../support/storage.ts'

describe('an erasure', () => {
  let site: OpenedLife
  let boss: string
  before(async () => {
    site = await openLife()
    boss = await site.known('boss@example.org', { role: 'admin' })
    await site.datasets.create(command, { slug: 'fish', title: 'Fish' })
  })
  after(() => site.close())

  const grantTo = (value: string, instance = 'email', actor = command) =>
    site.grants.add(actor, { subject: { kind: 'name', instance, value }, dataset: 'fish', level: 'view' })

  test('is for admins, and not of the last one', async () => {
    const ada = await site.known('ada@example.org')
    await assert.rejects(site.life.erase(at(ada), boss), { code: 'ERR_FORBIDDEN' })
    await assert.rejects(site.life.erase(at(boss), boss), { code: 'ERR_CONFLICT' })
    await assert.rejects(site.life.erase(at(boss), 'nobody'), { code: 'ERR_NOT_FOUND' })
  })

  test('an admin who erases themself leaves no address behind', async () => {
    const me = await site.known('me@example.org', { role: 'admin' })
    await site.life.erase(at(me), me)
    const lines = await site.storage.audit.list({ party: me, limit: 9 })
    assert.ok(lines.some(({ type }) => type === 'account.erased'))
    assert.ok(lines.every(({ address }) => address === undefined))
  })

  test('stops before a row is gone when a plugin cannot be reached, and goes on when it can', async () => {
    const ada = await site.known('away@example.org')
    site.holders.push({ id: 'gone', lifecycle: undefined })
    await assert.rejects(site.life.erase(command, ada), { code: 'ERR_PLUGIN' })
    assert.equal((await site.identities.list(ada)).length, 1)
    assert.equal((await site.accounts.find(ada))?.state, 'deactivated')
    site.holders.length = 0
    await site.life.erase(command, ada)
    assert.equal((await site.identities.list(ada)).length, 0)
  })

  test('a crash before the file is rewritten is mended by the second run', async () => {
    const ada = await site.known('crash@example.org')
    const { compact } = site.storage
    Object.assign(site.storage, { compact: () => Promise.reject(new Error('power cut')) })
    await assert.rejects(site.life.erase(command, ada), /power cut/)
    Object.assign(site.storage, { compact })
    await site.life.erase(command, ada)
    assert.doesNotMatch(readFileSync(site.file, 'latin1'), /crash@example\.org/)
    const { length } = await site.storage.audit.list({ account: ada, type: 'account.erased', limit: 9 })
    assert.equal(length, 1)
  })

  test('ends what names this person only, at any way in; what names somebody else too, and the file’s, stand', async () => {
    const ada = await site.known('only@example.org')
    const [own, elsewhere, other] = [
      await grantTo('only@example.org'),
      await grantTo('only@example.org', 'orcid'),
      await grantTo('another@example.org'),
    ]
    const kept = await grantTo('only@example.org', 'google', config)
    const { inConfig } = await site.life.erase(command, ada)
    assert.deepEqual(inConfig, [kept.id])
    for (const { id } of [own, elsewhere]) {
      const row = await site.grants.find(id)
      assert.ok(row?.endedAt)
      assert.deepEqual([row.subject, row.why], [{ kind: 'account', account: ada }, ''])
    }
    assert.equal((await site.grants.find(other.id))?.endedAt, undefined)
  })

  test('a sign-in that was under way writes nothing back', async () => {
    const ada = await site.known('late@example.org')
    await site.life.erase(command, ada)
    await site.accounts.noteVerifiedEmail(ada, 'late@example.org')
    await site.accounts.setGroups(ada, 'email', ['email:late'])
    const left = await site.accounts.find(ada)
    assert.deepEqual([left?.email, left?.groups], [undefined, []])
    await assert.rejects(site.accounts.setDisplayName(ada, 'Ada Late'), { code: 'ERR_CONFLICT' })
    assert.equal((await site.accounts.find(ada))?.displayName, '')
  })

  test('of two admins who erase each other at once, one stays', async () => {
    const other = await openLife()
    const [a, b] = [
      await other.known('a@example.org', { role: 'admin' }),
      await other.known('b@example.org', { role: 'admin' }),
    ]
    const done = await Promise.allSettled([other.life.erase(at(a), b), other.life.erase(at(b), a)])
    const left = [await other.accounts.find(a), await other.accounts.find(b)]
    await other.close()
    assert.deepEqual(done.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    assert.deepEqual(left.map((account) => account?.state).toSorted(), ['active', 'deactivated'])
  })

  test('takes along an account that is merged into it while plugins erase', async () => {
    const [ada, twin] = [await site.known('ada2@example.org'), await site.known('twin@example.org')]
    const asked: string[] = []
    site.holders.push({
      id: 'slow',
      lifecycle: {
        async erase(account) {
          if (asked.length === 0) await site.life.merge(command, twin, ada)
          asked.push(account)
        },
      },
    })
    const { merged } = await site.life.erase(command, ada)
    site.holders.length = 0
    assert.deepEqual(merged, [twin])
    assert.ok(asked.includes(twin))
    assert.match((await site.accounts.find(twin))?.username ?? '', /^erased-/)
    assert.doesNotMatch(readFileSync(site.file, 'latin1'), /twin@example\.org/)
  })

  test('an account that is shut for good gets no way to sign in from one that was under way', async () => {
    const [ada, eve, zoe] = [
      await site.known('shut@example.org'),
      await site.known('into@example.org'),
      await site.known('from@example.org'),
    ]
    await site.life.erase(command, ada)
    await site.life.merge(command, zoe, eve)
    const source = { instance: 'orcid', realm: 'orcid' }
    const facts = [{ claim: 'name', value: 'Somebody Late', trust: 'asserted' }] as const
    const assertion = { issuer: 'urn:orcid', subject: 'late', facts, at: site.clock.now(), amr: [] }
    for (const id of [ada, zoe])
      await assert.rejects(site.identities.link(id, source, assertion), { code: 'ERR_CONFLICT' })
    assert.equal(await site.identities.find(source, assertion), undefined)
  })

  test('the username is nobody’s again', async () => {
    const ada = await site.known('name@example.org')
    await site.life.erase(command, ada)
    assert.equal((await site.accounts.find(await site.known('name@other.org')))?.username, 'name2')
  })

  test('the username is nobody’s again after the sealing keys were changed', async () => {
    const first = await openLife()
    await first.life.erase(command, await first.known('name@example.org'))
    const next = 'next test key next test key next test key'
    const both = await first.reopen({ keys: [next, ...testKeys] })
    await both.storage.reseal()
    const { storage, clock, close } = await both.reopen({ keys: [next] })
    const accounts = createAccounts({ storage, clock, random: systemRandom })
    const facts = [{ claim: 'preferred_username', value: 'name', trust: 'self' }] as const
    const id = await storage.transaction((em) => accounts.createIn(em, { facts, state: 'active', role: 'user' }))
    assert.equal((await accounts.find(id))?.username, 'name2')
    await close()
  })
})
