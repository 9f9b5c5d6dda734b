import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDepartures } from '../../../core/oidc/departures.ts'
import { complainTo, openSqlite } from '../../support/storage.ts'

const late = { model: 'RefreshToken', id: 'late', payload: {}, client: 'guest', expiresAt: undefined }

async function open() {
  const { storage, clock, close } = await openSqlite()
  const news: string[] = []
  const departures = createDepartures({
    ...{ clock, store: storage.documents('core:departures'), artifacts: storage.artifacts, log: complainTo([]) },
    audit: async ({ client = '' }) => void news.push(client),
  })
  return { departures, artifacts: storage.artifacts, clock, close, news }
}

test('what another process issued to a client that had left ends when one comes back by its name', async () => {
  const { departures, artifacts, clock, close, news } = await open()
  try {
    await departures.settle({ here: ['web', 'guest'] })
    await departures.settle({ here: ['web'] })
    // It is restarted with the new file after that, and has no former one.
    await artifacts.put(late as never)
    await departures.settle({ here: ['web'] })
    clock.pass(3600)
    const back = clock.now().getTime()
    const ended = async () => (await departures.ended()).get('guest') ?? 0
    const before = await ended()
    assert.ok(before > back - 2000 && before < back, 'the Provider is built before the return is settled')
    await departures.settle({ here: ['web', 'guest'] })
    assert.equal(await artifacts.find('RefreshToken', 'late'), undefined)
    clock.pass(60)
    assert.equal(await ended(), before)
    // From then on it is like any other.
    await artifacts.put(late as never)
    await departures.settle({ here: ['web', 'guest'] })
    assert.ok(await artifacts.find('RefreshToken', 'late'))
    assert.deepEqual(news, ['guest'])
  } finally {
    await close()
  }
})

test('what a former config wrote late ends when it has left, and nothing of a client that has come since', async () => {
  const { departures, artifacts, clock, close } = await open()
  try {
    await departures.settle({ here: ['web', 'guest'] })
    await departures.settle({ here: ['web'], former: ['web', 'guest'] })
    await artifacts.put(late as never)
    // Meanwhile another process began with a file of its own.
    await departures.settle({ here: ['web', 'newcomer'] })
    const its = { model: 'RefreshToken', id: 'its', payload: {}, client: 'newcomer', expiresAt: undefined }
    await artifacts.put(its as never)
    await departures.endLate(['web', 'guest'])
    assert.equal(await artifacts.find('RefreshToken', 'late'), undefined)
    clock.pass(60)
    await departures.settle({ here: ['web', 'newcomer'] })
    assert.ok(await artifacts.find('RefreshToken', 'its'), 'the newcomer was forgotten, and came back')
    // It comes back itself before the other has left.
    await departures.settle({ here: ['web', 'newcomer', 'guest'] })
    await artifacts.put(late as never)
    await departures.endLate(['web', 'guest'])
    assert.ok(await artifacts.find('RefreshToken', 'late'))
  } finally {
    await close()
  }
})
