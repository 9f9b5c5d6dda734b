import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { isConsumeConflict } from '../../../core/storage/conflict.ts'
import { AccountEntity, IdentityEntity } from '../../../core/storage/entities.ts'
import { ledgerStatements } from '../../../core/storage/ledger-rows.ts'
import { createPool, postgresQueries } from '../../../core/storage/postgres/client.ts'
import { openStorage } from '../../../core/storage/storage.ts'
import { needs } from '../../support/needs.ts'
import { complainTo, type OpenedStorage, testKeys } from '../../support/storage.ts'
import { openPostgres, sharedPostgres, targetOf } from '../../support/storage-postgres.ts'
import { artifactSuite } from './artifact-suite.ts'
import { storageSuite } from './storage-suite.ts'

/** What is meant to differ from what MikroORM would make. */
function withoutWhatIsMeant(sql: string): string {
  const meant = [
    /^set names 'utf8';$/,
    // An index on the first column of another one is spared by it.
    /^drop index "\w+";$/,
    // Ids are counted by an identity, of 64 bits.
    /^alter table "\w+" drop column "(id|seq)";$/,
    /^alter table "\w+" add "(id|seq)" serial primary key;$/,
    // Counters of rate limits are another library’s.
    /^drop table if exists "rate_limit" cascade;$/,
    // What our statements use on either database.
    /^drop function if exists "(instr|json_each|json_extract|labgate_json)"\([^)]*\);$/,
  ]
  const lines = sql.split('\n').filter((line) => line !== '' && !meant.some((pattern) => pattern.test(line)))
  return lines.join('\n')
}

suite('PostgreSQL', { skip: needs('postgres') }, () => {
  artifactSuite('PostgreSQL', openPostgres)
  storageSuite('PostgreSQL', openPostgres, withoutWhatIsMeant)
})

