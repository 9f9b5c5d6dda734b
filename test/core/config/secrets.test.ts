import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { readSecret } from '../../../core/config/secrets.ts'

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'labgate-secrets-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const strict = { env: { GOOD: 'from the environment', EMPTY: '' }, demo: false }

async function file(name: string, text: string, mode = 0o600): Promise<{ file: string }> {
  const path = join(folder, name)
  await writeFile(path, text)
  await chmod(path, mode)
  return { file: path }
}

test('{ env } is read from the environment that was handed in', () => {
  assert.equal(readSecret({ env: 'GOOD' }, strict).secret?.reveal(), 'from the environment')
})

test('a variable that is empty or not set is named', () => {
  assert.deepEqual(readSecret({ env: 'NONE' }, strict), { problem: 'the environment variable NONE is not set' })
  assert.deepEqual(readSecret({ env: 'EMPTY' }, strict), { problem: 'the environment variable EMPTY is empty' })
})

test('{ file } drops one line break at the end and nothing else', async () => {
  assert.equal(readSecret(await file('a', ' two\nlines \r\n'), strict).secret?.reveal(), ' two\nlines ')
  assert.equal(readSecret(await file('b', 'x\n\n'), strict).secret?.reveal(), 'x\n')
})

test('a relative file is looked up from `cwd`', async () => {
  await file('relative', 'value')
  assert.equal(readSecret({ file: 'relative' }, { ...strict, cwd: folder }).secret?.reveal(), 'value')
})

test('an empty file and a missing one are refused', async () => {
  const { file: path } = await file('empty', '\n')
  assert.deepEqual(readSecret({ file: path }, strict), { problem: `the file ${path} is empty` })
  assert.deepEqual(readSecret({ file: join(folder, 'no') }, strict), {
    problem: `the file ${join(folder, 'no')} cannot be read (ENOENT)`,
  })
})

test('a file that others can read is warned of, with the mend', async () => {
  assert.equal('warning' in readSecret(await file('closed', 'x', 0o400), strict), false)
  for (const mode of [0o640, 0o604]) {
    const read = readSecret(await file('open', 'x', mode), strict)
    assert.ok('warning' in read && read.warning?.includes('chmod 600'), mode.toString(8))
  }
})

test('a secret in the file itself is for demos only, and is never repeated', () => {
  const read = readSecret('inline-value', strict)
  assert.ok(read.secret === undefined && !read.problem.includes('inline-value'))
  assert.equal(readSecret('inline-value', { ...strict, demo: true }).secret?.reveal(), 'inline-value')
})

test('anything else is no reference', () => {
  for (const reference of [
    undefined,
    null,
    7,
    [],
    {},
    { env: 'GOOD', file: 'x' },
    { env: 7 },
    { enw: 'GOOD' },
    { file: '' },
  ]) {
    assert.equal(readSecret(reference, { ...strict, demo: true }).secret, undefined, JSON.stringify(reference))
  }
})
