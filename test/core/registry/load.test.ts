import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Fault, isFault } from '@labgate/contract'
import type { PluginEntry } from '../../../core/config/schema.ts'
import type { LoadNeeds } from '../../../core/registry/load.ts'
import { authSource, authzSource, entryOf, folderWith, load } from '../../support/plugin-folder.ts'

async function refused(
  folder: string,
  config: Readonly<Record<string, PluginEntry>>,
  changes: Partial<LoadNeeds> = {},
): Promise<Fault> {
  const error = await load(folder, config, changes).then(
    () => assert.fail('it must not load'),
    (thrown: unknown) => thrown,
  )
  assert.ok(isFault(error), String(error))
  assert.equal(error.code, 'ERR_PLUGIN')
  return error
}

/** Loads one plugin's source and returns the message of the refusal. */
async function messageFor(t: TestContext, source: string, entry: Partial<PluginEntry> = {}): Promise<string> {
  const folder = await folderWith(t, { 'probe.js': source, 'package.json': '{"type":"module"}' })
  return (await refused(folder, { probe: entryOf('./probe.js', entry) })).message
}

test('a plugin in plain JavaScript outside the repository loads by its path', async (t) => {
  const folder = await folderWith(t, { 'mine/probe.mjs': authSource() })
  const registry = await load(folder, { door: entryOf('./mine/probe.mjs', { realm: 'old-door' }) })
  const [door] = registry.auth()
  assert.equal(door?.id, 'door')
  assert.equal(door?.plugin, 'probe')
  assert.equal(door?.realm, 'old-door')
  assert.equal(door?.redirectUri.href, 'https://id.example.org/sign-in/door/callback')
  assert.deepEqual(registry.choices('en'), [{ id: 'door', card: { label: 'Probe' } }])
})

test('an absolute path and a folder with a package.json load too', async (t) => {
  const manifest = '{"type":"module","exports":{".":{"import":"./main.js"}}}'
  const folder = await folderWith(t, { 'pkg/package.json': manifest, 'pkg/main.js': authSource() })
  const registry = await load(folder, { a: entryOf('./pkg'), b: entryOf(join(folder, 'pkg/main.js')) })
  assert.deepEqual(
    registry.auth().map(({ id }) => id),
    ['a', 'b'],
  )
})

test('a package is looked up from the config file first, then from the core', async (t) => {
  const manifest = '{"name":"lab-door","type":"module","exports":"./index.js"}'
  const folder = await folderWith(t, {
    'node_modules/lab-door/package.json': manifest,
    'node_modules/lab-door/index.js': authSource({ name: "'lab-door'" }),
  })
  const registry = await load(folder, { mine: entryOf('lab-door'), email: entryOf('@labgate/auth-email') })
  assert.deepEqual(
    registry.auth().map(({ plugin }) => plugin),
    ['lab-door', 'email'],
  )
})

test('a plugin kept from contract 1 loads, is translated and signs in', async () => {
  const folder = join(import.meta.dirname, '../../support/plugins')
  const config = { people: ['ada'], word: { env: 'DOOR_WORD' } }
  const needs = { env: { DOOR_WORD: 'melon' } }
  const registry = await load(
    folder,
    { kept: entryOf('./kept-contract-1.js', { config }) },
    {
      ...needs,
      contextFor: () => ({ clock: { now: () => new Date(0) } }) as ReturnType<LoadNeeds['contextFor']>,
    },
  )
  const kept = registry.auth()[0]
  assert.ok(kept?.method.next)
  assert.deepEqual(kept.callbackPaths, ['/kept/old-callback'])
  const body = new URLSearchParams({ name: 'ada', word: 'melon' })
  const url = new URL('https://id.example.org/')
  const reply = { via: 'form', method: 'POST', url, body, locale: 'de-CH', address: '192.0.2.1' } as const
  const done = await kept.method.next(reply, {} as never)
  assert.ok('done' in done)
  assert.equal(done.done.subject, 'ada')
  const no = await kept.method.next({ ...reply, body: new URLSearchParams({ name: 'eve' }) }, {} as never)
  assert.deepEqual(no, { no: { reason: 'denied', message: 'Nobody here is called eve.', retryAfterSeconds: 120 } })
})

