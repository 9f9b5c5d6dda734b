/** That flows go to both processes by turns, and that a second one that costs more is found. @module */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { needs } from '../support/needs.ts'
import { mostSecondProcess } from './floors.ts'
import { judgeProcesses, processes } from './processes.ts'

suite('the bench of processes', { skip: needs('postgres') }, () => {
  test('walks code flows at one process and at two', async () => {
    const found = await processes({ rounds: 1, seconds: 0.3, warmSeconds: 0, width: 2 })
    assert.equal(Math.round(found.requests), 5)
    assert.ok(found.oneUs > 0 && found.twoUs > 0 && found.ratio > 0)
  })
})

test('a second process that costs more misses its floor', () => {
  const row = { oneUs: 100, twoUs: 100 * mostSecondProcess, ratio: mostSecondProcess, requests: 5 }
  assert.deepEqual(judgeProcesses(row)[0]?.holds, true)
  assert.deepEqual(judgeProcesses({ ...row, ratio: mostSecondProcess + 0.01 })[0]?.holds, false)
})
