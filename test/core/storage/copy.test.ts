import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import Database from 'better-sqlite3'
import { withCopy } from '../../../core/storage/copy.ts'

const module = new URL('../../../core/storage/copy.ts', import.meta.url).href

describe('a copy of the database', () => {
  let folder: string
  let file: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labgate-copy-'))
    file = join(folder, 'labgate.db')
    new Database(file).exec("CREATE TABLE note (text); INSERT INTO note VALUES ('here')").close()
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const hidden = async () => (await readdir(folder)).filter((name) => name.startsWith('.'))

  test('is nobody else’s to read, and is gone with its work, whatever came of that', async () => {
    const text = await withCopy(file, async (copy) => {
      assert.equal((await stat(dirname(copy))).mode & 0o777, 0o700)
      return new Database(copy, { readonly: true }).prepare('SELECT text FROM note').pluck().get()
    })
    assert.equal(text, 'here')
    await assert.rejects(
      withCopy(file, () => Promise.reject(new Error('no luck'))),
      /no luck/,
    )
    assert.deepEqual(await hidden(), [])
  })

  const working = async () => {
    const script = `const { withCopy } = await import(${JSON.stringify(module)})
      await withCopy(${JSON.stringify(file)}, () => { console.log('made'); return new Promise((done) => setTimeout(done, 60_000)) })`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    assert.equal((await hidden()).length, 1)
    return child
  }

  test('is gone when its process is told to end', async () => {
    const child = await working()
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [null, 'SIGTERM'])
    assert.deepEqual(await hidden(), [])
  })

  test('of a process that was killed goes with the next; of one that is at it, and of others, stays', async () => {
    const [killed, busy] = [await working(), join(folder, `.labgate-plan-${process.pid}-abcdef`)]
    killed.kill('SIGKILL')
    await once(killed, 'exit')
    await mkdir(busy)
    await writeFile(join(folder, '.labgate-plan-mine'), '')
    await withCopy(file, async () => undefined)
    assert.deepEqual(
      (await hidden()).toSorted(),
      [`.labgate-plan-${process.pid}-abcdef`, '.labgate-plan-mine'].toSorted(),
    )
  })
})
