import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { main } from '../../../core/main.ts'
import { entryOf, folderWith, load } from '../../support/plugin-folder.ts'
import { projectFolder, run, typeCheck } from '../../support/project.ts'

async function labgate(cwd: string, ...argv: readonly string[]) {
  let output = ''
  const sink = {
    write(text: string) {
      output += text
    },
  }
  const code = await main(argv, { stdout: sink, stderr: sink, env: {}, cwd, isTty: false })
  return { code, output }
}

test('new plugin auth NAME writes a package that is green at once, well typed and loads', async (t) => {
  const project = await projectFolder(t)
  const { code, output } = await labgate(project, 'new', 'plugin', 'auth', 'lab-word')
  assert.equal(code, 0, output)
  assert.match(output, /Wrote auth-lab-word/)
  const folder = join(project, 'auth-lab-word')
  const tested = await run('npm test', folder, project)
  assert.equal(tested.code, 0, tested.output)
  assert.match(tested.output, /pass 3\d/)
  const typed = await typeCheck(folder)
  assert.equal(typed.code, 0, typed.output)
  const config = { people: ['ada'], word: { env: 'WORD' } }
  const door = entryOf('./auth-lab-word', { config })
  const registry = await load(project, { door }, { env: { WORD: 'melon' } })
  assert.equal(registry.auth()[0]?.plugin, 'lab-word')
})

test('new plugin authz NAME writes a dialect that is green at once, well typed and loads', async (t) => {
  const project = await projectFolder(t)
  const { code, output } = await labgate(project, 'new', 'plugin', 'authz', 'boxes')
  assert.equal(code, 0, output)
  const folder = join(project, 'authz-boxes')
  const tested = await run('npm test', folder, project)
  assert.equal(tested.code, 0, tested.output)
  assert.match(tested.output, /pass 3/)
  const typed = await typeCheck(folder)
  assert.equal(typed.code, 0, typed.output)
  const registry = await load(project, { boxes: entryOf('./authz-boxes') })
  const [found] = registry.authz()
  assert.deepEqual(Object.keys(found?.adapter.handlers ?? {}), ['me', 'may'])
})

test('new plugin fills every blank of its template and gives the README its five headings', async (t) => {
  const folder = await folderWith(t)
  await labgate(folder, 'new', 'plugin', 'auth', 'badge', '--out', 'mine')
  const names = await readdir(join(folder, 'mine'))
  const texts = await Promise.all(names.map((name) => readFile(join(folder, 'mine', name), 'utf8')))
  for (const text of texts) assert.doesNotMatch(text, /\{\{/)
  const readme = await readFile(join(folder, 'mine/README.md'), 'utf8')
  assert.equal(readme.match(/^## /gm)?.length, 5)
  assert.match(readme, /BADGE_WORD/)
})

test('new plugin refuses what it cannot make, and a folder that is not empty', async (t) => {
  const folder = await folderWith(t, { 'auth-badge/mine.txt': 'keep me' })
  const refusals = [
    [['auth', 'badge'], /has something in it/],
    [['auth', 'Badge!'], /NAME must be/],
    [['auth'], /NAME must be/],
    [['oracle', 'x'], /a template for auth and authz/],
  ] as const
  for (const [words, message] of refusals) {
    const { code, output } = await labgate(folder, 'new', 'plugin', ...words)
    assert.equal(code, 1)
    assert.match(output, message)
  }
  assert.deepEqual(await readdir(folder), ['auth-badge'])
})