test('an instance that is switched off is listed and never imported', async (t) => {
  const folder = await folderWith(t, { 'package.json': '{"type":"module"}', 'bad.js': 'throw new Error("imported")' })
  const registry = await load(folder, { off: entryOf('./bad.js', { enabled: false }) })
  assert.deepEqual(registry.disabled(), [{ id: 'off', use: './bad.js' }])
  assert.equal(registry.get('off'), undefined)
})

test('all problems of all plugins are told at once, with the place in the file', async (t) => {
  const folder = await folderWith(t, { 'package.json': '{"type":"module"}', 'probe.js': authSource() })
  const locate = (path: readonly (string | number)[]) => ({ file: 'labgate.yaml', line: path.length, column: 1 })
  const config = {
    gone: entryOf('./gone.js'),
    missing: entryOf('@labgate/auth-missing'),
    mistyped: entryOf('@labgate/auth-githbu'),
    probe: entryOf('./probe.js', { config: { colour: 1, size: 2 } }),
  }
  const { message, detail } = await refused(folder, config, { locate })
  assert.match(message, /^labgate\.yaml:2:1: plugins\.gone: \.\/gone\.js: no such file or folder/m)
  assert.match(
    message,
    /plugins\.missing: @labgate\/auth-missing: package not found .*npm install @labgate\/auth-missing/,
  )
  assert.match(message, /plugins\.mistyped: .*package not found .*; did you mean `@labgate\/auth-github`\?/)
  assert.doesNotMatch(message, /npm install @labgate\/auth-githbu/)
  assert.match(message, /^labgate\.yaml:\d:1: plugins\.probe\.config\.colour: unknown key/m)
  assert.match(message, /plugins\.probe\.config\.size: unknown key/)
  assert.equal((detail.problems as readonly unknown[]).length, 5)
})

test('the config is checked before create', async (t) => {
  const config =
    "{ type: 'object', additionalProperties: false, required: ['key'], properties: { key: { type: 'string', description: 'x' } } }"
  const message = await messageFor(t, authSource({ config, create: "() => { throw new Error('created') }" }))
  assert.match(message, /plugins\.probe\.config: `key` is missing/)
  assert.doesNotMatch(message, /created/)
})

