import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkConfig, type Known } from '../../../core/config/check.ts'
import { verdict } from '../../../core/config/check-rules.ts'
import { parseConfig } from '../../../core/config/load.ts'
import { pathText } from '../../../core/config/problems.ts'
import type { Rule } from '../../../core/config/schema.ts'

const base = {
  issuer: 'https://id.example.org',
  keys: [{ env: 'KEY' }],
  mail: { from: { address: 'a@example.org' }, outbox: 'out' },
  plugins: { email: { use: 'x' } },
}
const known: Known = { kinds: { email: 'auth' }, scopes: ['dataset'], grantTypes: ['urn:dataset:grant'] }

function found(config: object, knows: Known | undefined = known): string[] {
  const text = JSON.stringify({ ...base, ...config })
  const loaded = parseConfig(text, { name: 'x', env: { KEY: 'k', S: 's' } }).config
  return checkConfig(loaded, knows).map(({ level, path, message }) => `${level} ${pathText(path)}: ${message}`)
}

const client = (more: object) => ({
  clients: { app: { redirectUris: ['https://app.example.org/cb'], secret: { env: 'S' }, ...more } },
})
const redirect = (...uris: string[]) => found(client({ redirectUris: uris })).map((line) => line.split(': ')[0])

test('a sound config has no findings', () => {
  assert.deepEqual(found(client({})), [])
})

test('an issuer must be https beyond loopback, demo or not is told apart', () => {
  assert.deepEqual(found({ issuer: 'http://id.example.org' }), ['error issuer: must be https beyond loopback'])
  assert.match(found({ issuer: 'http://id.example.org', demo: true })[0] ?? '', /^warning issuer/)
  assert.match(found({ demo: true }).join(), /warning demo: demo is on/)
  assert.deepEqual(found({ issuer: 'http://localhost:8080' }), [])
})

test('redirect URIs are https, http on loopback, or a scheme with a dot', () => {
  const good = [
    'https://a.example/x',
    'http://localhost:1/',
    'http://127.0.0.1/',
    'http://[::1]:9/x',
    'org.example.app:/cb',
  ]
  assert.deepEqual(redirect(...good), [])
  for (const bad of [
    'http://a.example/',
    'http://127.0.0.2/',
    'http://localhost.a.example/',
    'myapp:/cb',
    'https://a.example/#x',
    'javascript:alert(1)',
  ]) {
    assert.deepEqual(redirect(bad), ['error clients.app.redirectUris[0]'], bad)
  }
})

test('a star in an address is told to be one: nothing is matched by it', () => {
  assert.match(
    found(client({ redirectUris: ['https://a.example/*'] })).join(),
    /^warning .*redirectUris\[0\]: is compared/,
  )
  assert.deepEqual(redirect('http://a.example/*').length, 2)
})

test('what is asked of one port is told, not taken for another process', () => {
  const ports = (listen: object, management: object) => found({ listen, management }).map((line) => line.split(': ')[0])
  assert.deepEqual(ports({ port: 8080 }, { port: 8080 }), ['error management.port'])
  assert.deepEqual(ports({ port: 8080, host: '0.0.0.0' }, { port: 8080 }), ['error management.port'])
  assert.deepEqual(ports({ port: 8080, host: '127.0.0.2' }, { port: 8080 }), [])
  assert.deepEqual(ports({ port: 0 }, { port: 0 }), [])
  assert.deepEqual(ports({ port: 8080 }, { port: 8080, enabled: false }), [])
  assert.deepEqual(ports({ socket: '/run/labgate.sock' }, { port: 8080 }), [])
})

test('other addresses of a client are judged as well', () => {
  const more = {
    postLogoutRedirectUris: ['http://a.example/'],
    backchannelLogoutUri: 'http://a.example/',
    origins: ['http://a.example'],
  }
  assert.deepEqual(
    found(client(more)).map((line) => line.split(': ')[0]),
    ['postLogoutRedirectUris[0]', 'origins[0]', 'backchannelLogoutUri'].map((key) => `error clients.app.${key}`),
  )
})

test('a code client without redirect URIs and a public one without PKCE are errors', () => {
  assert.match(found(client({ redirectUris: [] }))[0] ?? '', /^error clients\.app: `redirectUris` is empty/)
  const open = { clients: { app: { public: true, pkce: false, redirectUris: ['https://a.example/'] } } }
  assert.match(found(open)[0] ?? '', /^error clients\.app\.pkce/)
  assert.deepEqual(found(client({ redirectUris: [], grantTypes: ['client_credentials'] })), [])
})

test('an unknown scope is told with the near one; without the registry it is not judged', () => {
  assert.deepEqual(found(client({ scopes: ['openid', 'offline_access', 'orcid', 'dataset'] })), [])
  assert.deepEqual(found(client({ scopes: ['profil'] })), [
    'error clients.app.scopes[0]: there is no scope `profil`; did you mean `profile`?',
  ])
  assert.deepEqual(
    checkConfig(
      parseConfig(JSON.stringify({ ...base, ...client({ scopes: ['x'] }) }), { name: 'x', env: { KEY: 'k', S: 's' } })
        .config,
    ),
    [],
  )
})