suite('two storages on one PostgreSQL', { skip: needs('postgres') }, () => {
  let one: OpenedStorage
  let other: OpenedStorage
  before(async () => {
    one = await openPostgres()
    other = await one.beside()
  })
  after(async () => {
    await other.storage.close()
    await one.close()
  })

  test('what both consume at once is consumed by one, and the other can revoke what came of it at once', async () => {
    const code = { model: 'AuthorizationCode', id: 'race', grantId: 'g', payload: {} }
    await one.storage.artifacts.put(code)
    const [first, second] = [one.storage.artifacts.unit(), other.storage.artifacts.unit()]
    await first.consume(code.model, code.id)
    first.put({ model: 'AccessToken', id: 'came-of-it', grantId: 'g', payload: {} })
    const late = assert.rejects(async () => second.consume(code.model, code.id), isConsumeConflict)
    await first.commit()
    await late
    // The late one's step is still open: it must not stand in its own way.
    await other.storage.artifacts.deleteByGrant('g')
    await second.commit()
    assert.equal(await one.storage.artifacts.find('AccessToken', 'came-of-it'), undefined)
  })

  test('changes through the ORM go one after another, and no revision is lost to a sign-in beside them', async () => {
    const now = one.clock.now()
    await one.storage.transaction(async (em) => {
      em.create(AccountEntity, {
        ...{ id: 'ada', state: 'active', role: 'user', username: 'ada', displayName: 'Ada', emailVerified: false },
        ...{ createdAt: now, updatedAt: now, revision: 1 },
      })
      const place = { realm: 'email', issuer: 'https://i.example', subject: 's', instance: 'email' }
      em.create(IdentityEntity, { id: 'i', account: 'ada', ...place, facts: [], createdAt: now, lastSeenAt: now })
    })
    const change = ({ storage }: OpenedStorage) =>
      storage.transaction(async (em) => {
        const row = await em.findOneOrFail(AccountEntity, { id: 'ada' })
        await new Promise((done) => setTimeout(done, 5))
        row.revision += 1
      })
    const seen = ({ storage }: OpenedStorage) =>
      storage.accountRows.noteSeen({ id: 'i', instance: 'email', facts: [], at: now })
    await Promise.all([one, other, one, other].flatMap((each) => [change(each), seen(each)]))
    assert.equal((await one.storage.accountRows.find('ada'))?.revision, 9)
  })

  test('sign-ins of the same people at both, in whatever order, never wait for each other in a circle', async () => {
    const first = await openPostgres()
    const second = await first.beside()
    const both = [first.storage, second.storage]
    const at = first.clock.now()
    const numbers = Array.from({ length: 20 }, (_, number) => String(number))
    await first.storage.transaction(async (em) => {
      for (const id of numbers) {
        const account = {
          id,
          state: 'active',
          role: 'user',
          username: id,
          displayName: id,
          emailVerified: false,
        } as const
        em.create(AccountEntity, { ...account, createdAt: at, updatedAt: at, revision: 1 })
        const place = { realm: 'email', issuer: 'https://i.example', subject: id, instance: 'email' }
        em.create(IdentityEntity, { id, account: id, ...place, facts: [], createdAt: at, lastSeenAt: at })
      }
    })
    const seen = (id: string) =>
      both.map(({ accountRows }) => accountRows.noteSeen({ id, instance: 'email', facts: [], at }))
    const signedIn = (id: string) => both.map(({ accountRows }) => accountRows.noteSignIn(id, at))
    const used = (id: string) => both.map(({ artifacts }) => artifacts.put({ model: 'Session', id, payload: {} }))
    const backwards = numbers.toReversed()
    await Promise.all([
      ...[...numbers.flatMap(seen), ...backwards.flatMap(signedIn)],
      ...[...numbers.flatMap(used), ...backwards.flatMap(used)],
    ])
    // Who leaves tells what it has counted.
    await second.storage.close()
    await first.close()
    const name = /\/(\w+)\?/.exec(first.file)?.[1]
    const counted = await one.storage.em().execute('SELECT deadlocks FROM pg_stat_database WHERE datname = ?', [name])
    assert.deepEqual(counted, [{ deadlocks: 0 }])
  })

  test('tables whose rows come and go are swept sooner than PostgreSQL would', async () => {
    const pool = createPool(targetOf(one.file), 1)
    try {
      const { rows } = await pool.query<{ relname: string; set: string[] }>(
        `select relname, reloptions as set from pg_class where reloptions is not null and relkind = 'r'
          and relnamespace = current_schema()::regnamespace order by relname`,
      )
      const sooner = ['autovacuum_vacuum_scale_factor=0.02', 'autovacuum_vacuum_threshold=200']
      const set = [...sooner, 'autovacuum_analyze_scale_factor=0.05']
      const names = ['api_token', 'artifact', 'browser_session', 'document', 'rate_limit', 'setting']
      assert.deepEqual(
        rows.map(({ relname, set }) => [relname, set]),
        names.map((name) => [name, set]),
      )
    } finally {
      await pool.end()
    }
  })

  test('every statement of the ledger is one of PostgreSQL’s, too', async () => {
    const pool = createPool(targetOf(one.file), 1)
    const queries = postgresQueries(pool)
    for (const [name, sql] of Object.entries(ledgerStatements)) {
      const nothing = Array.from(sql.matchAll(/\?/g), () => null)
      const failed = await queries
        .rows<null[], unknown>(sql)
        .all(...nothing)
        .then(() => undefined, String)
      assert.equal(failed, undefined, name)
    }
    await pool.end()
  })

  test('a request reads once what it asks again, sees what it writes, and what the other has committed before it came', async () => {
    const store = one.storage.artifacts
    const there = other.storage.artifacts
    const [model, id] = ['AccessToken', 'asked-again']
    const put = (into: typeof store, step: number) => into.put({ model, id, payload: { step } })
    const step = async () => (await store.find(model, id))?.payload
    await put(there, 1)
    await one.storage.during(async () => {
      assert.deepEqual(await step(), { step: 1 })
      await put(there, 2)
      assert.deepEqual(await step(), { step: 1 })
      await put(store, 3)
      assert.deepEqual(await step(), { step: 3 })
      await there.delete(model, id)
      // Somebody who had the lock may have written: whoever gets it after them reads anew.
      await one.storage.documents('x').lock('asked-again', async () => assert.equal(await step(), undefined))
    })
    await put(there, 4)
    assert.deepEqual(await one.storage.during(step), { step: 4 })
  })

  test('a place is held by one of them, and falls free with it', async () => {
    assert.deepEqual([await one.storage.alone.hold(), await other.storage.alone.hold()], [true, false])
    await one.storage.alone.release()
    assert.equal(await other.storage.alone.hold(), true)
    assert.equal(one.storage.alone.holds(), false)
  })

  test('work under one lock runs one after another over both', async () => {
    const order: string[] = []
    const work = (name: string) => async () => {
      order.push(`${name} begins`)
      await new Promise((done) => setTimeout(done, 20))
      order.push(`${name} ends`)
    }
    const stores = [one, other].map(({ storage }) => storage.documents('x'))
    await Promise.all(stores.map((store, at) => store.lock('same', work(String(at)))))
    assert.equal(order[0]?.[0], order[1]?.[0])
    assert.equal(order[2]?.[0], order[3]?.[0])
  })

  test('an unmigrated database is refused, unless it is to be migrated', async () => {
    const postgres = await sharedPostgres()
    await postgres.create('empty', '')
    const options = { postgres: targetOf(postgres.url('empty')), clock: one.clock, keys: testKeys, log: complainTo([]) }
    await assert.rejects(openStorage(options), { code: 'ERR_STORAGE', message: /labgate migrate/ })
    const both = await Promise.all([1, 2].map(() => openStorage({ ...options, migrate: 'auto' })))
    for (const storage of both) assert.deepEqual(await storage.pendingMigrations(), [])
    await both[0]?.compact()
    for (const storage of both) await storage.close()
    const keys = ['another key another key another key another']
    await assert.rejects(openStorage({ ...options, keys }), { code: 'ERR_KEYS' })
    const nowhere = { ...options, postgres: targetOf('postgresql://app@127.0.0.1:9/none') }
    await assert.rejects(openStorage(nowhere), { code: 'ERR_STORAGE', message: /connecting to PostgreSQL/ })
  })
})
