/** That a large file gets more memory for its pages, and a small one no more than it did. @module */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase, pageCacheKiB } from '../../../core/storage/sqlite.ts'
import { tempFolder } from '../../support/program.ts'

const [MiB, GiB] = [1024 ** 2, 1024 ** 3]

test('pages of a file up to 512 MiB get 16 MiB, of a larger one a thirty-second, at most 128 MiB', () => {
  assert.equal(pageCacheKiB(0), 16 * 1024)
  assert.equal(pageCacheKiB(512 * MiB), 16 * 1024)
  assert.equal(pageCacheKiB(2 * GiB), 64 * 1024)
  assert.equal(pageCacheKiB(100 * GiB), 128 * 1024)
})

test('a new file is opened with the least', async () => {
  const folder = await tempFolder()
  const database = openDatabase(join(folder.path, 'labgate.db'))
  try {
    assert.equal(database.pragma('cache_size', { simple: true }), -16 * 1024)
  } finally {
    database.close()
    await folder.remove()
  }
})
