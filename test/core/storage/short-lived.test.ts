import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { isConsumeConflict } from '../../../core/storage/conflict.ts'
import { needs } from '../../support/needs.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import type { OpenedStorage, StorageOpener } from '../../support/storage.ts'
import { openPostgres } from '../../support/storage-postgres.ts'
import { artifactSuite } from './artifact-suite.ts'

let redis: TestRedis
const skip = needs('postgres') || needs('redis')
const target = () => ({ redis: { url: redis.url, password: redis.password } })
const records = async () => (await redis.ask('keys', 'labgate:*:r:*')) as string[]

/** Until what is new lies in Redis. */
async function reached({ storage, clock }: OpenedStorage): Promise<void> {
  for (let tries = 0; ; tries++) {
    const before = (await records()).length
    const expiresAt = clock.now().getTime() / 1000 + 60
    await storage.artifacts.put({ model: 'Outcome', id: `probe ${tries} ${Math.random()}`, payload: {}, expiresAt })
    if ((await records()).length > before) return
    assert.ok(tries < 200, 'Redis is reached soon')
    await new Promise((done) => setTimeout(done, 25))
  }
}

/** Until it is known that Redis is not there. */
async function away({ complaints }: OpenedStorage): Promise<void> {
  const count = () => complaints.filter((line) => line.includes('Redis is away')).length
  for (let tries = 0; count() < 2; tries++) {
    assert.ok(tries < 200, 'its end is noticed soon')
    await new Promise((done) => setTimeout(done, 10))
  }
}

const openBoth: StorageOpener = async (options = {}) => {
  const wrap = async (opened: OpenedStorage): Promise<OpenedStorage> => {
    await reached(opened)
    return { ...opened, reopen: async () => wrap(await opened.reopen({ ...target(), ...options })) }
  }
  return wrap(await openPostgres({ ...target(), ...options }))
}

suite('short-lived records in a Redis', { skip }, () => {
  before(async () => {
    redis = await startRedis()
  })
  after(() => redis?.stop())

  artifactSuite('PostgreSQL with Redis', openBoth)
})

suite('two storages on one PostgreSQL and one Redis', { skip }, () => {
  let one: OpenedStorage
  let other: OpenedStorage
  let serial = 0
  before(async () => {
    redis = await startRedis()
    one = await openBoth()
    other = await one.beside(target())
    await reached(other)
  })
  after(async () => {
    await other?.storage.close()
    await one?.close()
    await redis?.stop()
  })

  const artifacts = () => one.storage.artifacts
  const elsewhere = () => other.storage.artifacts
  const soon = () => one.clock.now().getTime() / 1000 + 60
  const newCode = async (more: object = {}) => {
    const id = `code ${++serial}`
    const code = { model: 'AuthorizationCode', id, grantId: `grant ${serial}`, expiresAt: soon(), ...more }
    await artifacts().put({ ...code, payload: { secret: 'open sesame', grantId: code.grantId } })
    return code
  }
  const inDatabase = async () => {
    const rows = await one.storage.em().execute<{ model: string }[]>('select model from artifact')
    // A storage that has not reached Redis yet has put its first ones there.
    return rows.map(({ model }) => model).filter((model) => model !== 'Outcome')
  }

  test('codes and sign-ins in progress lie in Redis, tokens, sessions and what was seen before in the database', async () => {
    for (const model of ['Interaction', 'AuthorizationCode', 'DeviceCode', 'PushedAuthorizationRequest', 'Attempt'])
      await artifacts().put({ model, id: `x ${model}`, payload: {}, expiresAt: soon() })
    assert.deepEqual(await inDatabase(), [])
    for (const model of ['AccessToken', 'RefreshToken', 'Session', 'Grant', 'ReplayDetection'])
      await artifacts().put({ model, id: `x ${model}`, payload: {}, expiresAt: soon() })
    assert.equal((await inDatabase()).length, 5)
  })

  test('what lies there is sealed, named by digests, and ends by itself', async () => {
    const { id, grantId } = await newCode({ account: 'zoe', client: 'web' })
    for (const key of (await redis.ask('keys', '*')) as string[]) {
      const kind = await redis.ask('type', key)
      const value = kind === 'hash' ? await redis.ask('hvals', key) : key
      for (const text of ['sesame', id, grantId, 'zoe', 'web']) assert.ok(!`${key} ${value}`.includes(text), text)
      assert.ok(Number(await redis.ask('pttl', key)) > 0, `${key} ends`)
    }
  })

  test('of many who redeem a code at both, one has it', async () => {
    const { model, id } = await newCode()
    const tries = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? artifacts() : elsewhere()).consume(model, id)),
    )
    assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const { reason } of tries.filter((each) => each.status === 'rejected')) assert.ok(isConsumeConflict(reason))
    assert.ok((await elsewhere().find(model, id))?.consumedAt, 'and everybody sees that it was used')
  })

  test('who comes second waits until what came of a code is stored, and can revoke it', async () => {
    const { model, id, grantId } = await newCode()
    const [first, second] = [artifacts().unit(), elsewhere().unit()]
    await first.consume(model, id)
    first.put({ model: 'AccessToken', id: `of ${id}`, grantId, payload: {} })
    assert.equal((await second.find(model, id))?.consumedAt, undefined, 'not used until all of it is')
    const conflict = await Promise.resolve(second.consume(model, id)).then(
      () => assert.fail('it had it, too'),
      (error) => error,
    )
    assert.ok(isConsumeConflict(conflict))
    let isSettled = false
    const settled = conflict.settled.then(() => {
      isSettled = true
    })
    await elsewhere().find(model, id)
    assert.equal(isSettled, false)
    await first.commit()
    await settled
    await elsewhere().deleteByGrant(grantId)
    await second.commit()
    assert.equal(await artifacts().find('AccessToken', `of ${id}`), undefined)
  })

  test('a step that dies after it has used a code leaves it used', async () => {
    const { model, id } = await newCode()
    await artifacts().unit().consume(model, id)
    await assert.rejects(elsewhere().consume(model, id), isConsumeConflict)
  })

  test('a revoked grant takes its codes along, at the other one too; so do an account and a client', async () => {
    const codes = [
      await newCode(),
      await newCode({ account: 'eve' }),
      await newCode({ client: 'gone' }),
      await newCode(),
    ]
    const [first, second, third, last] = codes as [
      (typeof codes)[0],
      (typeof codes)[0],
      (typeof codes)[0],
      (typeof codes)[0],
    ]
    await elsewhere().deleteByGrant(first.grantId, ['AccessToken'])
    assert.ok(await artifacts().find(first.model, first.id))
    await elsewhere().deleteByGrant(first.grantId, ['AccessToken', 'AuthorizationCode'])
    await elsewhere().deleteByAccount('eve')
    await elsewhere().deleteByClient('gone')
    for (const { model, id } of [first, second, third]) assert.equal(await artifacts().find(model, id), undefined)
    assert.ok(await artifacts().find(last.model, last.id))
  })
})

