import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { Fault } from '@labgate/contract'
import { type Accounts, createAccounts } from '../../../core/accounts/accounts.ts'
import type { Act, Actor } from '../../../core/accounts/actor.ts'
import { createChange } from '../../../core/accounts/changes.ts'
import { createIdentities } from '../../../core/accounts/identities.ts'
import { createPeople } from '../../../core/accounts/people.ts'
import { createServiceAccounts, type ServiceAccounts } from '../../../core/accounts/service-accounts.ts'
import { createSessions } from '../../../core/accounts/sessions.ts'
import { systemRandom } from '../../../core/random.ts'
import { AccountEntity } from '../../../core/storage/entities.ts'
import { type OpenedStorage, openSqlite } from '../../support/storage.ts'

const quiet = () => undefined
const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const boss: Actor = { kind: 'account', account: 'boss' }

suite('service accounts', () => {
  let opened: OpenedStorage
  let accounts: Accounts
  let services: ServiceAccounts
  let asked: Act[]
  let refuse: (act: Act) => boolean

  const person = (name = 'ada') =>
    opened.storage.transaction((em) =>
      accounts.createIn(em, {
        facts: [{ claim: 'preferred_username', value: name, trust: 'asserted' }],
        state: 'active',
        role: 'user',
      }),
    )
  const revision = async (id: string) => (await opened.storage.accountRows.find(id))?.revision ?? 0

  beforeEach(async () => {
    opened = await openSqlite()
    const { storage, clock } = opened
    asked = []
    refuse = () => false
    accounts = createAccounts({ storage, clock, random: systemRandom })
    const authorise = async (_: Actor, act: Act) => {
      asked.push(act)
      if (refuse(act)) throw new Fault('ERR_FORBIDDEN', 'no')
    }
    const change = createChange({ storage, log: silent, authorise })
    services = createServiceAccounts({ storage, clock, random: systemRandom, accounts, change })
  })
  afterEach(() => opened.close())

  test('are made with a username of their own, and found by it or by id', async () => {
    const parent = await person()
    const made = await services.create(boss, { username: 'robot-1', displayName: ' Robot ', parent })
    assert.deepEqual(
      [made.kind, made.username, made.displayName, made.description, made.parent, made.state, made.role, made.email],
      ['service', 'robot-1', 'Robot', '', parent, 'active', 'user', undefined],
    )
    assert.deepEqual(await services.find('robot-1'), made)
    assert.deepEqual(await services.find(made.id), made)
    assert.equal(await services.find(parent), undefined, 'a person is none')
    assert.equal(await services.find('ada'), undefined)
    assert.deepEqual(asked, [{ on: 'service-account', parent }])
    const [line] = await opened.storage.audit.list({ limit: 1 })
    assert.deepEqual([line?.type, line?.actor, line?.account], ['service-account.created', 'boss', made.id])
    assert.deepEqual(line?.detail, {
      serviceAccount: made.id,
      after: { username: 'robot-1', displayName: 'Robot', description: '', parent, state: 'active' },
    })
  })

  test('have usernames that nobody else has, whoever came first, and nothing that could look like another', async () => {
    await person('ada')
    const make = (username: string) => services.create(boss, { username, displayName: 'R' })
    for (const username of ['', 'a', 'Robot', '1robot', '-r', 'a b', 'röbot', `a${'x'.repeat(39)}`, 'a@b', 'ab\n'])
      await assert.rejects(make(username), { code: 'ERR_INPUT' }, JSON.stringify(username))
    await assert.rejects(make('ada'), { code: 'ERR_CONFLICT' })
    await make('bob')
    await assert.rejects(make('bob'), { code: 'ERR_CONFLICT' })
    const second = await person('bob')
    assert.equal((await accounts.find(second))?.username, 'bob2', 'a person steps aside')
    await make(`a${'x'.repeat(38)}`)
    await assert.rejects(services.create(boss, { username: 'ok', displayName: 'a\u202eb' }), { code: 'ERR_INPUT' })
    const race = await Promise.allSettled(['x1', 'x1'].map(make))
    assert.deepEqual(race.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  })

  test('belong to a person or to nobody, never to a program', async () => {
    const robot = await services.create(boss, { username: 'robot', displayName: 'R' })
    const make = (parent: string) => services.create(boss, { username: 'second', displayName: 'R', parent })
    await assert.rejects(make('nobody'), { code: 'ERR_NOT_FOUND' })
    await assert.rejects(make(robot.id), { code: 'ERR_INPUT' })
    await assert.rejects(services.change(boss, robot.id, { parent: robot.id }), { code: 'ERR_INPUT' })
    assert.equal(await services.find('second'), undefined)
  })

  test('act only while they and their parent may', async () => {
    const parent = await person()
    const { id } = await services.create(boss, { username: 'robot', displayName: 'R', parent })
    const acts = async () => [await accounts.mayAct(id), (await accounts.acting(id))?.username]
    assert.deepEqual(await acts(), [true, 'robot'])
    for (const state of ['deactivated', 'pending'] as const) {
      await accounts.setState(parent, state)
      assert.deepEqual(await acts(), [false, undefined], state)
      await accounts.setState(parent, 'active')
      assert.deepEqual(await acts(), [true, 'robot'])
    }
    await services.change(boss, id, { state: 'deactivated' })
    assert.deepEqual(await acts(), [false, undefined])
    await services.change(boss, id, { state: 'active' })
    await opened.storage.transaction((em) => em.nativeUpdate(AccountEntity, { id }, { parent: 'gone' }))
    assert.deepEqual(await acts(), [false, undefined], 'a parent that is not there lets nobody act')
    await services.change(boss, id, { parent: null })
    assert.deepEqual(await acts(), [true, 'robot'], 'it belongs to nobody now')
    assert.equal(await accounts.mayAct('nobody'), false)
  })

  test('are changed with leave of where they are and of where they go', async () => {
    const [ada, bob] = [await person('ada'), await person('bob')]
    const { id } = await services.create(boss, { username: 'robot', displayName: 'R', parent: ada })
    const before = await revision(id)
    asked = []
    await services.change(boss, id, { displayName: 'R', description: '' })
    assert.equal(await revision(id), before, 'nothing changed')
    await services.change(boss, id, { description: 'Moves files', parent: bob })
    assert.ok((await revision(id)) > before)
    assert.deepEqual(
      asked.map((act) => act.on === 'service-account' && act.parent),
      [ada, ada, bob],
    )
    refuse = (act) => act.on === 'service-account' && act.parent !== bob
    await assert.rejects(services.change(boss, id, { parent: ada }), { code: 'ERR_FORBIDDEN' })
    await assert.rejects(services.change(boss, id, { parent: null }), { code: 'ERR_FORBIDDEN' })
    assert.equal((await services.find(id))?.parent, bob)
    refuse = () => true
    await assert.rejects(services.change(boss, id, { state: 'deactivated' }), { code: 'ERR_FORBIDDEN' })
    assert.equal((await services.find(id))?.state, 'active')
    refuse = () => false
    await assert.rejects(
      services.change(boss, ada, { state: 'deactivated' }),
      { code: 'ERR_NOT_FOUND' },
      'a person is none',
    )
    const [line] = await opened.storage.audit.list({ limit: 1 })
    assert.deepEqual(line?.detail, {
      serviceAccount: id,
      before: { displayName: 'R', description: '', parent: ada, state: 'active' },
      after: { displayName: 'R', description: 'Moves files', parent: bob, state: 'active' },
    })
  })

  test('are shut out by their person too, and come back by a site admin’s word alone', async () => {
    const ada = await person('ada')
    const { id } = await services.create(boss, { username: 'robot', displayName: 'R', parent: ada })
    // What the rules say of a person who may have service accounts of their own.
    refuse = (act) => act.on === 'service-account' && act.parent !== ada
    await services.change(boss, id, { state: 'deactivated' })
    await assert.rejects(services.change(boss, id, { state: 'active' }), { code: 'ERR_FORBIDDEN' })
    await services.change(boss, id, { displayName: 'Still mine', state: 'deactivated' })
    refuse = () => false
    assert.equal((await services.change(boss, id, { state: 'active' })).state, 'active')
  })

  test('never sign in: no identity becomes theirs, and a session in their name opens nothing', async () => {
    const { storage, clock } = opened
    const { id } = await services.create(boss, { username: 'robot', displayName: 'R' })
    const identities = createIdentities({ storage, clock, random: systemRandom })
    const people = createPeople({
      ...{ storage, accounts, identities, random: systemRandom },
      ...{ registration: 'open' as const, admins: [], members: { settle: async () => false } },
      invitations: { fit: async () => ({ kind: 'over' as const }), acceptIn: async () => undefined },
      awaited: { find: async () => undefined, claimIn: async () => undefined, handOver: async () => undefined },
    })
    const arrival = {
      source: { instance: 'uni', realm: 'uni' },
      admission: { state: 'active' as const },
      assertion: { issuer: 'urn:uni', subject: 'robot', facts: [], amr: [], at: clock.now() },
    }
    await assert.rejects(people.join(id, arrival), { code: 'ERR_FORBIDDEN' })
    assert.deepEqual(await identities.list(id), [])
    const sessions = createSessions({
      ...{ store: storage.sessions, accounts, clock, host: 'localhost' },
      lifetimes: { idle: 3600, max: 3600, remember: 3600 },
    })
    await sessions.start('a-session', {
      ...{ account: id, instance: 'uni', identity: 'x', amr: [], acr: undefined, authTime: clock.now() },
      ...{ remember: false, address: '192.0.2.1', userAgent: '', providerUid: undefined },
    })
    assert.equal(await sessions.of('a-session'), undefined)
  })

  test('are listed page by page, by parent or by a part of what they are called', async () => {
    const parent = await person()
    for (const username of ['c-bot', 'a_bot', 'b-bot'])
      await services.create(boss, {
        ...{ username, displayName: `The ${username}`, description: 'Copies 100%' },
        ...(username === 'b-bot' ? { parent } : {}),
      })
    const names = async (ask: { search?: string; parent?: string; after?: string; limit?: number }) => {
      const { rows, total, next } = await services.list({ limit: 10, ...ask })
      return [rows.map(({ username }) => username), total, next]
    }
    assert.deepEqual(await names({}), [['a_bot', 'b-bot', 'c-bot'], 3, undefined])
    assert.deepEqual(await names({ limit: 2 }), [['a_bot', 'b-bot'], 3, 'b-bot'])
    assert.deepEqual(await names({ limit: 2, after: 'b-bot' }), [['c-bot'], 3, undefined])
    assert.deepEqual(await names({ parent }), [['b-bot'], 1, undefined])
    assert.deepEqual(await names({ search: 'A_B' }), [['a_bot'], 1, undefined])
    assert.deepEqual(await names({ search: '100%' }), [['a_bot', 'b-bot', 'c-bot'], 3, undefined])
    assert.deepEqual(await names({ search: 'ada' }), [[], 0, undefined])
  })
})
