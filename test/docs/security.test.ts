import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../support/sources.ts'

const text = readFileSync(join(root, 'docs', 'security.md'), 'utf8')
const rows = [...text.matchAll(/^\| ([ASW]\d+) \| (.+?) \| (.+?) \| (.+) \|$/gm)].map(
  ([, id = '', threat = '', guard = '', proofs = '']) => ({ id, threat, guard, proofs: proofs.split('<br>') }),
)

const numbered = (letter: string, length: number) => Array.from({ length }, (_, index) => `${letter}${index + 1}`)

/** Whether a file has a test of exactly this name, in single or double quotes. */
function hasTest(file: string, name: string): boolean {
  const source = readFileSync(join(root, file), 'utf8')
  const single = name.replaceAll("'", "\\'")
  return [`test('${single}'`, `test("${name}"`, `test('${name}'`].some((spelled) => source.includes(spelled))
}

test('docs/security.md has the threats S1 to S32, A1 to A13, then W1 to W15, each once and in order', () => {
  assert.deepEqual(
    rows.map(({ id }) => id),
    [...numbered('S', 32), ...numbered('A', 13), ...numbered('W', 15)],
  )
})

test('each threat names tests that exist, or says that it is open', () => {
  for (const { id, proofs } of rows) {
    if (proofs.length === 1 && proofs[0] === 'open') continue
    for (const proof of proofs) {
      const [, file = '', name = ''] = /^`([^`]+)` › (.+)$/.exec(proof) ?? []
      assert.ok(existsSync(join(root, file)) && file !== '', `${id}: ${proof}`)
      assert.ok(hasTest(file, name), `${id}: ${file} has no test "${name}"`)
    }
  }
})

test('the name of a test that is not there is noticed', () => {
  assert.equal(hasTest('test/docs/security.test.ts', 'a test that nobody wrote'.toUpperCase()), false)
})
