import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../../support/project.ts'
import { root } from '../../support/sources.ts'

test('the starter runs the command in its own process when Node is right', async () => {
  const { code, output } = await run('node core/bin/labgate.js version && ! node core/bin/labgate.js nonsense', root)
  assert.equal(code, 0, output)
  assert.match(output, /^labgate \d+\.\d+\.\d+ \(node /m)
  assert.match(output, /there is no command `nonsense`/)
})
