import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { boundsOf } from '../../../core/observe/settle.ts'

const module = join(import.meta.dirname, '..', '..', '..', 'core', 'observe', 'settle.ts')

/** What a process of its own says after it ran this. */
function said(script: string): unknown {
  const work = `
    import { settle } from ${JSON.stringify(module)}
    const megabytes = (bytes) => Math.round(bytes / 1024 / 1024)
    ${script}`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', work], { encoding: 'utf8' })
  // V8 says there which flag it does not know.
  assert.equal(stderr, '')
  return JSON.parse(stdout)
}

test('settle() collects what a start left behind', () => {
  const left = said(`
    let kept = []
    for (let made = 0; made < 1_000_000; made++) kept.push({ made })
    const before = process.memoryUsage().heapUsed
    kept = []
    settle([])
    console.log(megabytes(before - process.memoryUsage().heapUsed))`)
  assert.ok(Number(left) > 20, `${left} MB`)
})

test('the heap may grow by a half before V8 looks at all of it, unless an option of Node says more', () => {
  assert.deepEqual(boundsOf(['--max-old-space-size=900', '']), ['--heap-growing-percent=50'])
  assert.deepEqual(boundsOf(['', '--max-old-space-size=900 --heap-growing-percent=40']), [])
})

test('settle() leaves no function to collect garbage with behind', () => {
  assert.equal(said('settle([]); console.log(JSON.stringify(typeof globalThis.gc))'), 'undefined')
})