test('an unknown grant type is told; those of plugins are known', () => {
  assert.deepEqual(found(client({ grantTypes: ['authorization_code', 'urn:dataset:grant'] })), [])
  assert.deepEqual(found(client({ grantTypes: ['authorization_code', 'urn:dataset:grand'] })), [
    'error clients.app.grantTypes[1]: there is no grant type `urn:dataset:grand`; did you mean `urn:dataset:grant`?',
  ])
})

test('admins must name an instance that signs people in', () => {
  assert.deepEqual(found({ admins: ['email:a@b.org'] }), [])
  assert.deepEqual(found({ admins: ['emial:a@b.org'] }), [
    'error admins[0]: there is no plugin `emial`; did you mean `email`?',
  ])
  const two = {
    plugins: { ...base.plugins, ng: { use: 'y' }, off: { use: 'z', enabled: false } },
    admins: ['ng:a', 'off:a'],
  }
  assert.deepEqual(found(two, { ...known, kinds: { email: 'auth', ng: 'authz' } }), [
    'error admins[0]: `ng` is no way to sign in (its kind is authz)',
    'warning admins[1]: the plugin `off` is not enabled',
  ])
})

test('clients that nobody could sign in to are errors', () => {
  const none = found(
    { ...client({}), plugins: { email: { use: 'x', enabled: false } } },
    { kinds: {}, scopes: [], grantTypes: [] },
  )
  assert.deepEqual(none, [
    'warning plugins: nobody can sign in here: no plugin of kind auth is enabled',
    'error clients.app: nobody can sign in here: no plugin of kind auth is enabled',
  ])
})

test('two homes on one host are an error, on two hosts not', () => {
  const homes = (host: string) => ({
    plugins: { ...base.plugins, a: { use: 'x', home: true }, b: { use: 'x', home: true, host } },
  })
  assert.deepEqual(found(homes('b.example.org')), [])
  const same = { plugins: { ...base.plugins, a: { use: 'x', home: true }, b: { use: 'x', home: true } } }
  assert.deepEqual(found(same), ['error plugins.b.home: a is the home of this host already'])
})

test('missing keys are an error without demo; missing mail a warning', () => {
  assert.match(found({ keys: [] })[0] ?? '', /^error keys: no sealing key/)
  assert.deepEqual(found({ keys: [], demo: true, issuer: 'http://localhost:1' }), [])
  assert.match(found({ mail: undefined })[0] ?? '', /^warning mail/)
})

test('mail in clear to another machine is an error', () => {
  const mail = (host: string) => ({ mail: { from: { address: 'lab@example.org' }, smtp: { host, security: 'none' } } })
  assert.match(found(mail('mail.example.org'))[0] ?? '', /^error mail.smtp.security: mail in clear/)
  assert.deepEqual(found(mail('localhost')), [])
})

test('a rule that can never hold is an error, one that always holds a warning', () => {
  const rule = (allow: object) => found({ plugins: { email: { use: 'x', admission: { allow } } } })
  assert.deepEqual(rule({ any: [] }), [
    'error plugins.email.admission.allow: this rule can never hold, so nobody could come in',
  ])
  assert.deepEqual(rule({ not: { any: [] } }), [
    'warning plugins.email.admission.allow: this rule always holds, so everybody could come in',
  ])
})

test('verdict() sees through all, any and not', () => {
  const domain: Rule = { domains: ['example.org'] }
  const never: Rule[] = [
    { any: [] },
    { all: [] },
    { domains: [] },
    { organisations: [] },
    { claim: 'x', oneOf: [] },
    { all: [domain, { domains: [] }] },
    { all: [domain, { not: domain }] },
    { any: [{ all: [] }, { not: { not: { any: [] } } }] },
    { not: { any: [domain, { not: { any: [] } }] } },
  ]
  for (const rule of never) assert.equal(verdict(rule), 'never', JSON.stringify(rule))
  const sometimes: Rule[] = [
    domain,
    { claim: 'x', equals: null },
    { any: [domain, { domains: [] }] },
    { not: domain },
    { all: [domain, { not: { domains: [] } }] },
  ]
  for (const rule of sometimes) assert.equal(verdict(rule), 'sometimes', JSON.stringify(rule))
  assert.equal(verdict({ not: { domains: [] } }), 'always')
})

test('tokens for jobs live from a minute to a day, and have scopes of dialects only', () => {
  const jobs = (more: object, knows: Known = { ...known, tokenScopes: ['probe'] }) =>
    found({ plugins: { email: { use: 'x', jobs: { enabled: true, ...more } } } }, knows)
  assert.deepEqual(jobs({ life: '24h', scopes: ['probe'] }), [])
  for (const life of ['30s', '25h'])
    assert.deepEqual(jobs({ life }), ['error plugins.email.jobs.life: must be from 1m to 1440m'])
  assert.match(jobs({ scopes: ['admin'] }).join(), /error plugins\.email\.jobs\.scopes\[0\]: must not be `admin`/)
  assert.match(jobs({ scopes: ['probes'] }).join(), /there is no scope `probes`.*probe/)
  assert.deepEqual(jobs({ scopes: ['probes'] }, known), [])
  assert.deepEqual(jobs({ enabled: false, life: '1s', scopes: ['admin'] }), [])
})
