/** What every token store must do, whichever database is below. @module */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Unit } from '../../../core/storage/artifact-unit.ts'
import { ConsumeConflict, isConsumeConflict } from '../../../core/storage/conflict.ts'
import type { OpenedStorage, StorageOpener } from '../../support/storage.ts'
import { groundSuite } from './ground-suite.ts'

/** The claims about artifacts. */
export function artifactSuite(database: string, open: StorageOpener): void {
  groundSuite(database, open)
  suite(`artifacts on ${database}`, () => {
    let opened: OpenedStorage
    let serial = 0

    const store = () => opened.storage.artifacts
    const seconds = () => opened.clock.now().getTime() / 1000
    const newId = (name: string) => `${name}-${++serial}`

    const putCode = async (more: { grantId?: string; ttl?: number } = {}) => {
      const id = newId('code')
      const { grantId = newId('grant'), ttl = 60 } = more
      await store().put({
        model: 'AuthorizationCode',
        id,
        payload: { jti: id, grantId },
        grantId,
        expiresAt: seconds() + ttl,
      })
      return { id, grantId }
    }
    const findCode = (id: string) => store().find('AuthorizationCode', id)

    before(async () => {
      opened = await open()
    })
    after(() => opened.close())

    test('what was put is found by model and id only, with its grant', async () => {
      const { id, grantId } = await putCode()
      assert.deepEqual(await findCode(id), { payload: { jti: id, grantId }, grantId })
      assert.equal(await store().find('AccessToken', id), undefined)
      assert.equal(await findCode(`${id}x`), undefined)
    })

    test('a session is found by its uid, a device code by its user code', async () => {
      await store().put({ model: 'Session', id: 's-1', uid: 'uid-1', payload: { kind: 'Session' } })
      await store().put({ model: 'DeviceCode', id: 'd-1', userCode: 'WXYZ', payload: { kind: 'DeviceCode' } })
      assert.deepEqual(await store().findByUid('uid-1'), { payload: { kind: 'Session' } })
      assert.deepEqual(await store().findByUserCode('WXYZ'), { payload: { kind: 'DeviceCode' } })
      await store().put({ model: 'Session', id: 's-1', uid: 'uid-2', payload: { kind: 'Session', n: 2 } })
      assert.equal(await store().findByUid('uid-1'), undefined)
      assert.deepEqual(await store().findByUid('uid-2'), { payload: { kind: 'Session', n: 2 } })
    })

    test('what is expired is found by no way and cannot be consumed, though no cleaner ran', async () => {
      const expiresAt = seconds() + 10
      const id = newId('old')
      await store().put({ model: 'Session', id, uid: `uid-${id}`, account: id, payload: {}, expiresAt })
      await store().put({ model: 'DeviceCode', id, userCode: `code-${id}`, payload: {}, expiresAt })
      opened.clock.pass(9)
      assert.ok(await store().find('Session', id))
      opened.clock.pass(1)
      assert.equal(await store().find('Session', id), undefined)
      assert.equal(await store().findByUid(`uid-${id}`), undefined)
      assert.equal(await store().findByUserCode(`code-${id}`), undefined)
      assert.deepEqual(await store().listByAccount(id, 'Session'), [])
      await assert.rejects(store().consume('DeviceCode', id), isConsumeConflict)
    })

    test('what was consumed stays so through a rewrite, and cannot be consumed again', async () => {
      const { id, grantId } = await putCode()
      await store().consume('AuthorizationCode', id)
      const consumedAt = seconds()
      opened.clock.pass(5)
      await store().put({ model: 'AuthorizationCode', id, payload: { n: 2 }, grantId })
      assert.deepEqual(await findCode(id), { payload: { n: 2 }, consumedAt })
      await assert.rejects(store().consume('AuthorizationCode', id), isConsumeConflict)
    })

    test('of 20 parallel consumers exactly one succeeds', async () => {
      const { id } = await putCode()
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, () => store().consume('AuthorizationCode', id)),
      )
      const refused = outcomes.filter(({ status }) => status === 'rejected')
      assert.equal(refused.length, 19)
      assert.ok(refused.every((outcome) => outcome.status === 'rejected' && isConsumeConflict(outcome.reason)))
    })

    test('consuming what another unit has claimed is refused at once, and says when that unit is done', async () => {
      const { id } = await putCode()
      const first = store().unit()
      const second = store().unit()
      await first.consume('AuthorizationCode', id)
      const conflict = await conflictOf(() => second.consume('AuthorizationCode', id))
      let settled = false
      const done = conflict.settled.then(() => {
        settled = true
      })
      await Promise.resolve()
      assert.equal(settled, false)
      await first.commit()
      await done
      assert.ok((await findCode(id))?.consumedAt)
      second.discard()
    })

    test('a discarded unit writes nothing and frees what it had claimed', async () => {
      const { id } = await putCode()
      const unit = store().unit()
      await unit.consume('AuthorizationCode', id)
      unit.discard()
      assert.equal((await findCode(id))?.consumedAt, undefined)
      await store().consume('AuthorizationCode', id)
      assert.throws(() => unit.delete('AuthorizationCode', id), TypeError)
    })

    test('a unit is written in one transaction', async () => {
      const { id, grantId } = await putCode()
      const commits = opened.storage.commits()
      const unit = store().unit()
      await unit.consume('AuthorizationCode', id)
      unit.put({ model: 'AccessToken', id: `at-${id}`, payload: {}, grantId })
      unit.put({ model: 'RefreshToken', id: `rt-${id}`, payload: {}, grantId })
      assert.equal(await store().find('AccessToken', `at-${id}`), undefined)
      await unit.commit()
      assert.equal(opened.storage.commits(), commits + 1)
      assert.ok(await store().find('AccessToken', `at-${id}`))
      assert.ok(await store().find('RefreshToken', `rt-${id}`))
    })

    test('a unit whose consume fails at commit writes nothing at all', async () => {
      const { id } = await putCode({ ttl: 30 })
      const unit = store().unit()
      unit.put({ model: 'AccessToken', id: `lost-${id}`, payload: {} })
      await unit.consume('AuthorizationCode', id)
      opened.clock.pass(30)
      await assert.rejects(unit.commit(), isConsumeConflict)
      assert.equal(await store().find('AccessToken', `lost-${id}`), undefined)
    })

    test('a unit that fails takes no other unit of its turn with it', async () => {
      const doomed = await putCode({ ttl: 30 })
      const bad = store().unit()
      await bad.consume('AuthorizationCode', doomed.id)
      opened.clock.pass(30)
      const fine = await putCode()
      const good = store().unit()
      await good.consume('AuthorizationCode', fine.id)
      const outcomes = await Promise.allSettled([bad.commit(), good.commit()])
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['rejected', 'fulfilled'],
      )
      assert.ok((await findCode(fine.id))?.consumedAt)
    })

    test('a unit reads its own writes', async () => {
      const { id, grantId } = await putCode()
      const unit = store().unit()
      unit.put({ model: 'Session', id: `s-${id}`, uid: `u-${id}`, payload: { own: true } })
      await unit.consume('AuthorizationCode', id)
      assert.deepEqual(await unit.findByUid(`u-${id}`), { payload: { own: true } })
      assert.equal((await unit.find('AuthorizationCode', id))?.consumedAt, seconds())
      unit.put({ model: 'AccessToken', id: `kept-${id}`, payload: {}, grantId })
      unit.deleteByGrant(grantId, ['AuthorizationCode'])
      assert.equal(await unit.find('AuthorizationCode', id), undefined)
      assert.ok(await unit.find('AccessToken', `kept-${id}`))
      unit.deleteByGrant(grantId)
      assert.equal(await unit.find('AccessToken', `kept-${id}`), undefined)
      unit.delete('Session', `s-${id}`)
      assert.equal(await unit.findByUid(`u-${id}`), undefined)
      unit.discard()
      assert.ok(await findCode(id))
    })

    test('deleting by grant reaches all of the grant, or the given models only', async () => {
      const { id, grantId } = await putCode()
      await store().put({ model: 'AccessToken', id: `at-${id}`, payload: {}, grantId })
      const other = await putCode()
      await store().deleteByGrant(grantId, ['AccessToken'])
      assert.equal(await store().find('AccessToken', `at-${id}`), undefined)
      assert.ok(await findCode(id))
      await store().deleteByGrant(grantId)
      assert.equal(await findCode(id), undefined)
      assert.ok(await findCode(other.id))
    })

    test('artifacts of an account are listed in the order of their arrival and deleted by account and by client', async () => {
      for (const n of [1, 2, 3]) {
        await store().put({ model: 'Grant', id: `g-${n}`, account: 'ada', client: `c-${n}`, payload: { n } })
      }
      await store().put({ model: 'Grant', id: 'g-other', account: 'bob', client: 'c-1', payload: {} })
      assert.deepEqual(await store().listByAccount('ada', 'Grant'), [{ n: 1 }, { n: 2 }, { n: 3 }])
      assert.equal(await store().deleteByClient('c-1'), 2)
      assert.equal(await store().deleteByAccount('ada', ['AccessToken']), 0)
      assert.equal(await store().deleteByAccount('ada'), 2)
      assert.deepEqual(await store().listByAccount('ada', 'Grant'), [])
    })

    test('cleaning up deletes expired rows only, the oldest first and no more than asked for', async () => {
      while ((await opened.storage.cleaner.step()) > 0);
      const put = (id: string, ttl: number) =>
        store().put({ model: 'AccessToken', id, payload: {}, expiresAt: seconds() + ttl })
      await put('live', 1000)
      for (const ttl of [3, 1, 2]) await put(`ends ${ttl}`, ttl)
      opened.clock.pass(4)
      assert.equal(await opened.storage.cleaner.step(2), 2)
      assert.equal(await opened.storage.cleaner.step(2), 1)
      assert.equal(await opened.storage.cleaner.step(2), 0)
      assert.ok(await store().find('AccessToken', 'live'))
    })
  })

  interactionSuite(database, open)
}

