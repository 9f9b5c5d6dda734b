import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { Fault } from '@labgate/contract'
import { type Accounts, createAccounts } from '../../../core/accounts/accounts.ts'
import type { Act, Actor } from '../../../core/accounts/actor.ts'
import { createChange } from '../../../core/accounts/changes.ts'
import { createGroups, type Groups } from '../../../core/accounts/groups.ts'
import { systemRandom } from '../../../core/random.ts'
import { DatasetEntity, GrantEntity } from '../../../core/storage/ledger-entities.ts'
import { type OpenedStorage, openSqlite } from '../../support/storage.ts'

const quiet = () => undefined
const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const boss: Actor = { kind: 'account', account: 'boss', address: '192.0.2.1', requestId: 'r1' }
const config: Actor = { kind: 'system', name: 'config' }

suite('groups', () => {
  let opened: OpenedStorage
  let accounts: Accounts
  let groups: Groups
  let asked: Act[]
  let refuse: boolean

  const person = (name: string) =>
    opened.storage.transaction((em) =>
      accounts.createIn(em, {
        facts: [
          { claim: 'preferred_username', value: name, trust: 'asserted' },
          { claim: 'name', value: `Dr ${name.toUpperCase()}`, trust: 'asserted' },
        ],
        state: 'active',
        role: 'user',
      }),
    )
  const revisions = async (id: string) => {
    const [row] = await opened.storage
      .em()
      .execute<{ value: string }[]>(`select value from setting where "key" = 'ledger.revision'`)
    return [Number(row?.value), (await opened.storage.accountRows.find(id))?.revision ?? 0] as const
  }
  const lines = async () =>
    (await opened.storage.audit.list({ limit: 100 })).map(({ type, actor, account, detail }) => ({
      type,
      actor,
      account,
      detail,
    }))

  beforeEach(async () => {
    opened = await openSqlite()
    const { storage, clock } = opened
    asked = []
    refuse = false
    accounts = createAccounts({ storage, clock, random: systemRandom })
    const authorise = async (_: Actor, act: Act) => {
      asked.push(act)
      if (refuse) throw new Fault('ERR_FORBIDDEN', 'no')
    }
    groups = createGroups({ storage, clock, change: createChange({ storage, log: silent, authorise }) })
  })
  afterEach(() => opened.close())

  test('are made, changed and removed, each with its line of before and after', async () => {
    const made = await groups.create(boss, { slug: 'imaging', title: ' Imaging lab ' })
    assert.deepEqual(made, {
      slug: 'imaging',
      numericId: 1,
      title: 'Imaging lab',
      description: '',
      source: 'database',
      memberCount: 0,
      managers: [],
    })
    const changed = await groups.change(boss, 'imaging', { description: 'Two\nlines' })
    assert.deepEqual([changed.title, changed.description], ['Imaging lab', 'Two\nlines'])
    await groups.change(boss, 'imaging', { title: 'Imaging lab' })
    await groups.remove(boss, 'imaging')
    assert.equal(await groups.find('imaging'), undefined)
    const written = await lines()
    assert.deepEqual(
      written.map(({ type }) => type),
      ['group.removed', 'group.changed', 'group.created'],
      'what changes nothing writes nothing',
    )
    assert.deepEqual(written[1]?.detail, {
      group: 'imaging',
      before: { title: 'Imaging lab', description: '' },
      after: { title: 'Imaging lab', description: 'Two\nlines' },
    })
    assert.deepEqual(
      asked.map((act) => [act.on, 'do' in act && act.do, 'group' in act && act.group]),
      ['create', 'change', 'change', 'remove'].map((verb) => ['group', verb, 'imaging']),
    )
  })

  test('have short names that no upstream can bring, once each; titles hide nothing', async () => {
    const bad = ['', 'uni:staff', 'Imaging', '-x', '.x', 'a b', 'é', 'x'.repeat(65), 'a/b', 'a\n', 'а']
    for (const slug of bad) await assert.rejects(groups.create(boss, { slug, title: 'T' }), { code: 'ERR_INPUT' })
    const titles = ['', '  ', 'a\u0000b', 'a\u202eb', 'a\nb', 'a\u2028b', 'x'.repeat(151)]
    for (const title of titles)
      await assert.rejects(groups.create(boss, { slug: 'ok', title }), { code: 'ERR_INPUT' }, JSON.stringify(title))
    await assert.rejects(groups.create(boss, { slug: 'ok', title: 'T', description: 'a\u0007' }), { code: 'ERR_INPUT' })
    await assert.rejects(groups.create(boss, { slug: 'ok', title: 'T', description: 'x'.repeat(2001) }), {
      code: 'ERR_INPUT',
    })
    await groups.create(boss, { slug: 'x'.repeat(64), title: 'T' })
    await groups.create(boss, { slug: 'ok', title: '<b>T</b>' })
    await assert.rejects(groups.create(boss, { slug: 'ok', title: 'T' }), { code: 'ERR_CONFLICT' })
    const both = await Promise.allSettled(['A', 'B'].map((title) => groups.create(boss, { slug: 'race', title })))
    assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  })

  test('are written by nobody who may not, and not a word of it stays', async () => {
    const ada = await person('ada')
    await groups.create(boss, { slug: 'g', title: 'G' })
    const before = await revisions(ada)
    refuse = true
    const tries = [
      groups.create(boss, { slug: 'h', title: 'H' }),
      groups.change(boss, 'g', { title: 'X' }),
      groups.remove(boss, 'g'),
      groups.addMember(boss, 'g', ada),
      groups.removeMember(boss, 'g', ada),
      groups.setManager(boss, 'g', { account: ada, is: 'manager' }),
    ]
    for (const one of tries) await assert.rejects(one, { code: 'ERR_FORBIDDEN' })
    assert.deepEqual(await revisions(ada), before)
    assert.equal((await lines()).length, 1)
    assert.equal((await groups.find('g'))?.title, 'G')
  })

  test('have members and managers; each change makes the answers about that account anew, and about no other', async () => {
    const [ada, bob] = [await person('ada'), await person('bob')]
    await groups.create(boss, { slug: 'g', title: 'G' })
    const [adaBefore, bobBefore] = [await revisions(ada), await revisions(bob)]
    await groups.addMember(boss, 'g', ada)
    assert.deepEqual((await accounts.find(ada))?.groups, ['g'])
    const joined = await revisions(ada)
    assert.deepEqual(joined, [adaBefore[0] + 1, adaBefore[1] + 1])
    await groups.addMember(boss, 'g', ada)
    assert.deepEqual(await revisions(ada), joined, 'twice is once')
    await groups.setManager(boss, 'g', { account: ada, is: 'manager' })
    await groups.setManager(boss, 'g', { account: ada, is: 'manager' })
    assert.deepEqual(await groups.managedBy(ada), ['g'])
    assert.deepEqual(await revisions(ada), [joined[0] + 1, joined[1] + 1])
    const { rows } = await groups.members('g', { limit: 10 })
    assert.deepEqual(
      rows.map(({ account, sources, isManager, since }) => [account.username, sources, isManager, since]),
      [['ada', ['admin'], true, opened.clock.now()]],
    )
    await groups.setManager(boss, 'g', { account: ada, is: 'none' })
    await groups.removeMember(boss, 'g', ada)
    await groups.removeMember(boss, 'g', ada)
    assert.deepEqual(await groups.managedBy(ada), [])
    assert.deepEqual((await accounts.find(ada))?.groups, [])
    assert.equal((await revisions(ada))[1], joined[1] + 3)
    assert.equal((await revisions(bob))[1], bobBefore[1])
    assert.deepEqual(
      (await lines()).map(({ type, actor, account }) => [type, actor, account]),
      [
        ['group.left', 'boss', ada],
        ['group.manager-removed', 'boss', ada],
        ['group.manager-added', 'boss', ada],
        ['group.joined', 'boss', ada],
        ['group.created', 'boss', undefined],
      ],
    )
    await assert.rejects(groups.addMember(boss, 'g', 'nobody'), { code: 'ERR_NOT_FOUND' })
    await assert.rejects(groups.addMember(boss, 'gone', bob), { code: 'ERR_NOT_FOUND' })
  })

  test('that go take memberships and grants with them, and only theirs', async () => {
    const { storage, clock } = opened
    const [ada, bob] = [await person('ada'), await person('bob')]
    for (const slug of ['g', 'g2']) await groups.create(boss, { slug, title: slug })
    for (const slug of ['g', 'g2']) await groups.addMember(boss, slug, ada)
    await groups.setManager(boss, 'g', { account: bob, is: 'manager' })
    await storage.transaction(async (em) => {
      em.create(DatasetEntity, { slug: 'fish', title: 'Fish', createdAt: clock.now(), updatedAt: clock.now() })
      for (const [subject, conditions] of [
        ['group:g', {}],
        ['group:g2', {}],
        [`account:${ada}`, { withinGroup: 'g' }],
      ] as const)
        em.create(GrantEntity, {
          ...{ subject, conditions, dataset: 'fish', version: null, level: 'view', permission: null },
          ...{ grantedBy: 'test', createdAt: clock.now(), endedAt: null, endedBy: null },
        })
    })
    const before = [(await revisions(ada))[1], (await revisions(bob))[1]]
    await groups.remove(boss, 'g')
    const grants = await storage.em().find(GrantEntity, {}, { orderBy: { id: 'asc' } })
    assert.deepEqual(
      grants.map(({ subject, endedBy, endedAt }) => [subject, endedBy, endedAt?.getTime()]),
      [
        ['group:g', 'boss', clock.now().getTime()],
        ['group:g2', null, undefined],
        [`account:${ada}`, null, undefined],
      ],
    )
    assert.deepEqual((await accounts.find(ada))?.groups, ['g2'])
    assert.deepEqual(await groups.managedBy(bob), [])
    assert.deepEqual(
      [(await revisions(ada))[1], (await revisions(bob))[1]],
      before.map((one) => one + 1),
    )
    const [line] = await lines()
    const removed = {
      title: 'g',
      description: '',
      source: 'database',
      memberCount: 1,
      managers: [bob],
      grants: [grants[0]?.id],
    }
    assert.deepEqual(line?.detail, { group: 'g', before: removed })
  })

  test('of the config are changed by the config alone; who an upstream put in is not taken out by hand', async () => {
    const ada = await person('ada')
    await groups.create(config, { slug: 'kept', title: 'Kept' })
    await groups.addMember(config, 'kept', ada)
    const refused = { code: 'ERR_CONFLICT', message: /config file/ }
    await assert.rejects(groups.change(boss, 'kept', { title: 'Mine' }), refused)
    await assert.rejects(groups.remove(boss, 'kept'), refused)
    await assert.rejects(groups.addMember(boss, 'kept', ada), refused)
    await assert.rejects(groups.removeMember(boss, 'kept', ada), refused)
    await assert.rejects(groups.setManager(boss, 'kept', { account: ada, is: 'manager' }), refused)
    assert.deepEqual((await groups.members('kept', { limit: 1 })).rows[0]?.sources, ['config'])
    await groups.change(config, 'kept', { title: 'Anew' })
    await groups.removeMember(config, 'kept', ada)
    assert.deepEqual([(await groups.find('kept'))?.title, (await groups.find('kept'))?.memberCount], ['Anew', 0])

    await groups.create(boss, { slug: 'mapped', title: 'Mapped' })
    await accounts.setGroups(ada, 'uni', ['mapped', 'uni:staff'])
    await assert.rejects(groups.removeMember(boss, 'mapped', ada), { code: 'ERR_CONFLICT', message: /uni/ })
    await groups.addMember(boss, 'mapped', ada)
    assert.deepEqual((await groups.members('mapped', { limit: 1 })).rows[0]?.sources, ['admin', 'uni'])
    assert.equal((await groups.find('mapped'))?.memberCount, 1, 'counted once')
    await groups.removeMember(boss, 'mapped', ada)
    assert.deepEqual(
      (await groups.members('mapped', { limit: 1 })).rows[0]?.sources,
      ['uni'],
      'an admin takes back their word',
    )
    const written = (await lines()).length
    await groups.removeMember(config, 'mapped', ada)
    assert.equal((await lines()).length, written, 'the config never said so')
    assert.equal((await groups.find('uni:staff'))?.source, 'uni')
  })

  test('are found page by page: by part of slug or title, by manager, wildcards taken as letters', async () => {
    const ada = await person('ada')
    for (const slug of ['a_1', 'a-2', 'ab3', 'b'])
      await groups.create(boss, { slug, title: `Group ${slug.toUpperCase()}` })
    await groups.setManager(boss, 'ab3', { account: ada, is: 'manager' })
    const walk = async (ask: { search?: string; managedBy?: string }, limit = 1) => {
      const found: string[] = []
      let after: string | undefined
      do {
        const page = await groups.list({ ...ask, limit, after })
        found.push(...page.rows.map(({ slug }) => slug))
        after = page.next
      } while (after !== undefined)
      return [found, (await groups.list({ ...ask, limit })).total]
    }
    assert.deepEqual(await walk({}), [['a-2', 'a_1', 'ab3', 'b'], 4])
    assert.deepEqual(await walk({ search: 'A_' }), [['a_1'], 1])
    assert.deepEqual(await walk({ search: 'group ab' }), [['ab3'], 1])
    assert.deepEqual(await walk({ search: '%' }), [[], 0])
    assert.deepEqual(await walk({ search: `' or 1=1 --` }), [[], 0])
    assert.deepEqual(await walk({ managedBy: ada }), [['ab3'], 1])
    assert.equal((await groups.list({ limit: Number.NaN })).rows.length, 4)
    assert.equal((await groups.list({ limit: -3 })).rows.length, 1)
  })

  test('of a hundred thousand members answer in moments', async () => {
    const { storage } = opened
    const many = 100_000
    await groups.create(boss, { slug: 'all', title: 'All' })
    await groups.create(boss, { slug: 'few', title: 'Few' })
    await storage.transaction(async (em) => {
      const numbers = `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${many})`
      await em.execute(
        `insert into account (id, state, role, username, display_name, email_verified, created_at, updated_at)
         ${numbers} select 'id' || i, 'active', 'user', printf('user%06d', i), 'User ' || i, 0, 0, 0 from n`,
      )
      await em.execute(
        `insert into membership (account_id, group_slug, source, at)
         ${numbers} select 'id' || i, 'all', 'admin', 0 from n`,
      )
      await em.execute(
        `insert into account_group (slug, title, description, source)
         ${numbers} select printf('g%06d', i), 'Group ' || i, '', 'database' from n`,
      )
    })
    for (const i of [5, 99_999]) await groups.addMember(boss, 'few', `id${i}`)
    const started = performance.now()
    const steps: Record<string, number> = {}
    const timed = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      const from = performance.now()
      const done = await work()
      steps[name] = Math.round(performance.now() - from)
      return done
    }
    const first = await timed('first', () => groups.members('all', { limit: 50 }))
    assert.deepEqual([first.total, first.rows.length, first.next], [many, 50, 'user000050'])
    const deep = await timed('deep', () => groups.members('all', { limit: 50, after: 'user090000' }))
    assert.equal(deep.rows[0]?.account.username, 'user090001')
    const found = await timed('search', () => groups.members('all', { limit: 50, search: 'USER 99999' }))
    assert.deepEqual([found.total, found.rows.map(({ account }) => account.id)], [1, ['id99999']])
    const few = await timed('few', () => groups.members('few', { limit: 50 }))
    assert.deepEqual(
      few.rows.map(({ account }) => account.id),
      ['id5', 'id99999'],
    )
    const listed = await timed('list', () => groups.list({ limit: 50, after: 'g050000' }))
    assert.deepEqual([listed.total, listed.rows[0]?.slug], [many + 2, 'g050001'])
    assert.equal((await timed('find', () => groups.find('all')))?.memberCount, many)
    assert.ok(performance.now() - started < 5000, JSON.stringify(steps))
    await timed('remove', () => groups.remove(boss, 'all'))
    assert.equal(await groups.find('all'), undefined)
  })
})