const wrongPlugins: readonly (readonly [what: string, source: string, message: RegExp])[] = [
  ['has no default export', 'export const plugin = 1', /has no default export/],
  ['exports no object', 'export default 1', /its default export is no object/],
  ['throws when it is imported', "throw new Error('boom')", /cannot be imported from .*probe\.js: boom/],
  ['does not parse', 'export default {', /cannot be imported/],
  ['is of an unknown kind', authSource({ kind: "'oracle'" }), /`kind` must be one of auth, authz, runner/],
  ['has no name', authSource({ name: "''" }), /`name` must be a text/],
  [
    'was written for a later contract',
    authSource({ contract: '2' }),
    /written for contract 2, .* speaks 1; update Labgate/,
  ],
  ['was written for an earlier contract', authSource({ contract: '0' }), /update the plugin/],
  ['names no contract', authSource({ contract: '' }), /`contract` must be the number/],
  ['lets unknown keys through', authSource({ config: "{ type: 'object' }" }), /`additionalProperties: false`/],
  [
    'has a schema that is none',
    authSource({ config: "{ type: 'object', additionalProperties: false, properties: { a: { typ: 'string' } } }" }),
    /config schema is wrong.*typ/,
  ],
  ['has no English texts', authSource({ text: '{ de: { a: "A" } }' }), /`text\.en` is missing/],
  [
    'has a text without English',
    authSource({ text: '{ en: {}, de: { a: "A" } }' }),
    /`text\.de\.a` has no English text/,
  ],
  ['has a text that is none', authSource({ text: '{ en: { a: 1 } }' }), /`text\.en\.a` must be a string/],
  ['cannot be created', authSource({ create: "() => { throw new Error('no hands') }" }), /`create` failed: no hands/],
  [
    'uses a service in create',
    authSource({ create: "(c) => c.fetch('https://x')" }),
    /used `fetch` before it was started/,
  ],
  ['is created later', authSource({ create: 'async () => ({})' }), /not a promise/],
  ['lacks begin', authSource({ create: "() => ({ issuers: ['x'], card() {} })" }), /lacks the function `begin`/],
  ['names no issuer', authSource({}, 'issuers: []'), /`issuers` must list at least one/],
  ['has a stop that is no function', authSource({}, 'stop: 1'), /`stop` .* must be a function/],
  ['has a callback path without a slash', authSource({ callbackPaths: "() => ['x']" }), /callback path `x` must begin/],
  [
    'has a callback path of the core',
    authSource({ callbackPaths: "() => ['/oidc/x']" }),
    /\/oidc\/x overlaps .* of core/,
  ],
  ['claims no routes', authzSource([], { routes: '' }), /`routes` must be a function/],
  ['claims a path that is none', authzSource(['GET /a/:']), /route `r0`: path /],
  ['claims by an unknown method', authzSource(['TRACE /a']), /route `r0`: method must be one of/],
  ['claims one path twice', authzSource(['GET /u/:id', 'GET /u/:name']), /`r0` and `r1` claim the same GET path/],
  [
    'has no handler',
    authzSource(['GET /a'], { create: '() => ({ handlers: {}, project() {} })' }),
    /route `r0` has no handler/,
  ],
  ['claims a path of the core', authzSource(['GET /account/mine']), /GET \/account\/mine overlaps .* of core/],
]

for (const [what, source, message] of wrongPlugins) {
  test(`a plugin that ${what} does not load`, async (t) => {
    const said = await messageFor(t, source)
    assert.match(said, message)
    assert.match(said, /plugins\.probe: \.\/probe\.js: /)
  })
}

test('host, prefix and home are refused on other kinds than authz', async (t) => {
  const said = await messageFor(t, authSource(), { host: 'x.example.org', prefix: '/x', home: true })
  for (const key of ['host', 'prefix', 'home'])
    assert.match(said, new RegExp(`\`${key}\` is for plugins of kind authz`))
})

test('jobs are refused where the plugin redeems nothing, and taken where it does', async (t) => {
  const jobs = { enabled: true, life: 900, scopes: [] }
  assert.match(await messageFor(t, authSource(), { jobs }), /`jobs` cannot be enabled.*`redeem`/)
  assert.match(await messageFor(t, authzSource(['GET /x']), { jobs }), /`jobs` cannot be enabled/)
  assert.match(await messageFor(t, authSource({}, 'redeem: 7')), /`redeem` .* must be a function/)
  const source = authSource({}, "redeem: async () => ({ no: { reason: 'denied', message: 'no' } })")
  const folder = await folderWith(t, { 'probe.js': source, 'package.json': '{"type":"module"}' })
  assert.equal((await load(folder, { probe: entryOf('./probe.js', { jobs }) })).auth().length, 1)
})

