import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from './sources.ts'

// A path without programs: openssl and Chromium are never in an sbin folder.
function ask(code: string, ci: string): { status: number | null; out: string } {
  const script = `import { needs, programOf } from ${JSON.stringify(join(root, 'test', 'support', 'needs.ts'))}; ${code}`
  const env = { PATH: join(root, 'docs'), CI: ci }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    env,
    encoding: 'utf8',
  })
  return { status, out: stdout + stderr }
}

test('needs() gives the reason to skip, with the package to install', () => {
  const { status, out } = ask("console.log(needs('openssl', 'chromium'))", '')
  assert.equal(status, 0)
  assert.match(out, /^openssl is not installed \(Debian: apt-get install openssl\)/)
})

test('with CI set a missing program is a failure, not a reason to skip', () => {
  const { status, out } = ask("needs('chromium')", 'true')
  assert.equal(status, 1)
  assert.match(out, /chromium is not installed.*; with CI set a suite must not be skipped/)
})

test('programOf() never answers with a program that is not there', () => {
  assert.match(ask("programOf('chromium')", '').out, /Error: chromium is not installed/)
})
