/** Follows the page as a reader does: every command is run, every file written, in the order of the page. @module */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { projectFolder, run, typeCheck } from '../support/project.ts'
import { root } from '../support/sources.ts'

interface Block {
  readonly language: string
  readonly title: string | undefined
  readonly text: string
}

function blocksOf(page: string): readonly Block[] {
  return [...page.matchAll(/^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$/gms)].map(
    ([, language = '', title, text = '']) => ({
      language,
      title,
      text,
    }),
  )
}

const page = await readFile(join(root, 'docs/write-a-plugin.md'), 'utf8')
const blocks = blocksOf(page)

test('every command and file of docs/write-a-plugin.md works, in the order of the page', async (t) => {
  const project = await projectFolder(t)
  let cwd = project
  const said: string[] = []
  for (const { language, title, text } of blocks) {
    if (title !== undefined) await writeFile(join(cwd, title), text)
    if (language !== 'sh') continue
    const { code, output } = await run(`${text}\npwd`, cwd, project)
    assert.equal(code, 0, `${text}\n${output}`)
    cwd = output.trimEnd().split('\n').at(-1) ?? cwd
    said.push(output)
  }
  assert.equal(said.length, 5)
  assert.match(said[0] ?? '', /pass 3\d\n.*fail 0\n/)
  assert.match(said[1] ?? '', /badge: refuses the nonce of another attempt/)
  assert.match(said[1] ?? '', /pass 3\d\n.*fail 0\n/)
  assert.match(said[3] ?? '', /^ok: labgate\.yaml$/m)
  assert.match(said[3] ?? '', /^badge\thttp:\/\/localhost:8080\/sign-in\/badge\/callback$/m)
  assert.match(said[4] ?? '', /Wrote authz-boxes(?:.|\n)*pass 3\n.*fail 0\n/)
  const typed = await typeCheck(join(project, 'auth-badge'))
  assert.equal(typed.code, 0, typed.output)
})

test('taking out the comparison of the nonce fails the case that the page names', async (t) => {
  const project = await projectFolder(t)
  for (const { title, text } of blocks) {
    if (title === undefined || title.endsWith('.yaml')) continue
    const broken = text.replace('badge?.nonce === attempt.nonce && badge.office', 'badge?.office')
    await writeFile(join(project, title), broken)
  }
  const { code, output } = await run('node --test', project)
  assert.equal(code, 1)
  assert.match(output, /✖ badge: a reply to another attempt signs nobody in/)
  assert.match(output, /✖ badge: refuses the nonce of another attempt/)
})

test('the example has the files of the page', async () => {
  const titles = blocks.flatMap(({ title }) => (title?.endsWith('.ts') ? [title] : []))
  assert.deepEqual(titles, ['index.ts', 'config.ts', 'text.ts', 'method.ts', 'conformance.test.ts'])
  for (const { title, text } of blocks) {
    if (!title?.endsWith('.ts')) continue
    assert.equal(text, await readFile(join(root, 'examples/own-plugin', title), 'utf8'), title)
  }
})
