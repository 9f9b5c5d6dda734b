import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authContext, authzContext, noServices, runnerContext } from '../../../core/registry/context.ts'
import { textOf } from '../../../core/registry/texts.ts'

const text = textOf({ en: { hi: 'Hello {name}', bye: 'Bye' }, de: { hi: 'Hallo {name}' } }, 'auth-probe')
const place = {
  id: 'door',
  config: Object.freeze({ size: 3 }),
  text,
  issuer: 'https://id.example.org',
  siteName: 'Example Lab',
  origin: 'https://ng.example.org:8443',
  prefix: '/ng',
  signIns: () => [{ id: 'email', plugin: 'email', label: 'E-mail' }],
}

test('a text is spoken in the language, its parent, or English', () => {
  assert.equal(text('hi', { name: 'Ada' }, 'de-CH'), 'Hallo Ada')
  assert.equal(text('hi', { name: 'Ada' }, 'fr'), 'Hello Ada')
  assert.equal(text('hi', { name: 'Ada' }), 'Hello Ada')
  assert.equal(text('bye', {}, 'de'), 'Bye')
})

test('a key that English lacks is a TypeError, inherited names too', () => {
  for (const key of ['ciao', 'toString', '__proto__'])
    assert.throws(() => text(key, {}, 'constructor'), {
      name: 'TypeError',
      message: `auth-probe has no text \`${key}\``,
    })
})

test('values are put in as they are, once', () => {
  assert.equal(text('hi', { name: '{name} $& <b>' }), 'Hello {name} $& <b>')
  assert.equal(text('hi', {}), 'Hello {name}')
})

test('each kind gets only what it needs', () => {
  const services = noServices('door')
  const common = ['id', 'config', 'log', 'clock', 'random', 'fetch', 'store', 'text']
  assert.deepEqual(Object.keys(runnerContext(services, place)).toSorted(), [...common, 'installation'].toSorted())
  const auth = Object.keys(authContext(services, place))
  assert.deepEqual(auth.toSorted(), [...common, 'mail', 'redirectUri', 'siteName'].toSorted())
  const authz = Object.keys(authzContext(services, place))
  assert.deepEqual(
    authz.toSorted(),
    [
      ...common,
      ...['accounts', 'access', 'admin', 'mail', 'noteIssue', 'self', 'signIns', 'termsUrl', 'tokens', 'url'],
    ].toSorted(),
  )
})

test('url() builds on the host and prefix of the instance', () => {
  const context = authzContext(noServices('door'), place)
  assert.equal(context.url('/token?x=1').href, 'https://ng.example.org:8443/ng/token?x=1')
  assert.throws(() => context.url('//evil.example'), TypeError)
  assert.throws(() => context.url('token'), TypeError)
})

test('without services every use is a TypeError that names it', () => {
  const { fetch, store, mail } = noServices('door')
  assert.throws(() => fetch('https://x.example'), /door used `fetch`/)
  assert.throws(() => store.get('x'), /door used `store\.get`/)
  assert.throws(() => mail.send({ to: '', subject: '', text: '', html: '' }), /door used `mail\.send`/)
})

test('a dialect asks for itself, unless it names another service', async () => {
  const asked: unknown[] = []
  const note =
    (name: string) =>
    async (...words: unknown[]) => {
      asked.push([name, ...words])
      return undefined as never
    }
  const given = {
    ...noServices('door'),
    access: {
      ...noServices('door').access,
      snapshot: note('snapshot'),
      anyone: note('anyone'),
      decide: note('decide'),
    },
  }
  const { access } = authzContext(given, place)
  await access.snapshot('ada')
  await access.snapshot('ada', { service: 'viewer' })
  await access.anyone()
  await access.decide({ account: 'ada', dataset: 'fish', verb: 'view', service: undefined })
  await access.decide({ account: 'ada', dataset: 'fish', verb: 'view', service: 'viewer' })
  const own = { service: place.id }
  assert.deepEqual(asked, [
    ['snapshot', 'ada', own],
    ['snapshot', 'ada', { service: 'viewer' }],
    ['anyone', own],
    ['decide', { account: 'ada', dataset: 'fish', verb: 'view', ...own }],
    ['decide', { account: 'ada', dataset: 'fish', verb: 'view', service: 'viewer' }],
  ])
})
