/** What every token store says of a token beside the token itself: its grant and its account, as they stand now. @module */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { AccountEntity } from '../../../core/storage/entities.ts'
import type { OpenedStorage, StorageOpener } from '../../support/storage.ts'

/** The claims about what a token stands on. */
export function groundSuite(database: string, open: StorageOpener): void {
  suite(`what a token stands on, on ${database}`, () => {
    /** Two processes: whatever one does, both see at once. */
    let here: OpenedStorage
    let there: OpenedStorage
    let serial = 0

    before(async () => {
      here = await open()
      there = await here.beside()
    })
    after(async () => {
      await there.storage.close()
      await here.close()
    })

    const seconds = () => here.clock.now().getTime() / 1000
    const account = async (more: { readonly kind?: 'person' | 'service'; readonly parent?: string } = {}) => {
      const id = `account-${++serial}`
      await here.storage.transaction(async (em) => {
        const times = { createdAt: here.clock.now(), updatedAt: here.clock.now() }
        em.create(AccountEntity, { id, state: 'active', username: id, displayName: id, ...times, ...more })
      })
      return id
    }
    const issued = async (owner: string, grantLife = 600) => {
      const [id, grantId] = [`token-${++serial}`, `grant-${serial}`]
      const whose = { account: owner, client: 'web' }
      const unit = here.storage.artifacts.unit()
      unit.put({ model: 'Grant', id: grantId, payload: {}, expiresAt: seconds() + grantLife, ...whose })
      unit.put({ model: 'AccessToken', id, payload: { grantId }, grantId, expiresAt: seconds() + 900, ...whose })
      await unit.commit()
      return { id, grantId }
    }
    /** As both see it, the second time from what is remembered. */
    const seen = async (id: string) => {
      const looks = []
      for (const { storage } of [here, there, here, there])
        looks.push(await storage.artifacts.findToken('AccessToken', id))
      const [first, ...others] = looks.map((look) => look && (look.grant?.account ?? 'no grant'))
      for (const other of others) assert.equal(other, first)
      return { grant: first, account: looks[0]?.account, payload: looks[0]?.payload }
    }

    test('it comes with its payload, its grant and where its account stands', async () => {
      const ada = await account()
      const { id, grantId } = await issued(ada)
      const fresh = await here.beside()
      const found = await fresh.storage.artifacts.findToken('AccessToken', id)
      await fresh.storage.close()
      assert.deepEqual(found?.payload, { grantId })
      assert.deepEqual([found?.grant?.account, found?.grant?.client], [ada, 'web'])
      assert.deepEqual(found?.account, { state: 'active', kind: 'person', parent: undefined })
      assert.equal(await here.storage.artifacts.findToken('AccessToken', 'unknown'), undefined)
    })

    test('a grant that is over, gone or somebody else’s counts at once, whoever ended it', async () => {
      const ada = await account()
      const ended = await issued(ada)
      assert.equal((await seen(ended.id)).grant, ada)
      await there.storage.artifacts.delete('Grant', ended.grantId)
      assert.equal((await seen(ended.id)).grant, 'no grant')
      const deleted = await issued(ada)
      await seen(deleted.id)
      await here.storage.artifacts.delete('Grant', deleted.grantId)
      assert.equal((await seen(deleted.id)).grant, 'no grant')
      const changed = await issued(ada)
      await seen(changed.id)
      await here.storage.artifacts.put({
        model: 'Grant',
        id: changed.grantId,
        payload: {},
        account: 'bob',
        client: 'web',
      })
      assert.equal((await seen(changed.id)).grant, 'bob')
      const short = await issued(ada, 10)
      assert.equal((await seen(short.id)).grant, ada)
      here.clock.pass(10)
      const { storage } = here
      assert.equal((await storage.artifacts.findToken('AccessToken', short.id))?.grant, undefined)
      await here.storage.artifacts.deleteByAccount(ada)
      assert.equal((await seen(short.id)).grant, undefined)
    })

    test('an account that was shut out, and the parent of a service, are as they stand when they are read', async () => {
      const parent = await account()
      const service = await account({ kind: 'service', parent })
      const { id } = await issued(service)
      const standing = async () => {
        const fresh = await here.beside()
        const found = await fresh.storage.artifacts.findToken('AccessToken', id)
        await fresh.storage.close()
        return found?.account
      }
      assert.deepEqual(await standing(), {
        state: 'active',
        kind: 'service',
        parent: { state: 'active', kind: 'person' },
      })
      await there.storage.transaction(async (em) => {
        await em.nativeUpdate(AccountEntity, { id: parent }, { state: 'deactivated' })
      })
      assert.deepEqual((await standing())?.parent, { state: 'deactivated', kind: 'person' })
      await there.storage.transaction(async (em) => {
        await em.nativeUpdate(AccountEntity, { id: service }, { parent: 'nobody' })
      })
      assert.deepEqual((await standing())?.parent, { state: null, kind: null })
      const nobody = await issued('nobody')
      const fresh = await here.beside()
      const found = await fresh.storage.artifacts.findToken('AccessToken', nobody.id)
      await fresh.storage.close()
      assert.deepEqual([found?.grant?.account, found?.account], ['nobody', undefined])
    })
  })
}
