import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDepartures } from '../../../core/oidc/departures.ts'
import { complainTo, openSqlite } from '../../support/storage.ts'

test('what another process issued to a client that had left ends when one comes back by its name', async () => {
  const { storage, clock, close } = await openSqlite()
  try {
    const news: string[] = []
    const departures = createDepartures({
      ...{ clock, store: storage.documents('core:departures'), artifacts: storage.artifacts, log: complainTo([]) },
      audit: async ({ client = '' }) => void news.push(client),
    })
    const late = { model: 'RefreshToken', id: 'late', payload: {}, client: 'guest', expiresAt: undefined }
    await departures.settle({ here: ['web', 'guest'] })
    await departures.settle({ here: ['web'] })
    // It is restarted with the new file after that, and has no former one.
    await storage.artifacts.put(late as never)
    await departures.settle({ here: ['web'] })
    clock.pass(3600)
    const back = clock.now().getTime()
    const ended = async () => (await departures.ended()).get('guest') ?? 0
    const before = await ended()
    assert.ok(before > back - 2000 && before < back, 'the Provider is built before the return is settled')
    await departures.settle({ here: ['web', 'guest'] })
    assert.equal(await storage.artifacts.find('RefreshToken', 'late'), undefined)
    clock.pass(60)
    assert.equal(await ended(), before)
    // From then on it is like any other.
    await storage.artifacts.put(late as never)
    await departures.settle({ here: ['web', 'guest'] })
    assert.ok(await storage.artifacts.find('RefreshToken', 'late'))
    assert.deepEqual(news, ['guest'])
  } finally {
    await close()
  }
})
