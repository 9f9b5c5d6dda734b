import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import type { ArtifactStore } from '../../../core/storage/artifacts.ts'
import { type OpenedStorage, openSqlite } from '../../support/storage.ts'

/** Small whole numbers from one seed, the same at every run. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

suite('what is remembered of the token store', () => {
  let here: OpenedStorage
  /** Another process on the same file, which has read nothing so far. */
  let there: OpenedStorage

  beforeEach(async () => {
    here = await openSqlite()
    there = await here.beside()
  })

  afterEach(async () => {
    await there.storage.close()
    await here.close()
  })

  const models = ['Session', 'AccessToken', 'RefreshToken', 'Grant'] as const
  const idOf = (model: string, number: number) => (model === 'Grant' ? `grant-${number % 2}` : `id-${number}`)
  const artifact = (model: string, number: number, turn: number) => ({
    model,
    id: idOf(model, number),
    payload: { turn, grantId: `grant-${number % 2}` },
    expiresAt: here.clock.now().getTime() / 1000 + 600,
    ...(model === 'Grant' ? {} : { grantId: `grant-${number % 2}` }),
    account: `account-${turn % 2}`,
    ...(model === 'Session' ? { uid: `uid-${number}` } : {}),
  })

  const step = async (store: ArtifactStore, roll: (sides: number) => number, turn: number) => {
    const unit = store.unit()
    try {
      for (let writes = 1 + roll(3); writes > 0; writes--) {
        const [model, number] = [models[roll(4)] ?? 'Session', roll(4)]
        const kind = roll(8)
        if (kind < 4) unit.put(artifact(model, number, turn))
        else if (kind < 6) unit.consume(model, idOf(model, number))
        else if (kind === 6) unit.delete(model, idOf(model, number))
        else unit.deleteByGrant(`grant-${number % 2}`)
      }
      await unit.commit()
    } catch {
      unit.discard()
    }
  }

  const all = async ({ storage: { artifacts } }: OpenedStorage) => {
    const found: unknown[] = []
    for (const model of models)
      for (let number = 0; number < 4; number++)
        found.push([model, number, await artifacts.find(model, idOf(model, number))])
    for (let number = 0; number < 4; number++) found.push(await artifacts.findToken('AccessToken', `id-${number}`))
    for (let number = 0; number < 4; number++) found.push(await artifacts.findByUid(`uid-${number}`))
    return found
  }

  test('is what the database has, whoever wrote it, units that failed among them', async () => {
    const roll = dice(7)
    for (let turn = 0; turn < 60; turn++) {
      const [one, other] = roll(3) === 0 ? [there, here] : [here, there]
      // Two at once share a transaction, and what one of them consumed makes the other's fail.
      await Promise.all([step(one.storage.artifacts, roll, turn), step(one.storage.artifacts, roll, turn)])
      if (roll(4) === 0) await step(other.storage.artifacts, roll, turn)
      const fresh = await here.beside()
      const expected = await all(fresh)
      await fresh.storage.close()
      assert.deepEqual(await all(here), expected, `turn ${turn}, here`)
      assert.deepEqual(await all(there), expected, `turn ${turn}, there`)
    }
  })

  test('is forgotten when a transaction of it was rolled back', async () => {
    const { artifacts } = here.storage
    await artifacts.put(artifact('RefreshToken', 1, 1))
    const unit = artifacts.unit()
    unit.put(artifact('AccessToken', 2, 2))
    unit.consume('RefreshToken', 'id-1')
    await artifacts.delete('RefreshToken', 'id-1')
    await assert.rejects(unit.commit())
    await artifacts.put(artifact('Session', 3, 2))
    assert.equal(await artifacts.find('AccessToken', 'id-2'), undefined)
  })

  test('what was consumed stays consumed when it is written again', async () => {
    const { artifacts } = here.storage
    await artifacts.put(artifact('RefreshToken', 1, 1))
    await artifacts.consume('RefreshToken', 'id-1')
    const unit = artifacts.unit()
    unit.put(artifact('RefreshToken', 1, 2))
    assert.notEqual((await unit.find('RefreshToken', 'id-1'))?.consumedAt, undefined)
    await unit.commit()
    assert.notEqual((await artifacts.find('RefreshToken', 'id-1'))?.consumedAt, undefined)
  })
})
