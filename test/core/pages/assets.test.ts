import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { assetUrls, loadAssets } from '../../../core/pages/assets.ts'

suite('loadAssets()', () => {
  test('gives each file an address with its hash and a media type', () => {
    const assets = loadAssets()
    assert.deepEqual(Object.keys(assets).toSorted(), ['logo.svg', 'style.css', 'workspace.js'])
    assert.match(assets['style.css']?.url ?? '', /^\/assets\/style\.[0-9a-f]{12}\.css$/)
    assert.equal(assets['style.css']?.type, 'text/css; charset=utf-8')
    assert.equal(assets['logo.svg']?.type, 'image/svg+xml')
    assert.equal(assets['workspace.js']?.type, 'text/javascript; charset=utf-8')
  })

  test('a logo of the deployer is `brand`, and another logo has another address', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'labgate-assets-'))
    t.after(() => rm(folder, { recursive: true }))
    const logo = join(folder, 'our logo.PNG')
    await writeFile(logo, 'one')
    const one = assetUrls(loadAssets({ logo })).brand
    await writeFile(logo, 'two')
    const two = assetUrls(loadAssets({ logo })).brand
    assert.match(one ?? '', /^\/assets\/brand\.[0-9a-f]{12}\.png$/)
    assert.notEqual(one, two)
  })

  test('refuses a logo that is no image', () => {
    assert.throws(() => loadAssets({ logo: '/x/logo.html' }), /logo\.html: must be one of/)
    assert.throws(() => loadAssets({ logo: '/x/logo.js' }), /logo\.js: must be one of/)
  })
})
