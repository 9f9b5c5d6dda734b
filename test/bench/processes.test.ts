/** That flows go to both processes by turns, that a second one that costs more is found, and what is asked of PostgreSQL. @module */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { needs } from '../support/needs.ts'
import { newDatabase } from '../support/storage-postgres.ts'
import { mostOnPostgres, mostSecondProcess } from './floors.ts'
import { judgeProcesses, processes } from './processes.ts'
import { makeSite } from './servers.ts'
import { countStatements } from './statements.ts'

suite('the bench of processes', { skip: needs('postgres') }, () => {
  test('walks code flows at one process, at two, and at two that share nothing', async () => {
    const found = await processes({ rounds: 1, seconds: 0.3, warmSeconds: 0, width: 2 })
    assert.equal(Math.round(found.requests), 4)
    assert.ok(found.oneUs > 0 && found.twoUs > 0 && found.apartUs > 0 && found.ratio > 0)
  })
})

suite('statements on PostgreSQL', { skip: needs('postgres') }, () => {
  test('an operation asks for no more of them, those that begin and commit counted', async () => {
    const database = { url: await newDatabase(), connections: 10 }
    const site = await makeSite(() => ({ database }))
    try {
      const names = Object.keys(mostOnPostgres) as (keyof typeof mostOnPostgres)[]
      const counted = await countStatements(site, names)
      const asked = Object.fromEntries(
        [...counted].map(([name, words]) => [name, Object.values(words).reduce((sum, count) => sum + count, 0)]),
      )
      const more = names.filter((name) => (asked[name] ?? Number.NaN) > mostOnPostgres[name])
      assert.deepEqual(more, [], JSON.stringify(asked))
      // A count that sees nothing would always hold.
      assert.ok((asked.code ?? 0) > 10, JSON.stringify(asked))
    } finally {
      await site.remove()
    }
  })
})

test('a second process that costs more misses its floor', () => {
  const row = {
    oneUs: 100,
    twoUs: 100 * mostSecondProcess,
    apartUs: 100,
    ratio: mostSecondProcess,
    toOne: 2,
    requests: 5,
  }
  assert.deepEqual(judgeProcesses(row)[0]?.holds, true)
  assert.deepEqual(judgeProcesses({ ...row, ratio: mostSecondProcess + 0.01 })[0]?.holds, false)
})
