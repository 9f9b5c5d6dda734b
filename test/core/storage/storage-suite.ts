/** What every storage must do besides the token store, whichever database is below. @module */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { MikroORM } from '@mikro-orm/sqlite'
import {
  type Account,
  AccountEntity,
  ClientEntity,
  GroupEntity,
  IdentityEntity,
  MembershipEntity,
  SigningKeyEntity,
} from '../../../core/storage/entities.ts'
import { GroupManagerEntity } from '../../../core/storage/ledger-entities.ts'
import type { NewSession } from '../../../core/storage/sessions.ts'
import { WorkspaceEntity, WorkspaceEventEntity } from '../../../core/storage/workspace-entities.ts'
import {
  addWorkspaceEvents,
  insertWorkspace,
  updateWorkspace,
  workspaceIn,
} from '../../../core/storage/workspace-writes.ts'
import type { OpenedStorage, StorageOpener } from '../../support/storage.ts'

/** The claims about sessions, documents, the audit trail, settings and the ORM. */
export function storageSuite(database: string, open: StorageOpener, schemaDifference = (sql: string) => sql): void {
  sessionSuite(database, open)
  documentSuite(database, open)
  recordSuite(database, open)
  ormSuite(database, { open, schemaDifference })
}

function sessionSuite(database: string, open: StorageOpener): void {
  suite(`browser sessions on ${database}`, () => {
    let opened: OpenedStorage
    const sessions = () => opened.storage.sessions
    const handleOf = async (id: string) => (await sessions().find(id))?.handle ?? assert.fail(`no session ${id}`)
    const create = (id: string, more: Partial<NewSession> = {}) => {
      const now = opened.clock.now()
      return sessions().create({
        id,
        account: 'ada',
        host: 'localhost',
        idleSeconds: 600,
        endsAt: new Date(now.getTime() + 3_600_000),
        remember: false,
        amr: ['pwd', 'otp'],
        authTime: now,
        instance: 'email',
        identity: 'i-1',
        address: '127.0.0.1',
        userAgent: 'Test',
        ...more,
      })
    }

    before(async () => {
      opened = await open()
    })
    after(() => opened.close())

    test('a session is found by its id with all that was given, and its handle is not the id', async () => {
      await create('full', { acr: 'mfa', data: { a: [1] }, providerUid: 'uid-full', remember: true })
      const { handle, data, providerUid, ...found } = (await sessions().find('full')) ?? assert.fail()
      const now = opened.clock.now()
      assert.deepEqual(
        { ...found, data, providerUid },
        {
          parent: undefined,
          account: 'ada',
          host: 'localhost',
          createdAt: now,
          lastSeenAt: now,
          idleSeconds: 600,
          endsAt: new Date(now.getTime() + 3_600_000),
          remember: true,
          amr: ['pwd', 'otp'],
          acr: 'mfa',
          authTime: now,
          instance: 'email',
          identity: 'i-1',
          address: '127.0.0.1',
          userAgent: 'Test',
          data: { a: [1] },
          providerUid: 'uid-full',
        },
      )
      assert.equal(await sessions().find(handle), undefined)
    })

    test('it ends when it was idle too long; use within that time keeps it until its absolute end', async () => {
      await create('idle')
      await create('used', { endsAt: new Date(opened.clock.now().getTime() + 1_500_000) })
      opened.clock.pass(500)
      await sessions().touch('used')
      opened.clock.pass(100)
      assert.equal(await sessions().find('idle'), undefined)
      assert.ok(await sessions().find('used'))
      opened.clock.pass(300)
      await sessions().touch('used')
      opened.clock.pass(400)
      await sessions().touch('used')
      opened.clock.pass(200)
      assert.equal(await sessions().find('used'), undefined)
      await sessions().touch('idle')
      assert.equal(await sessions().find('idle'), undefined)
    })

    test('use is written at most once a minute', async () => {
      await create('busy')
      opened.clock.pass(59)
      const commits = opened.storage.commits()
      await sessions().touch('busy')
      assert.equal(opened.storage.commits(), commits)
      opened.clock.pass(1)
      await sessions().touch('busy')
      await sessions().touch('busy')
      assert.equal(opened.storage.commits(), commits + 1)
    })

    test("the Provider's session is bound later and finds ours", async () => {
      await create('bound')
      await sessions().bindProvider('bound', 'uid-bound')
      const found = await sessions().findByProviderUid('uid-bound')
      assert.equal(found?.providerUid, 'uid-bound')
      assert.equal(found?.handle, (await sessions().find('bound'))?.handle)
      assert.equal((await sessions().end('bound'))?.providerUid, 'uid-bound')
      assert.equal(await sessions().findByProviderUid('uid-bound'), undefined)
      assert.equal(await sessions().end('bound'), undefined)
    })

    test('a child lives and ends with its root', async () => {
      await create('root')
      const root = await handleOf('root')
      const child = await sessions().child({ parentHandle: await handleOf('root'), id: 'child', host: 'ng.localhost' })
      assert.equal(child?.host, 'ng.localhost')
      await sessions().child({ parentHandle: await handleOf('child'), id: 'grandchild', host: 'x.localhost' })
      opened.clock.pass(500)
      await sessions().touch('grandchild')
      opened.clock.pass(500)
      assert.ok(await sessions().find('root'), 'use of a child counts for its root')
      assert.ok(await sessions().find('child'), 'a child that rests ends no sooner than its root')
      await sessions().end('root')
      assert.equal(await sessions().find('child'), undefined)
      assert.equal(await sessions().find('grandchild'), undefined)
      assert.equal(await sessions().child({ parentHandle: root, id: 'late', host: 'x' }), undefined)
    })

    test('a list shows live roots of the account only; a handle ends one of the own account only', async () => {
      await create('bob-1', { account: 'bob' })
      await create('bob-2', { account: 'bob' })
      await create('bob-old', { account: 'bob', endsAt: opened.clock.now() })
      await sessions().child({ parentHandle: await handleOf('bob-1'), id: 'bob-child', host: 'ng.localhost' })
      const listed = await sessions().listByAccount('bob')
      assert.equal(listed.length, 2)
      const handle = (await sessions().find('bob-1'))?.handle ?? assert.fail()
      assert.equal(await sessions().endByHandle('eve', handle), undefined)
      assert.ok(await sessions().find('bob-1'))
      assert.equal((await sessions().endByHandle('bob', handle))?.handle, handle)
      assert.equal(await sessions().find('bob-child'), undefined)
      assert.equal(await sessions().endByHandle('bob', 'no handle'), undefined)
    })

    test('ending all of an account can spare one, named by its own id or a child of it', async () => {
      for (const id of ['c-1', 'c-2', 'c-3']) {
        await create(id, { account: 'cyd', providerUid: `uid-${id}` })
      }
      await sessions().child({ parentHandle: await handleOf('c-2'), id: 'c-2-child', host: 'ng.localhost' })
      const ended = await sessions().endByAccount('cyd', { exceptId: 'c-2-child' })
      assert.deepEqual(ended.map(({ providerUid }) => providerUid).sort(), ['uid-c-1', 'uid-c-3'])
      assert.ok(await sessions().find('c-2-child'))
      assert.equal((await sessions().endByAccount('cyd')).length, 1)
      assert.equal(await sessions().find('c-2-child'), undefined)
    })
  })
}

