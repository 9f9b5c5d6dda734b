/** What `labgate check` says of ways past the proxy. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkConfig } from '../../../core/config/check.ts'
import { parseConfig } from '../../../core/config/load.ts'
import { pathText } from '../../../core/config/problems.ts'
import { presets } from '../../../core/workspaces/presets.ts'

const ports = { from: 9201, to: 9250 }
const base = {
  issuer: 'https://id.example.org',
  keys: [{ env: 'KEY' }],
  mail: { from: { address: 'a@example.org' }, outbox: 'out' },
  plugins: { email: { use: 'x' }, docker: { use: 'y' } },
}

/** What is found of `direct`, path and words. */
function found(direct: object, more: { config?: object; profile?: object } = {}): string[] {
  const profile = {
    preset: 'jupyterlab',
    runner: 'docker',
    direct: { bind: '192.0.2.10', ports, ...direct },
    ...more.profile,
  }
  const workspaces = { origin: 'https://*.work.example.org', profiles: { lab: profile } }
  const { config } = parseConfig(JSON.stringify({ ...base, ...more.config, workspaces }), {
    name: 'x',
    env: { KEY: 'k' },
  })
  return checkConfig(config).flatMap(({ level, path, message }) => {
    const at = pathText(path)
    return at.includes('.direct') ? [`${level} ${at.split('.direct')[1]}: ${message}`] : []
  })
}

test('an address, a range and an app with a credential of its own are enough', () => {
  assert.deepEqual(found({}), [])
  assert.deepEqual(found({ bind: '0.0.0.0', everyInterface: true, host: 'nb.example.org' }), [])
  const credential = { file: 'password' }
  assert.deepEqual(found({}, { profile: { preset: 'rstudio', credential } }), [])
})

test('an app that asks nobody is refused, by preset', () => {
  const says = (preset: string) => found({}, { profile: { preset, port: 1, command: ['x'], image: 'x' } }).join()
  for (const [name, { credential }] of Object.entries(presets))
    assert.equal(says(name).includes('asks nobody for anything'), credential === undefined, name)
})

test('every network needs its word, and an address for people', () => {
  for (const bind of ['0.0.0.0', '::', '0:0:0:0:0:0:0:0']) {
    const said = found({ bind }).join('\n')
    assert.match(said, /error \.bind: is every network/, bind)
    assert.match(said, /error \.host: is missing/, bind)
  }
})

test('the range has an order, and none of our own ports', () => {
  assert.match(found({ ports: { from: 2, to: 1 } }).join(), /\.ports: begins after it ends/)
  const clash = (bind: string, listen: object) =>
    found({ bind, everyInterface: true, host: 'nb.example.org' }, { config: { listen: { port: 9210, ...listen } } })
      .length
  assert.equal(clash('0.0.0.0', {}), 1)
  assert.equal(clash('127.0.0.1', {}), 1)
  assert.equal(clash('127.0.0.1', { host: 'localhost' }), 1)
  assert.equal(clash('192.0.2.10', {}), 0)
  assert.equal(clash('192.0.2.10', { host: 'localhost' }), 0)
  assert.equal(clash('192.0.2.10', { host: '0.0.0.0' }), 1)
  assert.equal(clash('192.0.2.10', { host: 'gate.example.org' }), 1)
  assert.equal(clash('127.0.0.1', { host: '127.0.0.1', port: 9251 }), 0)
})

test('the issuer’s host is none: browsers send its cookies to every port', () => {
  assert.match(found({ host: 'ID.example.org' }).join(), /error \.host: is the issuer’s/)
  const config = { issuer: 'http://127.0.0.1:8080', demo: true }
  assert.match(
    found({ bind: '127.0.0.1', ports: { from: 7000, to: 7001 } }, { config }).join(),
    /warning \.bind: is the issuer’s/,
  )
})

test('a secret cannot take the place of the token for the lab’s services', () => {
  assert.throws(() => found({}, { profile: { credential: { file: 'labgate-token' } } }), /credential\.file/)
  assert.throws(() => found({}, { profile: { credential: { file: 'a/b' } } }), /credential\.file/)
  assert.throws(() => found({ bind: 'localhost' }), /bind: must be an address/)
})
