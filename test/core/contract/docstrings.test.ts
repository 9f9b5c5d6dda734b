import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../../support/sources.ts'

/** Exports of a source without a docstring right above them; further overloads of one name need none. */
function bare(source: string): string[] {
  const lines = source.split('\n')
  const named = lines.flatMap((line, index) => {
    const name = /^export (?:async )?(?:const|class|function|interface|type) (\w+)/.exec(line)?.[1]
    return name === undefined ? [] : [{ name, documented: lines[index - 1]?.trimEnd().endsWith('*/') === true }]
  })
  const known = new Set(named.filter(({ documented }) => documented).map(({ name }) => name))
  return named.map(({ name }) => name).filter((name) => !known.has(name))
}

test('every export of the contract has a docstring', () => {
  const folder = join(root, 'core', 'contract')
  const files = readdirSync(folder).filter((name) => name.endsWith('.ts'))
  assert.ok(files.length > 5)
  for (const file of files) assert.deepEqual(bare(readFileSync(join(folder, file), 'utf8')), [], file)
})

test('an export without a docstring is noticed', () => {
  assert.deepEqual(bare('/** A. */\nexport type A = 1\n\nexport interface B {}\n'), ['B'])
})