function documentSuite(database: string, open: StorageOpener): void {
  suite(`documents on ${database}`, () => {
    let opened: OpenedStorage
    const mine = () => opened.storage.documents('mine')

    before(async () => {
      opened = await open()
    })
    after(() => opened.close())

    test('a document is read until its time is over, replaced and deleted', async () => {
      await mine().put('k', { n: 1 }, 10)
      assert.deepEqual(await mine().get('k'), { n: 1 })
      await mine().put('k', null, 10)
      assert.equal(await mine().get('k'), null)
      opened.clock.pass(10)
      assert.equal(await mine().get('k'), undefined)
      await mine().put('k', 'x', 10)
      await mine().delete('k')
      assert.equal(await mine().get('k'), undefined)
      await assert.rejects(mine().put('k', 'x', 0), TypeError)
    })

    test('keys of two owners never meet', async () => {
      await mine().put('shared', 'mine', 10)
      assert.equal(await opened.storage.documents('other').get('shared'), undefined)
      assert.equal(await opened.storage.documents('other').take('shared'), undefined)
      assert.equal(await mine().get('shared'), 'mine')
    })

    test('of any number of takers exactly one gets the value', async () => {
      await mine().put('once', 'value', 10)
      const taken = await Promise.all(Array.from({ length: 20 }, () => mine().take('once')))
      assert.deepEqual(
        taken.filter((value) => value !== undefined),
        ['value'],
      )
      await mine().put('late', 'value', 10)
      opened.clock.pass(10)
      assert.equal(await mine().take('late'), undefined)
    })

    test('once is true for the first within its time, and again after it', async () => {
      const firsts = await Promise.all(Array.from({ length: 20 }, () => mine().once('jti', 30)))
      assert.equal(firsts.filter(Boolean).length, 1)
      opened.clock.pass(29)
      assert.equal(await mine().once('jti', 30), false)
      opened.clock.pass(1)
      assert.equal(await mine().once('jti', 30), true)
    })

    test('a count grows by one each, and is forgotten a fixed time after its first step', async () => {
      const sums = await Promise.all(Array.from({ length: 5 }, () => mine().count('tries', 60)))
      assert.deepEqual(sums.sort(), [1, 2, 3, 4, 5])
      opened.clock.pass(59)
      assert.equal(await mine().count('tries', 60), 6)
      opened.clock.pass(1)
      assert.equal(await mine().count('tries', 60), 1)
    })

    test('work under one lock runs one after another, also after a failure; other keys do not wait', async () => {
      const order: string[] = []
      const work = (name: string) => async () => {
        order.push(`${name} begins`)
        await new Promise((wake) => setTimeout(wake, 5))
        order.push(`${name} ends`)
      }
      const failing = mine().lock('k', () => Promise.reject(new RangeError('no')))
      await Promise.all([
        assert.rejects(failing, RangeError),
        mine().lock('k', work('a')),
        opened.storage.documents('mine').lock('k', work('b')),
      ])
      assert.deepEqual(order, ['a begins', 'a ends', 'b begins', 'b ends'])
      assert.equal(await mine().lock('k', () => mine().lock('other', async () => 'inner')), 'inner')
    })
  })
}

