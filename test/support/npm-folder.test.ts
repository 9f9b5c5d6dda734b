import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { npmNeeds } from './npm-folder.ts'
import { root } from './sources.ts'

/** A client whose one dependency lies in its own folder, so that nothing is downloaded. */
async function client() {
  // On the disk of the repository, as the real ones are.
  const ground = join(root, 'node_modules', '.clients')
  await mkdir(ground, { recursive: true })
  const path = await mkdtemp(join(ground, 'test-'))
  const file = { name: 'client', version: '1.0.0', dependencies: { own: 'file:./own' } }
  const { name, version, dependencies } = file
  const packages = {
    '': { name, version, dependencies },
    own: { version: '1.0.0' },
    'node_modules/own': { resolved: 'own', link: true },
  }
  await mkdir(join(path, 'own'))
  await writeFile(join(path, 'own', 'package.json'), JSON.stringify({ name: 'own', version: '1.0.0' }))
  await writeFile(join(path, 'package.json'), JSON.stringify(file))
  await writeFile(join(path, 'package-lock.json'), JSON.stringify({ name, version, lockfileVersion: 3, packages }))
  return { path, file, remove: () => rm(path, { recursive: true, force: true }) }
}

// A path without npm.
function withoutNpm(folder: string, ci: string): { status: number | null; out: string } {
  const from = JSON.stringify(join(root, 'test', 'support', 'npm-folder.ts'))
  const code = `import { npmNeeds } from ${from}; console.log(await npmNeeds('client', ${JSON.stringify(folder)}))`
  const env = { PATH: join(root, 'docs'), CI: ci }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    env,
    encoding: 'utf8',
  })
  return { status, out: stdout + stderr }
}

test('a client that cannot be installed is a reason to skip, and a failure with CI set', async () => {
  const folder = await client()
  try {
    const skipped = withoutNpm(folder.path, '')
    assert.equal(skipped.status, 0, skipped.out)
    assert.match(skipped.out, /^npm could not install test\/clients\/client: .*npm/)
    const failed = withoutNpm(folder.path, 'true')
    assert.equal(failed.status, 1)
    assert.match(failed.out, /with CI set a suite must not be skipped/)
  } finally {
    await folder.remove()
  }
})

test('a client is installed once for its lock, also by two at once, and again when the lock changes', async () => {
  const folder = await client()
  const stamp = join(folder.path, 'node_modules', '.installed-by-lock')
  try {
    assert.deepEqual(await Promise.all([npmNeeds('client', folder.path), npmNeeds('client', folder.path)]), [
      false,
      false,
    ])
    assert.ok(existsSync(stamp))
    assert.ok(existsSync(join(folder.path, 'node_modules', 'own', 'package.json')))
    assert.equal(withoutNpm(folder.path, 'true').status, 0)
    await writeFile(join(folder.path, 'package.json'), JSON.stringify({ ...folder.file, version: '1.0.1' }))
    assert.equal(withoutNpm(folder.path, 'true').status, 1)
    assert.equal(await npmNeeds('client', folder.path), false)
  } finally {
    await folder.remove()
  }
})