/** One storage for the tests of a suite, and how a sign-in in progress is written to it. */
function signInsIn(open: StorageOpener) {
  let storage: OpenedStorage
  const opened = () => storage
  const store = () => storage.storage.artifacts
  const put = (id: string, step: number) =>
    store().put({ model: 'Interaction', id, payload: { step }, expiresAt: storage.clock.now().getTime() / 1000 + 600 })
  before(async () => {
    storage = await open()
  })
  after(() => storage.close())
  const reopen = async () => {
    storage = await storage.reopen()
  }
  return { opened, store, put, reopen }
}

function interactionSuite(database: string, open: StorageOpener): void {
  suite(`sign-ins in progress on ${database}`, () => {
    const { opened, store, put, reopen } = signInsIn(open)

    test('one that was written survives a restart; its end reaches the database and is final', async () => {
      await put('slow', 1)
      await store().flush()
      await put('slow', 2)
      await reopen()
      assert.deepEqual(await store().find('Interaction', 'slow'), { payload: { step: 2 } })
      await put('slow', 3)
      await store().delete('Interaction', 'slow')
      await reopen()
      assert.equal(await store().find('Interaction', 'slow'), undefined)
    })

    test('one is seen and ended inside a unit, and expires at use', async () => {
      await put('unit', 1)
      const unit = store().unit()
      unit.delete('Interaction', 'unit')
      assert.equal(await unit.find('Interaction', 'unit'), undefined)
      assert.ok(await store().find('Interaction', 'unit'))
      await unit.commit()
      assert.equal(await store().find('Interaction', 'unit'), undefined)
      await put('expiring', 1)
      opened().clock.pass(600)
      assert.equal(await store().find('Interaction', 'expiring'), undefined)
    })
  })
}