function recordSuite(database: string, open: StorageOpener): void {
  suite(`audit trail and settings on ${database}`, () => {
    let opened: OpenedStorage
    before(async () => {
      opened = await open()
    })
    after(() => opened.close())

    test('a relying party is read as the entity manager wrote it, and as it is since', async () => {
      const { storage, clock } = opened
      const createdAt = clock.now()
      const secretSealed = storage.ring.seal('a secret', 'client-secret')
      const settings = { name: 'Ärzte & Söhne', redirectUris: ['https://a.example/"x"'], firstParty: false }
      const row = {
        id: 'wiki',
        metadata: settings,
        secretSealed,
        source: 'registered' as const,
        createdAt,
        revision: 1,
      }
      await storage.transaction(async (em) => void em.create(ClientEntity, row))
      const found = await storage.clientRows.find('wiki')
      assert.ok(found?.secretSealed)
      assert.equal(storage.ring.open(Buffer.from(found.secretSealed), 'client-secret').toString(), 'a secret')
      assert.deepEqual(
        { ...found, secretSealed: null },
        { settings, source: 'registered', createdAt, secretSealed: null },
      )
      await storage.transaction(async (em) => {
        em.assign(await em.findOneOrFail(ClientEntity, { id: 'wiki' }), { secretSealed: null, source: 'database' })
      })
      const since = { settings, source: 'database', createdAt, secretSealed: null }
      assert.deepEqual(await storage.clientRows.find('wiki'), since)
      await storage.transaction((em) => em.nativeDelete(ClientEntity, { id: 'wiki' }))
      assert.equal(await storage.clientRows.find('wiki'), undefined)
    })

    test('the trail lists newest first, by account and type, page by page', async () => {
      const { audit } = opened.storage
      for (const n of [1, 2, 3, 4]) {
        await audit.append({ type: n % 2 === 0 ? 'even' : 'odd', account: n < 3 ? 'ada' : 'bob', detail: { n } })
        opened.clock.pass(1)
      }
      const all = await audit.list({ limit: 10 })
      assert.deepEqual(
        all.map(({ detail }) => detail),
        [{ n: 4 }, { n: 3 }, { n: 2 }, { n: 1 }],
      )
      assert.equal((await audit.list({ account: 'ada', type: 'odd', limit: 10 })).length, 1)
      const page = await audit.list({ limit: 2, before: all[1]?.id })
      assert.deepEqual(
        page.map(({ id }) => id),
        [all[2]?.id, all[3]?.id],
      )
    })

    test('the trail of a party has what they did and what was done to them, each line once, page by page', async () => {
      const { audit } = opened.storage
      await audit.append({ type: 'did', actor: 'eve', account: 'bob', requestId: 'r-1' })
      await audit.append({ type: 'done', actor: 'bob', account: 'eve', requestId: 'r-2' })
      await audit.append({ type: 'both', actor: 'eve', account: 'eve', requestId: 'r-2' })
      const types = async (query: object) =>
        (await audit.list({ party: 'eve', limit: 10, ...query })).map(({ type }) => type)
      assert.deepEqual(await types({}), ['both', 'done', 'did'])
      assert.deepEqual(await types({ requestId: 'r-2' }), ['both', 'done'])
      assert.deepEqual(await types({ type: 'did' }), ['did'])
      const [newest] = await audit.list({ party: 'eve', limit: 1 })
      assert.deepEqual(await types({ before: newest?.id, limit: 1 }), ['done'])
    })

    test('a line keeps all its fields and the time, appended alone or in an ORM transaction', async () => {
      const { audit } = opened.storage
      const event = {
        type: 'session.ended',
        actor: 'root',
        account: 'zoe',
        client: 'c',
        address: '::1',
        requestId: 'r',
        detail: ['x'],
      }
      await audit.append(event)
      await opened.storage.transaction((em) => audit.appendIn(em, event))
      const rolledBack = opened.storage.transaction(async (em) => {
        await audit.appendIn(em, event)
        throw new RangeError('no')
      })
      await assert.rejects(rolledBack, RangeError)
      const lines = await audit.list({ account: 'zoe', limit: 10 })
      assert.equal(lines.length, 2)
      for (const { id, ...line } of lines) {
        assert.ok(id > 0)
        assert.deepEqual(line, { ...event, at: opened.clock.now() })
      }
    })

    test('a setting is set, replaced and deleted by exactly one', async () => {
      const { settings } = opened.storage
      assert.equal(await settings.get('code'), undefined)
      await settings.set('code', 'one')
      await settings.set('code', 'two')
      assert.equal(await settings.get('code'), 'two')
      const deleted = await Promise.all([settings.delete('code'), settings.delete('code')])
      assert.deepEqual(deleted.sort(), [false, true])
    })
  })
}

