import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import type { ArtifactStore } from '../../../core/storage/artifacts.ts'
import { isConsumeConflict } from '../../../core/storage/conflict.ts'
import { type OpenedStorage, openSqlite } from '../../support/storage.ts'

const victim = fileURLToPath(new URL('../../support/storage-victim.ts', import.meta.url))
const points = ['before-commit', 'after-commit', 'after-sync', 'before-cleanup-step', 'after-cleanup-step']

interface Killed {
  readonly signal: string | undefined
  readonly told: readonly string[]
}

/** The victim counts its own rounds, so that a busy machine is no failure; the time is for one that hangs. */
function runVictim(file: string, ask: { point: string; passing: number; round: number }): Promise<Killed> {
  const options = { timeout: 100_000 }
  const args = [victim, file, ask.point, String(ask.passing), `r${ask.round}`]
  return new Promise((resolve) => {
    execFile(process.execPath, args, options, (error, output) => {
      resolve({ signal: error?.signal ?? undefined, told: output.split('\n').filter((line) => line !== '') })
    })
  })
}

/** What the database has of one flow: all of a step or nothing, and never less than was told. */
async function checkFlow(store: ArtifactStore, name: string, told: ReadonlySet<string>): Promise<void> {
  const has = async (model: string, id: string) => (await store.find(model, `${id}-${name}`)) !== undefined
  const consumed = async (model: string, id: string) =>
    (await store.find(model, `${id}-${name}`))?.consumedAt !== undefined
  const redeemed = await consumed('AuthorizationCode', 'code')
  const rotated = await consumed('RefreshToken', 'refresh')
  assert.equal(await has('AccessToken', 'access'), redeemed, `${name}: access token exactly with a consumed code`)
  assert.equal(await has('RefreshToken', 'refresh'), redeemed, `${name}: refresh token exactly with a consumed code`)
  assert.equal(await has('RefreshToken', 'rotated'), rotated, `${name}: successor exactly with a consumed token`)
  assert.ok((await has('AuthorizationCode', 'code')) || !told.has(`issued ${name}`), `${name}: the code is not lost`)
  assert.ok(redeemed || !told.has(`redeemed ${name}`), `${name}: what was redeemed stays redeemed`)
  assert.ok(rotated || !told.has(`rotated ${name}`), `${name}: what was rotated stays rotated`)
  if (redeemed) {
    await assert.rejects(store.consume('AuthorizationCode', `code-${name}`), isConsumeConflict)
  }
}

async function checkRound(opened: OpenedStorage, round: number, told: readonly string[]): Promise<void> {
  const known = new Set(told)
  const names = Array.from({ length: 12 }, (_, n) => [`r${round}-${n}-a`, `r${round}-${n}-b`]).flat()
  for (const name of names) {
    await checkFlow(opened.storage.artifacts, name, known)
  }
}

suite('a process killed (SIGKILL) while it writes', () => {
  test('leaves no step half done, loses nothing it told and lets nothing be redeemed twice, in 20 rounds', async () => {
    let opened = await openSqlite()
    try {
      let steps = 0
      for (let round = 0; round < 20; round++) {
        await opened.storage.close()
        const point = points[round % points.length] ?? assert.fail()
        const { signal, told } = await runVictim(opened.file, { point, passing: 1 + Math.floor(round / 2), round })
        assert.equal(signal, 'SIGKILL', `round ${round} was killed at ${point}`)
        opened = await opened.reopen()
        await checkRound(opened, round, told)
        steps += told.length
      }
      assert.ok(steps > 40, `the victims did something before they died: ${steps} steps`)
      const database = new Database(opened.file, { readonly: true })
      assert.equal(database.pragma('integrity_check', { simple: true }), 'ok')
      database.close()
    } finally {
      await opened.close()
    }
  })
})
