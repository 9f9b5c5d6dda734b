import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from '../support/sources.ts'

const text = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8')

test('every file and room that docs/architecture.md names exists', () => {
  const named = [...text.matchAll(/`((?:core|plugins|test|examples)\/[\w./-]*)`/g)].map(([, path]) => path ?? '')
  assert.ok(named.length > 40)
  assert.deepEqual(
    named.filter((path) => !existsSync(join(root, path))),
    [],
  )
})

test('every room of the core, and every file beside the rooms, is named in docs/architecture.md', () => {
  const entries = readdirSync(join(root, 'core'), { withFileTypes: true })
  const rooms = entries.filter((entry) => entry.isDirectory() && entry.name !== 'node_modules' && entry.name !== 'dist')
  const files = entries.filter((entry) => entry.name.endsWith('.ts'))
  const names = [...rooms.map(({ name }) => `core/${name}/`), ...files.map(({ name }) => `core/${name}`)]
  assert.deepEqual(
    names.filter((name) => !text.includes(`\`${name}\``)),
    [],
  )
})
