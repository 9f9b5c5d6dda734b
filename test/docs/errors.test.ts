import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { faults } from '@labgate/contract'
import { root } from '../support/sources.ts'

const text = readFileSync(join(root, 'docs', 'errors.md'), 'utf8')
const [current = '', retired = ''] = text.split('## Retired codes')
const rows = [...current.matchAll(/^\| `(ERR_\w+)` \| (\d+) \| (yes|no) \| (.*) \| (.*) \|$/gm)]

test('docs/errors.md has the codes of the contract with their status and who reads them, in the same order', () => {
  const documented = rows.map(([, code, status, shown]) => ({ code, status: Number(status), shown: shown === 'yes' }))
  assert.deepEqual(
    documented,
    Object.entries(faults).map(([code, row]) => ({ code, ...row })),
  )
})

test('each code has a cause and a way to mend it, in whole sentences', () => {
  for (const [, code, , , cause, mend] of rows) {
    for (const sentence of [cause, mend]) assert.match(sentence ?? '', /^[A-Z].{10,}\.$/, code)
  }
})

test('a retired code is not used again', () => {
  const codes = new Set<string>(Object.keys(faults))
  const reused = [...retired.matchAll(/ERR_\w+/g)].map(([code]) => code).filter((code) => codes.has(code))
  assert.deepEqual(reused, [])
})
