import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeFolder } from '../../../core/storage/folder.ts'

test('a folder is made with those above it, for its owner alone; where none can be, the system’s words come at once', async (t) => {
  const place = await mkdtemp(join(tmpdir(), 'labgate-folder-'))
  t.after(() => rm(place, { recursive: true }))
  const deep = join(place, 'a/b/c')
  makeFolder(deep)
  makeFolder(deep)
  for (const one of ['a', 'a/b', 'a/b/c']) assert.equal((await stat(join(place, one))).mode & 0o777, 0o700)
  await writeFile(join(place, 'file'), '')
  await symlink(join(place, 'nowhere/at/all'), join(place, 'astray'))
  for (const [path, code] of [
    ['file', 'EEXIST'],
    ['file/deep', 'ENOTDIR'],
    ['astray', 'EEXIST'],
    ['astray/deep', 'EEXIST'],
  ] as const)
    assert.throws(() => makeFolder(join(place, path)), { code })
})

// There the system says ENOENT of a folder whose parent is there: Node's own way never ends.
test('below /proc it ends, too', { skip: process.platform !== 'linux' }, () => {
  for (const path of ['/proc/labgate', '/proc/labgate/data', '/proc/self/labgate'])
    assert.throws(() => makeFolder(path), { code: 'ENOENT' })
})