/** Where sign-ins in progress live in memory first. */
export function memorySuite(database: string, open: StorageOpener): void {
  suite(`sign-ins in progress in memory, before ${database}`, () => {
    const { opened, store, put } = signInsIn(open)

    test('one that ends soon costs no write', async () => {
      const commits = opened().storage.commits()
      await put('quick', 1)
      await put('quick', 2)
      assert.deepEqual(await store().find('Interaction', 'quick'), { payload: { step: 2 } })
      await store().delete('Interaction', 'quick')
      await store().flush()
      assert.equal(await store().find('Interaction', 'quick'), undefined)
      assert.equal(opened().storage.commits(), commits)
    })

    test('one is written some seconds after its last change, without being asked', async () => {
      await put('resting', 1)
      const commits = opened().storage.commits()
      const deadline = performance.now() + 4_000
      while (opened().storage.commits() === commits && performance.now() < deadline) {
        await new Promise((wake) => setTimeout(wake, 50))
      }
      assert.equal(opened().storage.commits(), commits + 1)
    })
  })
}

async function conflictOf(consume: () => ReturnType<Unit['consume']>): Promise<ConsumeConflict> {
  try {
    await consume()
  } catch (error) {
    assert.ok(error instanceof ConsumeConflict)
    return error
  }
  assert.fail('nothing was refused')
}
