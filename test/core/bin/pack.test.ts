import assert from 'node:assert/strict'
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { locatePlugin } from '../../../core/registry/resolve.ts'
import { entryOf, load } from '../../support/plugin-folder.ts'
import { run, typeCheck } from '../../support/project.ts'
import { root } from '../../support/sources.ts'

const consumer = `
import plugin from '@labgate/auth-email'
import { type AuthPlugin, type ConfigOf, contractVersion } from '@labgate/contract'
import { authConformance } from '@labgate/testkit'

const config: ConfigOf<typeof plugin.config> = { codeLifetime: 600, tries: 3, mailsPerHour: 3, mailsPerHourNetwork: 9, mailsPerHourTotal: 9 }
// @ts-expect-error: a config is not a text
const wrong: ConfigOf<typeof plugin.config> = 'x'
export const name: AuthPlugin['name'] = plugin.name
export { authConformance, config, contractVersion, wrong }
`

test('packed packages install into an empty project, load there and have their types', async (t) => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'labgate-empty-')))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const names = ['core/contract', 'plugins/auth-email', 'test/testkit']
  const packed = await run(`node core/bin/pack.js --out '${folder}/tarballs' ${names.join(' ')}`, root)
  assert.equal(packed.code, 0, packed.output)
  const tarballs = packed.output.match(/^\/.*\.tgz$/gm) ?? []
  assert.equal(tarballs.length, 3)
  await writeFile(join(folder, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n')
  const install = `npm install --offline --no-audit --no-fund --ignore-scripts ${tarballs.join(' ')}`
  const installed = await run(install, folder)
  assert.equal(installed.code, 0, installed.output)
  // Loaded by name, with a copy of the contract that is not the core's.
  const found = await locatePlugin('@labgate/auth-email', folder)
  assert.deepEqual(found, { file: join(folder, 'node_modules/@labgate/auth-email/dist/index.js') })
  const registry = await load(folder, {
    mail: entryOf('@labgate/auth-email', { config: { domains: ['example.org'] } }),
  })
  assert.equal(registry.auth()[0]?.plugin, 'email')
  const manifest = JSON.parse(await readFile(join(folder, 'node_modules/@labgate/auth-email/package.json'), 'utf8'))
  assert.deepEqual(manifest.exports, { '.': { types: './dist/index.d.ts', default: './dist/index.js' } })
  const cases = `node -e "import('@labgate/testkit').then((kit) => console.log(typeof kit.authConformance))"`
  assert.match((await run(cases, folder)).output, /^function$/m)
  await writeFile(join(folder, 'consumer.ts'), consumer)
  const typed = await typeCheck(folder)
  assert.equal(typed.code, 0, typed.output)
})
