import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { AccountEntity } from '../../../core/storage/entities.ts'
import { ProfileAnswerEntity } from '../../../core/storage/life-entities.ts'
import { at, command, config } from '../../support/ledger.ts'
import { type OpenedLife, openLife } from '../../support/life.ts'

describe('a merge', () => {
  let site: OpenedLife
  let boss: string
  before(async () => {
    site = await openLife()
    boss = await site.known('boss@example.org', { role: 'admin' })
    await site.datasets.create(command, { slug: 'fish', title: 'Fish' })
  })
  after(() => site.close())

  const refused = async (from: string, into: string) => (await site.life.mergePreview(from, into)).refused

  test('is refused into itself, for programs, for erased and merged ones, and for the last admin', async () => {
    const [ada, bo] = [await site.known('ada@example.org'), await site.known('bo@example.org')]
    assert.match((await refused(ada, ada)) ?? '', /itself/)
    assert.match((await refused(boss, ada)) ?? '', /last admin/)
    await site.storage.transaction(async (em) => {
      em.assign(await em.findOneOrFail(AccountEntity, { id: bo }), { kind: 'service' })
    })
    assert.match((await refused(bo, ada)) ?? '', /people/)
    assert.match((await refused(ada, bo)) ?? '', /people/)
    const gone = await site.known('gone@example.org')
    await site.life.erase(command, gone)
    for (const [from, into] of [
      [ada, gone],
      [gone, ada],
    ] as const)
      assert.match((await refused(from, into)) ?? '', /erased/)
    await assert.rejects(site.life.merge(command, ada, gone), { code: 'ERR_CONFLICT' })
    await assert.rejects(site.life.mergePreview('nobody', ada), { code: 'ERR_NOT_FOUND' })
  })

  test('never raises a role', async () => {
    const [second, plain] = [await site.known('second@example.org', { role: 'admin' }), await site.known('p@x.org')]
    const { stays } = await site.life.merge(at(boss), second, plain)
    assert.equal(stays.role, 'admin')
    assert.equal((await site.accounts.find(plain))?.role, 'user')
  })

  test('INTO’s answers stand, and what FROM said of itself elsewhere comes along', async () => {
    const [from, into] = [await site.known('from@example.org'), await site.known('into@example.org')]
    await site.storage.transaction(async (em) => {
      const answer = (account: string, question: string, value: string) =>
        em.create(ProfileAnswerEntity, { account, question, value, at: new Date(0) })
      answer(from, 'lab', 'west')
      answer(from, 'floor', '3')
      answer(into, 'lab', 'east')
    })
    await site.accounts.setGroups(from, 'profile', ['profile:lab/west', 'profile:floor/3'])
    await site.accounts.setGroups(into, 'profile', ['profile:lab/east'])
    const { moves, stays } = await site.life.merge(command, from, into)
    assert.deepEqual([moves.answers, stays.answers], [['floor'], ['lab']])
    assert.deepEqual((await site.accounts.find(into))?.groups, ['profile:floor/3', 'profile:lab/east'])
    assert.deepEqual((await site.accounts.find(from))?.groups, [])
  })

  test('a grant of the config file stays there, and INTO gets one of its own', async () => {
    const [from, into] = [await site.known('c1@example.org'), await site.known('c2@example.org')]
    const subject = { kind: 'account', account: from } as const
    const { id } = await site.grants.add(config, { subject, dataset: 'fish', level: 'view' })
    const { stays } = await site.life.merge(command, from, into)
    assert.deepEqual(stays.configGrants, [id])
    assert.equal((await site.grants.find(id))?.endedAt, undefined)
    const { rows } = await site.grants.list({ subject: { kind: 'account', account: into }, limit: 9 })
    assert.deepEqual(
      rows.map(({ source, why }) => [source, why]),
      [['database', `merged from ${from}`]],
    )
  })

  test('two at once, each into the other, and one wins', async () => {
    const [a, b] = [await site.known('a@example.org'), await site.known('b@example.org')]
    const done = await Promise.allSettled([site.life.merge(command, a, b), site.life.merge(command, b, a)])
    assert.deepEqual(done.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    assert.equal((await site.accounts.find(a))?.state, 'deactivated')
    assert.equal((await site.accounts.find(b))?.state, 'active')
  })
})
