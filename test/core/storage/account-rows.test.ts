import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import type { Fact } from '@labgate/contract'
import { createAccounts } from '../../../core/accounts/accounts.ts'
import { createIdentities } from '../../../core/accounts/identities.ts'
import { systemRandom as random } from '../../../core/random.ts'
import { AccountEntity, IdentityEntity } from '../../../core/storage/entities.ts'
import { openStorage } from '../../../core/storage/storage.ts'
import { openSqlite, testKeys } from '../../support/storage.ts'

const ignore = () => undefined
const quiet = { debug: ignore, info: ignore, warn: ignore, error: ignore }

suite('accounts and identities by statement', async () => {
  const { storage, clock, file, close } = await openSqlite()
  after(close)
  const accounts = createAccounts({ storage, clock, random })
  const identities = createIdentities({ storage, clock, random })
  const source = { instance: 'email', realm: 'email' }
  const facts: readonly Fact[] = [{ claim: 'email', value: 'ada@example.org', trust: 'verified' }]
  const assertion = { issuer: 'https://i.example', subject: 'ada', facts, amr: [], at: clock.now(), keep: { a: 1 } }
  const key = { realm: 'email', issuer: assertion.issuer, subject: 'ada' }
  const id = await storage.transaction(async (em) => {
    const made = await accounts.createIn(em, { facts, state: 'active', role: 'user' })
    await identities.linkIn(em, made, { source, assertion })
    return made
  })

  test('reads what the entity manager reads', async () => {
    await accounts.setGroups(id, 'email', ['imaging', 'admins'])
    await accounts.noteSignIn(id)
    const { groups, ...row } = (await storage.accountRows.find(id)) ?? {}
    assert.deepEqual(groups, ['admins', 'imaging'])
    assert.deepEqual(row, { ...(await storage.em().findOneOrFail(AccountEntity, { id })) })
    const found = await storage.em().findOneOrFail(IdentityEntity, key)
    const known = await storage.accountRows.identity(key, 'email')
    const { kept, ...identity } = known?.identity ?? {}
    const { kept: theirs, ...same } = { ...found }
    assert.deepEqual(identity, same)
    assert.deepEqual(Buffer.from(kept ?? []), Buffer.from(theirs ?? []))
    assert.deepEqual(known?.account, await storage.accountRows.find(id))
    assert.equal(await storage.accountRows.find('nobody'), undefined)
  })

  test('sees at once what another connection has written', async () => {
    const other = await openStorage({ file, clock, keys: testKeys, log: quiet })
    try {
      await createAccounts({ storage: other, clock, random }).setState(id, 'deactivated')
      assert.equal((await storage.accountRows.find(id))?.state, 'deactivated')
      assert.equal(await accounts.mayAct(id), false)
    } finally {
      await other.close()
    }
  })

  test('a sign-in without anything to keep leaves what was kept', async () => {
    const [known] = await identities.list(id)
    const { keep: _, ...bare } = assertion
    clock.pass(60)
    await identities.seen(known?.id ?? '', source, bare)
    const [again] = await identities.list(id)
    assert.deepEqual(again?.kept, { a: 1 })
    assert.deepEqual(again?.lastSeenAt, clock.now())
  })

  test('a removed identity is not found', async () => {
    await storage.transaction((em) => em.nativeUpdate(IdentityEntity, { account: id }, { removedAt: clock.now() }))
    assert.equal(await storage.accountRows.identity(key, 'email'), undefined)
    assert.deepEqual(await storage.accountRows.identities(id), [])
  })
})

test('an outcome is used once, also by a process that was killed between its use and now', async () => {
  const opened = await openSqlite()
  const { storage, clock } = opened
  const expiresAt = Math.floor(clock.now().getTime() / 1000) + 600
  await storage.artifacts.put({ model: 'Outcome', id: 'stored', payload: {}, expiresAt })
  await storage.artifacts.flush()
  await storage.artifacts.consume('Outcome', 'stored')
  const other = await openStorage({
    file: opened.file,
    clock,
    keys: testKeys,
    log: quiet,
  })
  try {
    assert.notEqual((await other.artifacts.find('Outcome', 'stored'))?.consumedAt, undefined)
    await assert.rejects(other.artifacts.consume('Outcome', 'stored'))
  } finally {
    await other.close()
    await opened.close()
  }
})
