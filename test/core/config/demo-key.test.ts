import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { sealingSecrets } from '../../../core/config/demo-key.ts'
import { systemRandom } from '../../../core/random.ts'

const keyIn = (data: string) => sealingSecrets({ keys: [], demo: true, data }, systemRandom)

test('a demo makes its key once, for its owner alone; a data folder that is none is told as the operator’s to mend', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-key-'))
  t.after(() => rm(folder, { recursive: true }))
  const made = keyIn(join(folder, 'data'))
  assert.deepEqual(keyIn(join(folder, 'data')), made)
  assert.equal((await stat(join(folder, 'data/sealing.key'))).mode & 0o777, 0o600)
  const file = join(folder, 'file')
  await writeFile(file, '')
  for (const data of [file, join(file, 'deep')])
    assert.throws(() => keyIn(data), {
      code: 'ERR_CONFIG',
      message: /^data: .*file.* cannot be used \(ENOTDIR\).*`data`/,
    })
})