suite('a Redis in trouble', { skip }, () => {
  let opened: OpenedStorage
  let port = 0
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labgate-redis-'))
    redis = await startRedis(undefined, [`dir ${folder}`])
    port = Number(new URL(redis.url).port)
    opened = await openBoth()
  })
  after(async () => {
    await opened?.close()
    await redis?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const artifacts = () => opened.storage.artifacts
  const code = (id: string) => ({
    ...{ model: 'AuthorizationCode', id, payload: {}, expiresAt: opened.clock.now().getTime() / 1000 + 60 },
  })

  test('that is emptied in the middle has no code any more, and takes new ones', async () => {
    await artifacts().put(code('flushed'))
    await redis.ask('flushall')
    assert.equal(await artifacts().find('AuthorizationCode', 'flushed'), undefined)
    await assert.rejects(artifacts().consume('AuthorizationCode', 'flushed'), isConsumeConflict)
    await artifacts().put(code('next'))
    await artifacts().consume('AuthorizationCode', 'next')
  })

  test('that is full gives out what it has; what is new goes to the database', async () => {
    await artifacts().put(code('before'))
    await redis.ask('config', 'set', 'maxmemory', '1')
    await artifacts().put(code('after'))
    for (const id of ['before', 'after']) {
      assert.ok(await artifacts().find('AuthorizationCode', id), id)
      await artifacts().consume('AuthorizationCode', id)
      await assert.rejects(artifacts().consume('AuthorizationCode', id), isConsumeConflict)
    }
    assert.ok(opened.complaints.some((line) => line.includes('takes no more')))
    await redis.ask('config', 'set', 'maxmemory', '0')
  })

  test('that says nothing holds nobody up for long, and is asked no more until it answers', async () => {
    await artifacts().put(code('asleep'))
    redis.sleep()
    try {
      const began = performance.now()
      assert.equal(await artifacts().find('AuthorizationCode', 'asleep'), undefined)
      assert.ok(performance.now() - began < 4000)
      const next = performance.now()
      await artifacts().put(code('meanwhile'))
      await artifacts().consume('AuthorizationCode', 'meanwhile')
      assert.ok(performance.now() - next < 1000, 'nobody waits a second time')
    } finally {
      redis.wake()
    }
    await reached(opened)
    await artifacts().consume('AuthorizationCode', 'asleep')
    await assert.rejects(artifacts().consume('AuthorizationCode', 'meanwhile'), isConsumeConflict)
  })

  test('a step that has read a record there and cannot change it says so, and writes nothing', async () => {
    await artifacts().put({ ...code('half'), model: 'Interaction' })
    const unit = artifacts().unit()
    assert.ok(await unit.find('Interaction', 'half'))
    unit.put({ ...code('half'), model: 'Interaction' })
    unit.put({ model: 'AccessToken', id: 'half', payload: {} })
    await redis.stop()
    await away(opened)
    await assert.rejects(unit.commit(), { code: 'ERR_STORAGE', message: /redis: it .*"redis" in the config/s })
    assert.equal(await artifacts().find('AccessToken', 'half'), undefined)
    redis = await startRedis(port, [`dir ${folder}`])
    await reached(opened)
  })

  test('that comes back with an older state brings nothing back: what was before its start does not count', async () => {
    await artifacts().put(code('used'))
    await redis.ask('save')
    await artifacts().consume('AuthorizationCode', 'used')
    await redis.stop()
    redis = await startRedis(port, [`dir ${folder}`])
    const back = await records()
    assert.ok(back.length > 0, 'it has what it had')
    await reached(opened)
    assert.equal(await artifacts().find('AuthorizationCode', 'used'), undefined)
    await assert.rejects(artifacts().consume('AuthorizationCode', 'used'), isConsumeConflict)
  })
})
