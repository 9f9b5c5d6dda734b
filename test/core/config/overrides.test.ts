import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFault } from '@labgate/contract'
import { parseConfig } from '../../../core/config/load.ts'
import { upperSnake } from '../../../core/config/overrides.ts'
import type { Env } from '../../../core/config/secrets.ts'

const text = `issuer: https://id.example.org
keys: [{ env: LABGATE_SEALING_KEY }]
plugins:
  email: { use: x, config: { codeLifetime: 10m } }
clients:
  demo-rp: { secret: { env: LABGATE__RP }, redirectUris: [https://a.b/] }
`
const secrets = { LABGATE_SEALING_KEY: 'k', LABGATE__RP: 's' }
const load = (env: Env) => parseConfig(text, { name: 'lab.yaml', env: { ...secrets, ...env } }).config

function refusal(env: Env): string {
  try {
    load(env)
  } catch (error) {
    assert.ok(isFault(error))
    return error.message
  }
  return 'nothing was refused'
}

test('a path is written in upper snake case', () => {
  assert.deepEqual(['port', 'codeLifetime', 'demo-rp', 'idTokenAlg'].map(upperSnake), [
    'PORT',
    'CODE_LIFETIME',
    'DEMO_RP',
    'ID_TOKEN_ALG',
  ])
})

test('a value of the environment wins over the file and over the default', () => {
  const config = load({
    LABGATE_ISSUER: 'https://other.example.org',
    LABGATE_LISTEN__PORT: '9000',
    LABGATE_MANAGEMENT__ENABLED: 'false',
    LABGATE_PROXIES: '[10.0.0.0/8]',
  })
  assert.equal(config.issuer, 'https://other.example.org')
  assert.equal(config.listen.port, 9000)
  assert.equal(config.listen.host, '127.0.0.1')
  assert.equal(config.management.enabled, false)
  assert.deepEqual(config.proxies, ['10.0.0.0/8'])
})

test('where a text is wanted the variable is that text, not YAML', () => {
  assert.equal(load({ LABGATE_NAME: '007' }).name, '007')
  assert.equal(load({ LABGATE_CLIENTS__DEMO_RP__NAME: '{a: b}' }).clients['demo-rp']?.name, '{a: b}')
})

test('settings of plugins can be set, written in the file or not', () => {
  const config = load({
    LABGATE_PLUGINS__EMAIL__CONFIG__CODE_LIFETIME: '5m',
    LABGATE_PLUGINS__EMAIL__CONFIG__MAILS_PER_HOUR: '9',
  })
  assert.deepEqual(config.plugins.email?.config, { codeLifetime: '5m', mailsPerHour: 9 })
})

test('a secret is overridden by its reference', () => {
  const config = load({ LABGATE_CLIENTS__DEMO_RP__SECRET__ENV: 'OTHER', OTHER: 'other secret' })
  assert.equal(config.clients['demo-rp']?.secret?.reveal(), 'other secret')
  assert.match(refusal({ LABGATE_CLIENTS__DEMO_RP__SECRET: 'plain' }), /a secret may not stand in the file/)
})

test('an unknown name is refused, with the near one', () => {
  assert.equal(
    refusal({ LABGATE_LISTEN__PROT: '1' }),
    'environment variable LABGATE_LISTEN__PROT: listen has no PROT; did you mean LABGATE_LISTEN__PORT?',
  )
  assert.match(refusal({ LABGATE_LISTN__PORT: '1' }), /the config has no LISTN; did you mean LABGATE_LISTEN\?/)
  assert.match(refusal({ LABGATE_DATABASE_PASSWORD: 'x' }), /name a secret of yours otherwise$/)
  assert.match(refusal({ LABGATE_CLIENTS__OTHER__NAME: 'x' }), /clients has no OTHER/)
  assert.match(refusal({ LABGATE_LISTEN: '{port: 1}' }), /listen is a section; set one value of it/)
})

test('a wrong value is told by the name of its variable', () => {
  assert.equal(
    refusal({ LABGATE_LISTEN__PORT: 'many' }),
    'environment variable LABGATE_LISTEN__PORT: listen.port: must be an integer, got "many" (string)',
  )
})

test('names that Docker and Kubernetes set for a service called labgate are left alone', () => {
  const env = {
    LABGATE_SERVICE_HOST: '10.0.0.1',
    LABGATE_PORT: 'tcp://10.0.0.1:80',
    LABGATE_PORT_80_TCP_ADDR: '10.0.0.1',
  }
  assert.equal(load(env).listen.port, 8080)
})

test('names of prototypes are no way in', () => {
  assert.match(refusal({ LABGATE___PROTO____X: '1' }), /has no/)
  assert.match(refusal({ LABGATE_CONSTRUCTOR: '1' }), /has no CONSTRUCTOR/)
})