test('two dialects may not claim what meets; a host or a prefix keeps them apart', async (t) => {
  const folder = await folderWith(t, {
    'package.json': '{"type":"module"}',
    'one.js': authzSource(['GET /api/user/:id', 'POST /api/token']),
    'other.js': authzSource(['GET /api/user/me', 'GET /api/token']),
  })
  const one = entryOf('./one.js')
  const { message } = await refused(folder, { one, other: entryOf('./other.js') })
  assert.equal(message.split('\n').length, 1)
  assert.match(message, /plugins\.other: .*GET \/api\/user\/me overlaps GET \/api\/user\/:id of one/)
  const apart = await load(folder, {
    one,
    hosted: entryOf('./other.js', { host: 'Other.example.org' }),
    prefixed: entryOf('./other.js', { prefix: '/other' }),
  })
  const places = apart.authz().map(({ origin, routes }) => `${origin}${routes[0]?.path}`)
  assert.deepEqual(places, [
    'https://id.example.org/api/user/:id',
    'https://other.example.org/api/user/me',
    'https://id.example.org/other/api/user/me',
  ])
})

test('a name that a plugin wants once is given to one instance alone', async (t) => {
  const unique = "() => ['prefix grey']"
  const folder = await folderWith(t, {
    'package.json': '{"type":"module"}',
    'one.js': authzSource(['GET /api/me'], { unique }),
    'other.js': authzSource(['GET /api/me'], { unique: "'x'" }),
  })
  const { message } = await refused(folder, {
    one: entryOf('./one.js'),
    two: entryOf('./one.js', { prefix: '/two' }),
  })
  assert.match(message, /plugins\.two: .*prefix grey is that of plugins\.one already/)
  assert.match((await refused(folder, { other: entryOf('./other.js') })).message, /`unique` must be a function/)
})

test('only the home dialect may claim / on the issuer; on a host of its own any may', async (t) => {
  const files = { 'package.json': '{"type":"module"}', 'root.js': authzSource(['GET /']) }
  const folder = await folderWith(t, files)
  assert.match((await refused(folder, { root: entryOf('./root.js') })).message, /GET \/ overlaps \/ of core/)
  const registry = await load(folder, {
    root: entryOf('./root.js', { home: true }),
    own: entryOf('./root.js', { host: 'own.example.org' }),
  })
  assert.equal(registry.authz().length, 2)
})

test('beside a home dialect no other may claim / on the issuer, whatever the method', async (t) => {
  const folder = await folderWith(t, {
    'package.json': '{"type":"module"}',
    'root.js': authzSource(['GET /']),
    'other.js': authzSource(['POST /']),
  })
  const instances = { root: entryOf('./root.js', { home: true }), other: entryOf('./other.js') }
  assert.match((await refused(folder, instances)).message, /plugins\.other: .*POST \/ overlaps \/ of root/)
})

test('an optional plugin that fails is kept with its reason, degrades health and explains its button', async (t) => {
  const folder = await folderWith(t, { 'package.json': '{"type":"module"}', 'probe.js': authSource() })
  const registry = await load(folder, {
    github: entryOf('@labgate/auth-missing', { optional: true }),
    probe: entryOf('./probe.js'),
  })
  assert.deepEqual(
    registry.auth().map(({ id }) => id),
    ['probe'],
  )
  assert.match(registry.failed()[0]?.failed ?? '', /package not found/)
  const health = (await registry.health()).find(({ id }) => id === 'github')
  assert.equal(health?.ok, false)
  assert.match(health?.detail ?? '', /npm install/)
  const button = registry.choices('en').find(({ id }) => id === 'github')?.card
  assert.deepEqual(button, { hidden: '“github” is not available at the moment.', show: true })
})

test('two instances of one package each have their own config', async (t) => {
  const config =
    "{ type: 'object', additionalProperties: false, properties: { label: { type: 'string', description: 'x', default: 'Door' } } }"
  const create = "(c) => ({ issuers: ['x'], card: () => ({ label: c.config.label }), begin() {} })"
  const folder = await folderWith(t, { 'package.json': '{"type":"module"}', 'p.js': authSource({ config, create }) })
  const registry = await load(folder, { a: entryOf('./p.js'), b: entryOf('./p.js', { config: { label: 'Gate' } }) })
  assert.deepEqual(
    registry.signIns().map(({ label }) => label),
    ['Door', 'Gate'],
  )
})
