import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

const module = join(import.meta.dirname, '..', '..', '..', 'core', 'observe', 'young-space.ts')

/** Megabytes of a process of its own, after it made many objects and let them go. */
function megabytes(script: string, options: readonly string[] = []): number {
  const work = `
    import { boundYoungSpace, youngBytes } from ${JSON.stringify(module)}
    import { setImmediate as turn } from 'node:timers/promises'
    ${script}
    let kept = []
    for (let turns = 0; turns < 120; turns++) {
      for (let made = 0; made < 50_000; made++) kept.push({ made })
      if (kept.length > 200_000) kept = []
      await turn()
    }
    console.log(youngBytes())`
  const { stdout, stderr } = spawnSync(process.execPath, [...options, '--input-type=module', '--eval', work], {
    encoding: 'utf8',
  })
  assert.match(stdout, /^\d+\n$/, stderr)
  return Number(stdout) / 1024 / 1024
}

test('the room for young objects grows to thirty-two megabytes and no more', () => {
  assert.ok(megabytes('') > 32, 'without the bound it does')
  assert.equal(megabytes('boundYoungSpace([])'), 32)
})

test('an option of Node says more than the bound', () => {
  const option = '--max-semi-space-size=8'
  assert.equal(megabytes('boundYoungSpace(process.execArgv)', [option]), 16)
})
