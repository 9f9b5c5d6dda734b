import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AuthMethod, isFault, type Lifecycle } from '@labgate/contract'
import type { AuthInstance, Instance } from '../../../core/registry/instance.ts'
import { createRegistry } from '../../../core/registry/registry.ts'
import { entryOf, memoryLog } from '../../support/plugin-folder.ts'

const limits = { start: 50, stop: 50, health: 50 }

function instance(id: string, changes: Partial<AuthMethod> & { readonly optional?: boolean } = {}): AuthInstance {
  const { optional = false, ...method } = changes
  const begin: AuthMethod['begin'] = async () => ({ no: { reason: 'denied', message: 'no' } })
  return {
    id,
    kind: 'auth',
    plugin: 'probe',
    use: './probe.js',
    optional,
    realm: id,
    entry: entryOf('./probe.js'),
    text: (key) => key,
    method: { issuers: ['urn:x'], card: () => ({ label: id }), begin, ...method },
    admission: { state: 'active' },
    groups: {},
    redirectUri: new URL(`https://id.example.org/sign-in/${id}/callback`),
    callbackPaths: [],
  }
}

function registryOf(...loaded: readonly Instance[]) {
  const log = memoryLog()
  return { log, registry: createRegistry({ loaded, failed: [], disabled: [], log, limits }) }
}

/** A lifecycle that writes down what happens to it. */
function noting(diary: string[], id: string): Lifecycle {
  return {
    async start() {
      diary.push(`start ${id}`)
    },
    async stop() {
      diary.push(`stop ${id}`)
    },
  }
}

const never = () => new Promise<never>(() => undefined)

test('starts in order and stops in reverse, each once', async () => {
  const diary: string[] = []
  const { registry } = registryOf(...['a', 'b', 'c'].map((id) => instance(id, noting(diary, id))))
  await registry.start()
  await registry.stop()
  await registry.stop()
  assert.deepEqual(diary, ['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'])
})

test('a required one that does not start stops what was started, and is named', async () => {
  const diary: string[] = []
  const start = () => Promise.reject(new Error('port taken'))
  const stop = async () => {
    diary.push('stop b')
  }
  const { registry } = registryOf(instance('a', noting(diary, 'a')), instance('b', { start, stop }), instance('c'))
  await assert.rejects(registry.start(), (error) => {
    assert.ok(isFault(error))
    assert.equal(error.code, 'ERR_PLUGIN')
    assert.match(error.message, /plugins\.b: \.\/probe\.js: did not start: port taken; .*optional: true/)
    return true
  })
  assert.deepEqual(diary, ['start a', 'stop b', 'stop a'])
})

test('a start that takes too long is aborted', async () => {
  let aborted = false
  const start = (signal: AbortSignal) => {
    signal.addEventListener('abort', () => {
      aborted = true
    })
    return never()
  }
  const { registry } = registryOf(instance('slow', { start }))
  await assert.rejects(registry.start(), /took longer than 0\.05 s/)
  assert.equal(aborted, true)
})

test('an optional one that does not start is degraded, logged and explained; the others go on', async () => {
  const diary: string[] = []
  const start = () => Promise.reject(new Error('upstream gone'))
  const { registry, log } = registryOf(instance('a', { start, optional: true }), instance('b', noting(diary, 'b')))
  await registry.start()
  assert.deepEqual(diary, ['start b'])
  assert.equal(registry.get('a'), undefined)
  assert.equal(registry.failed()[0]?.failed, 'upstream gone')
  assert.equal(log.lines.filter(({ level, fields }) => level === 'error' && fields.instance === 'a').length, 1)
  const states = (await registry.health()).map(({ id, ok, state }) => `${id} ${ok} ${state}`)
  assert.deepEqual(states, ['b true started', 'a false failed'])
  const explained = registry.choices('en').find(({ id }) => id === 'a')
  assert.ok(explained && 'hidden' in explained.card && explained.card.show)
})

test('stop never throws and does not wait for ever', async () => {
  const diary: string[] = []
  const broken = instance('broken', { stop: () => Promise.reject(new Error('stuck')) })
  const { registry, log } = registryOf(instance('a', noting(diary, 'a')), instance('hangs', { stop: never }), broken)
  await registry.start()
  await registry.stop()
  assert.deepEqual(diary, ['start a', 'stop a'])
  assert.deepEqual(
    log.lines.map(({ fields }) => fields.instance),
    ['broken', 'hangs'],
  )
})

test('health survives one that throws and one that never answers', async () => {
  const { registry } = registryOf(
    instance('good', { health: async () => ({ ok: true }) }),
    instance('throws', { health: () => Promise.reject(new Error('oh')) }),
    instance('hangs', { health: never }),
    instance('silent'),
  )
  const health = await registry.health()
  assert.deepEqual(
    health.map(({ id, ok }) => [id, ok]),
    [
      ['good', true],
      ['throws', false],
      ['hangs', false],
      ['silent', true],
    ],
  )
  assert.equal(health[1]?.detail, 'oh')
})

test('choices are sorted by order, then id; hidden ones come last and a card that throws is one of them', () => {
  const card = (): never => {
    throw new Error('no card')
  }
  const { registry, log } = registryOf(
    instance('z'),
    instance('broken', { card }),
    instance('b', { card: () => ({ label: 'b', order: 5 }) }),
    instance('a'),
  )
  assert.deepEqual(
    registry.choices('en').map(({ id }) => id),
    ['b', 'a', 'z', 'broken'],
  )
  assert.equal(log.lines.length, 1)
  assert.deepEqual(
    registry.signIns().map(({ id }) => id),
    ['z', 'b', 'a'],
  )
})
