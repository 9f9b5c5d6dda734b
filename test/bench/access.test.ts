import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessRows, rowsOfGroupGrant } from './access.ts'
import { judgeAccess } from './report.ts'

test('an answer costs the same with ten grants and with a hundred thousand', async () => {
  const rows = await accessRows([10, 1000, 100_000], 5)
  const [small] = rows
  for (const { claim, holds } of judgeAccess(rows)) assert.ok(holds, claim)
  for (const { statements } of rows) {
    assert.deepEqual(statements, small?.statements)
    assert.ok(statements.snapshot <= 3, `a warm snapshot takes ${statements.snapshot} statements with BEGIN and COMMIT`)
    assert.ok(statements.decide <= 6, `a warm decision takes ${statements.decide} statements with BEGIN and COMMIT`)
  }
})

test('a grant to a group of ten thousand writes as many rows as one to a group of ten', async () => {
  const small = await rowsOfGroupGrant(10)
  assert.deepEqual(await rowsOfGroupGrant(10_000), small)
  assert.ok(small.given <= 5 && small.taken <= 5, JSON.stringify(small))
})
