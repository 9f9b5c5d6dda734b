/** The floors of workspaces; how much they cost is for the bench to say. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeWorkspaces } from './report.ts'
import type { WorkspaceCosts } from './workspaces.ts'

const way = { rate: 1, direct: 1, addedMs: 0 }
const costs: WorkspaceCosts = {
  ...{ spawnCpuMs: 10, lookCpuMs: 20, looked: 1000, accepted: 100, refused: 1, readyMs: 1, bareMs: 1 },
  ...{ requests: way, messages: way },
}
const missed = (more: Partial<WorkspaceCosts>) => judgeWorkspaces({ ...costs, ...more }).filter(({ holds }) => !holds)

test('a start, a look and the hundred-and-first each miss by themselves', () => {
  assert.equal(missed({}).length, 0)
  assert.equal(missed({ spawnCpuMs: 21 }).length, 1)
  assert.equal(missed({ lookCpuMs: 51 }).length, 1)
  assert.equal(missed({ accepted: 101, refused: 0 }).length, 1)
})
