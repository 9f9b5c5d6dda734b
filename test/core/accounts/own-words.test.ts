import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createOwnWords, createSelfFace, type OwnWords } from '../../../core/accounts/own-words.ts'
import { at } from '../../support/ledger.ts'
import { type OpenedLife, openLife } from '../../support/life.ts'

describe('the words about an account', () => {
  let site: OpenedLife
  let words: OwnWords
  let [boss, ada, bo] = ['', '', '']
  before(async () => {
    site = await openLife()
    words = createOwnWords(site)
    boss = await site.known('boss@example.org', { role: 'admin' })
    ada = await site.known('ada@example.org')
    bo = await site.known('bo@example.org')
  })
  after(() => site.close())

  test('are changed by the person and by site admins', async () => {
    await words.set(at(ada), ada, { displayName: ' Ada L. ' })
    assert.equal((await site.accounts.find(ada))?.displayName, 'Ada L.')
    await words.set(at(boss), ada, { displayName: 'Ada' })
    assert.equal((await site.accounts.find(ada))?.displayName, 'Ada')
    await assert.rejects(words.set(at(bo), ada, { displayName: 'Bo' }), { code: 'ERR_FORBIDDEN' })
    for (const displayName of ['', ' ', 'a\nb', 'x'.repeat(151), 'a\u202eb'])
      await assert.rejects(words.set(at(ada), ada, { displayName }), { code: 'ERR_INPUT' }, displayName)
  })

  test('an address is one that a living way to sign in vouches for', async () => {
    for (const email of ['bo@example.org', 'ada@elsewhere.example', 'ada', 'ada@example.org, bo@example.org'])
      for (const by of [ada, boss])
        await assert.rejects(words.set(at(by), ada, { email }), { code: 'ERR_INPUT' }, `${email} by ${by}`)
    await words.set(at(ada), ada, { email: null })
    assert.deepEqual(read(await site.accounts.find(ada)), [undefined, false])
    await words.set(at(ada), ada, { email: 'Ada@Example.org' })
    assert.deepEqual(read(await site.accounts.find(ada)), ['ada@example.org', true])
    const [way] = await site.identities.list(ada)
    const facts = [{ claim: 'email', value: 'self@example.org', trust: 'self' }] as const
    const assertion = { issuer: 'urn:mail', subject: 'ada@example.org', facts, at: site.clock.now(), amr: [] }
    await site.identities.seen(way?.id ?? '', { instance: 'email', realm: 'email' }, { ...assertion })
    await assert.rejects(words.set(at(ada), ada, { email: 'self@example.org' }), { code: 'ERR_INPUT' })
  })

  test('the trail says which were changed, and neither names nor addresses', async () => {
    const lines = await site.storage.audit.list({ account: ada, type: 'account.changed', limit: 100 })
    assert.ok(lines.length >= 4)
    for (const { detail } of lines) assert.doesNotMatch(JSON.stringify(detail), /ada|example/i)
  })

  test('of an erased account stay as they are; a dialect changes those of who is at hand alone', async () => {
    const gone = await site.known('gone@example.org')
    await site.life.erase(at(boss), gone)
    await assert.rejects(words.set(at(gone), gone, { displayName: 'Back' }), { code: 'ERR_CONFLICT' })
    const face = createSelfFace(words)
    const nobody = { principal: undefined, address: '127.0.0.1', requestId: 'r' }
    await assert.rejects(face.change(nobody, { displayName: 'X' }), { code: 'ERR_UNAUTHENTICATED' })
    await assert.rejects(words.set(at(boss), 'nobody', { displayName: 'X' }), { code: 'ERR_NOT_FOUND' })
  })
})

function read(account: { readonly email: string | undefined; readonly emailVerified: boolean } | undefined) {
  return [account?.email, account?.emailVerified]
}
