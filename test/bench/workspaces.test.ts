/** The floors of workspaces; how much they cost is for the bench to say. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeWorkspaces } from './report.ts'
import type { WorkspaceCosts } from './workspaces.ts'

const costs: WorkspaceCosts = {
  ...{ spawnCpuMs: 10, stillCpuMs: 5, lookCpuMs: 20, looked: 1000, accepted: 100, refused: 1, readyMs: 1, bareMs: 1 },
  ...{ startMs: 1500, emptyStartMs: 1400, known: 5000 },
}
const missed = (more: Partial<WorkspaceCosts>) => judgeWorkspaces({ ...costs, ...more }).filter(({ holds }) => !holds)

test('a start, a look, the hundred-and-first and a restart each miss by themselves', () => {
  assert.equal(missed({}).length, 0)
  assert.equal(missed({ spawnCpuMs: 21 }).length, 1)
  assert.equal(missed({ lookCpuMs: 51 }).length, 1)
  assert.equal(missed({ accepted: 101, refused: 0 }).length, 1)
  assert.equal(missed({ refused: 0 }).length, 1)
  assert.equal(missed({ startMs: 2001 }).length, 1)
})
