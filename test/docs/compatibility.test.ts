import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../support/sources.ts'

const text = readFileSync(join(root, 'docs/compatibility.md'), 'utf8')
const rows = [...text.matchAll(/^\| (?!client|program|---)(.+?) \| (.+?) \| (.+?) \| (.+?) \| (.+) \|$/gm)].map(
  ([, client = '', version = '', how = '', , tests = '']) => ({ client, version, how, tests }),
)

test('every client is tried as a real one or imitated, by a test that is there', () => {
  assert.ok(rows.length > 12)
  for (const { client, how, tests } of rows) {
    assert.match(how, /^(real|imitated)$/, client)
    const files = [...tests.matchAll(/`([^`]+)`/g)].map(([, file]) => file ?? '')
    assert.ok(files.length > 0, client)
    for (const file of files) {
      assert.match(file, /^test\/.*\.test\.ts$/)
      assert.ok(existsSync(join(root, file)), `${client}: ${file}`)
    }
  }
})

test('the versions of what is installed are the ones that are named', () => {
  const installed = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  for (const name of ['openid-client', 'oauth4webapi', 'google-auth-library', 'oidc-provider']) {
    const row = rows.find(({ client }) => client.startsWith(name)) ?? assert.fail(name)
    assert.equal(row.version, installed[`node_modules/${name}`].version, name)
  }
  const viewer = JSON.parse(readFileSync(join(root, 'test/clients/neuroglancer/package.json'), 'utf8'))
  assert.ok(rows[0]?.version.includes(` ${viewer.dependencies.neuroglancer},`), rows[0]?.version)
})