function ormSuite(
  database: string,
  { open, schemaDifference }: { open: StorageOpener; schemaDifference: (sql: string) => string },
): void {
  suite(`the ORM on ${database}`, () => {
    let opened: OpenedStorage
    let orm: MikroORM
    before(async () => {
      opened = await open()
      orm = await opened.storage.orm()
    })
    after(() => opened.close())

    const accountOf = (id: string): Omit<Account, never> => {
      const now = opened.clock.now()
      return orm.em.fork().create(AccountEntity, {
        id,
        state: 'active',
        role: 'user',
        username: id,
        displayName: id,
        emailVerified: false,
        createdAt: now,
        updatedAt: now,
        revision: 1,
      })
    }
    const identityOf = (id: string, account: string, subject: string) => {
      const now = opened.clock.now()
      const facts = [{ claim: 'email', value: 'a@example.org', trust: 'verified' as const }]
      const place = { realm: 'email', issuer: 'https://issuer.example', subject, instance: 'email' }
      return orm.em.fork().create(IdentityEntity, { id, account, ...place, facts, createdAt: now, lastSeenAt: now })
    }

    test('what a start reads by plain statements is what the ORM has written', async () => {
      const { storage, clock } = opened
      const { startRows } = storage
      const answers = () => Promise.all([startRows.hasAdmin(), startRows.hasSeeded(), startRows.hasProfiles()])
      assert.deepEqual([await startRows.signingKeys(), ...(await answers())], [[], false, false, false])
      const [older, newer] = [new Date(clock.now().getTime() - 1000), clock.now()]
      const key = { alg: 'ES256', use: 'sig', state: 'current' as const, jwkSealed: Buffer.from('box') }
      await storage.transaction(async (em) => {
        await em.insert(SigningKeyEntity, { ...key, kid: 'older', createdAt: older, stateSince: null })
        await em.insert(SigningKeyEntity, { ...key, kid: 'newer', createdAt: newer, stateSince: newer })
      })
      const keys = await startRows.signingKeys()
      assert.deepEqual(
        keys.map(({ jwkSealed, ...rest }) => ({ ...rest, box: Buffer.from(jwkSealed).toString() })),
        [
          { alg: 'ES256', use: 'sig', state: 'current', kid: 'newer', createdAt: newer, stateSince: newer, box: 'box' },
          { alg: 'ES256', use: 'sig', state: 'current', kid: 'older', createdAt: older, stateSince: null, box: 'box' },
        ],
      )
      await storage.transaction(async (em) => {
        em.persist(Object.assign(accountOf('the-admin'), { role: 'admin' }))
        await em.insert(GroupEntity, { slug: 'g', title: 'G', description: '', source: 'database' })
        await em.flush()
        await em.insert(MembershipEntity, { account: 'the-admin', group: 'g', source: 'profile', at: newer })
      })
      assert.deepEqual(await answers(), [true, false, true])
      await storage.transaction((em) =>
        em.insert(MembershipEntity, { account: 'the-admin', group: 'g', source: 'config', at: newer }),
      )
      assert.deepEqual(await answers(), [true, true, true])
    })

    test('the migrations make exactly the tables of the entities', async () => {
      assert.equal(schemaDifference(await orm.schema.getUpdateSchemaSQL()), '')
      assert.deepEqual(await opened.storage.pendingMigrations(), [])
      assert.deepEqual(await opened.storage.migrate(), [])
    })

    test('an account and its identity are written together and read back', async () => {
      await opened.storage.transaction(async (em) => {
        em.persist([identityOf('i-1', 'ada', 's-1'), accountOf('ada')])
      })
      const identity = await opened.storage.em().findOneOrFail(IdentityEntity, { account: 'ada' })
      assert.deepEqual(identity.facts, [{ claim: 'email', value: 'a@example.org', trust: 'verified' }])
      assert.deepEqual(identity.createdAt, opened.clock.now())
    })

    test('a known identity is read with its account and what its instance said, and a sign-in is noted once', async () => {
      const { storage, clock } = opened
      const [at, key] = [clock.now(), { realm: 'email', issuer: 'https://issuer.example', subject: 's-known' }]
      await storage.transaction(async (em) => {
        em.persist([accountOf('known'), identityOf('i-known', 'known', 's-known')])
        for (const [group, source] of [
          ['imaging', 'email'],
          ['staff', 'admin'],
        ] as const) {
          em.create(GroupEntity, { slug: group, title: group, source, numericId: null })
          em.create(MembershipEntity, { account: 'known', group, source, at })
        }
      })
      const before = (await storage.accountRows.identity(key, 'email')) ?? assert.fail()
      assert.deepEqual([before.said, before.account.groups], [['imaging'], ['imaging', 'staff']])
      assert.deepEqual([before.identity.id, before.identity.account], ['i-known', 'known'])
      assert.deepEqual((await storage.accountRows.identity(key, 'other'))?.said, [])
      const seen = { id: 'i-known', instance: 'other', facts: [], at: new Date(at.getTime() + 1000) }
      await storage.accountRows.noteSeen(seen)
      const looked = (await storage.accountRows.identity(key, 'email')) ?? assert.fail()
      assert.deepEqual([looked.identity.instance, looked.identity.lastSeenAt], ['other', seen.at])
      assert.deepEqual(looked.account, { ...before.account, revision: before.account.revision + 1 })
      await storage.accountRows.noteSeen({ ...seen, signsIn: true })
      const after = await storage.accountRows.find('known')
      assert.deepEqual(after, { ...looked.account, revision: looked.account.revision + 1, lastSignInAt: seen.at })
      await storage.transaction((em) => em.nativeUpdate(IdentityEntity, { id: 'i-known' }, { removedAt: at }))
      assert.equal(await storage.accountRows.identity(key, 'email'), undefined)
      await storage.accountRows.noteSeen({ ...seen, signsIn: true })
      assert.equal((await storage.accountRows.find('known'))?.revision, after?.revision)
    })

    test('groups of an account are told once each and in order, whoever put it there; its identities oldest first', async () => {
      const { storage, clock } = opened
      const at = clock.now()
      const later = new Date(at.getTime() + 1000)
      await storage.transaction(async (em) => {
        const [newer, older] = [identityOf('i-new', 'several', 's-new'), identityOf('i-old', 'several', 's-old')]
        newer.createdAt = later
        em.persist([accountOf('several'), newer, older])
        for (const group of ['zebra', 'Zoo', 'ant'])
          em.create(GroupEntity, { slug: group, title: group, source: 'admin', numericId: null })
        for (const [group, source] of [
          ['zebra', 'email'],
          ['zebra', 'admin'],
          ['Zoo', 'admin'],
          ['ant', 'admin'],
        ] as const)
          em.create(MembershipEntity, { account: 'several', group, source, at })
        for (const group of ['zebra', 'Zoo', 'ant']) em.create(GroupManagerEntity, { account: 'several', group })
      })
      const inOrder = ['Zoo', 'ant', 'zebra']
      assert.deepEqual((await storage.accountRows.find('several'))?.groups, inOrder)
      const holder = (await storage.ledgerRows.holder('several')) ?? assert.fail()
      assert.deepEqual([holder.account.groups, holder.managedGroups], [inOrder, inOrder])
      assert.deepEqual(
        holder.identities.map(({ subject }) => subject),
        ['s-old', 's-new'],
      )
    })

    test('a workspace is written by plain statements and read back whole, by the ORM and by the hot path', async () => {
      const { storage, clock } = opened
      const [now, id] = [clock.now(), 'wabcdefghijklmno']
      await storage.transaction(async (em) => void em.persist(accountOf('wanda')))
      await storage.transaction(async (em) => {
        await insertWorkspace(em, {
          ...{
            id,
            account: 'wanda',
            profile: 'lab',
            runner: 'here',
            size: 'small',
            memoryBytes: 2 ** 40,
            limits: { cpus: 1 },
          },
          ...{ state: 'reserved', createdAt: now, leaseEndsAt: now, leaseLimitAt: now, image: null },
        })
        const trouble = { code: 'crash', message: 'a', hint: '', retryable: true, logs: ['b'] } as const
        await updateWorkspace(em, id, {
          state: 'failed',
          secrets: Buffer.from([0, 255]),
          trouble,
          startedAt: now,
          runnerState: null,
        })
        await updateWorkspace(em, id, { title: undefined } as never)
        assert.deepEqual((await workspaceIn(em, id))?.trouble, trouble)
        const event = (kind: string, text: string) => ({ at: now, kind, text })
        await addWorkspaceEvents(em, id, [event('requested', ''), event('progress', 'nul \0')])
        const [third] = await addWorkspaceEvents(em, id, [event('failed', 'x')])
        assert.equal(third?.number, 3)
        assert.deepEqual(await addWorkspaceEvents(em, id, []), [])
      })
      const row = (await storage.workspaceRows.find(id)) ?? assert.fail()
      const byOrm = await storage.em().findOneOrFail(WorkspaceEntity, { id })
      assert.deepEqual(
        { ...row, secrets: row.secrets?.toString('hex') },
        { ...byOrm, secrets: byOrm.secrets?.toString('hex') },
      )
      assert.deepEqual([row.memoryBytes, row.milliCpus, row.startedAt, row.title], [2 ** 40, 0, now, ''])
      assert.equal(await storage.workspaceRows.lastEvent(id), 3)
      const events = await storage.em().find(WorkspaceEventEntity, { workspace: id }, { orderBy: { number: 'asc' } })
      assert.deepEqual(
        events.map(({ number, at, kind, text }) => [number, at.getTime(), kind, text]),
        [
          [1, now.getTime(), 'requested', ''],
          [2, now.getTime(), 'progress', 'nul ␀'],
          [3, now.getTime(), 'failed', 'x'],
        ],
      )
    })

    test('one identifier of one issuer in one realm belongs to one account for ever', async () => {
      await opened.storage.transaction(async (em) => {
        em.persist(accountOf('bob'))
      })
      const second = () =>
        opened.storage.transaction(async (em) => {
          em.persist(identityOf('i-2', 'bob', 's-1'))
        })
      await assert.rejects(second, { name: 'UniqueConstraintViolationException' })
      await opened.storage.transaction(async (em) => {
        await em.nativeUpdate(IdentityEntity, { id: 'i-1' }, { removedAt: opened.clock.now() })
      })
      await assert.rejects(second, { name: 'UniqueConstraintViolationException' })
    })

    test('group commits and ORM transactions go on side by side, and every write is kept', async () => {
      const { storage } = opened
      const transactions = Array.from({ length: 10 }, (_, n) =>
        storage.transaction(async (em) => {
          em.persist(accountOf(`side-${n}`))
          await em.flush()
          await new Promise((wake) => setTimeout(wake, 2))
          await em.nativeUpdate(AccountEntity, { id: `side-${n}` }, { displayName: 'done' })
        }),
      )
      const units = Array.from({ length: 100 }, async (_, n) => {
        await new Promise((wake) => setTimeout(wake, n % 20))
        await storage.artifacts.put({ model: 'AccessToken', id: `side-${n}`, payload: { n } })
      })
      await Promise.all([...transactions, ...units])
      assert.equal(await storage.em().count(AccountEntity, { displayName: 'done' }), 10)
      const found = await Promise.all(units.map((_, n) => storage.artifacts.find('AccessToken', `side-${n}`)))
      assert.equal(found.filter((one) => one !== undefined).length, 100)
    })

    test('a transaction that fails leaves nothing, and the next goes on', async () => {
      const failing = opened.storage.transaction(async (em) => {
        em.persist(accountOf('never'))
        await em.flush()
        throw new RangeError('no')
      })
      await assert.rejects(failing, RangeError)
      assert.equal(await opened.storage.em().count(AccountEntity, { id: 'never' }), 0)
    })

    test('inside a transaction, another one joins, reads see its writes and other writes are refused', async () => {
      const { storage } = opened
      await storage.transaction(async (em) => {
        em.persist(accountOf('inner'))
        await em.flush()
        assert.equal(await storage.transaction(async (joined) => joined === em), true)
        assert.equal(await storage.em().count(AccountEntity, { id: 'inner' }), 1)
        await assert.rejects(storage.artifacts.put({ model: 'X', id: 'x', payload: {} }), TypeError)
      })
      assert.equal(await storage.em().count(AccountEntity, { id: 'inner' }), 1)
    })
  })
}
