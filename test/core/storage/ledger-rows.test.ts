import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { ledgerStatements } from '../../../core/storage/ledger-rows.ts'
import { openSqlite } from '../../support/storage.ts'

suite('the ledger by statement', async () => {
  const { storage, file, close } = await openSqlite()
  const database = new Database(file)
  after(async () => {
    database.close()
    await close()
  })
  const plan = (sql: string): string[] => {
    const holes = sql.split('?').length - 1
    const steps = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...Array<string>(holes).fill('[]'))
    return (steps as { detail: string }[]).map(({ detail }) => detail)
  }
  // A list that was handed in is read as a virtual table; nothing else may be read from end to end.
  const scans = (sql: string) =>
    plan(sql).filter((detail) => /\bSCAN\b/.test(detail) && !/VIRTUAL TABLE|CONSTANT ROW/.test(detail))

  for (const [name, sql] of Object.entries(ledgerStatements)) {
    test(`${name} reads no table from end to end`, () => assert.deepEqual(scans(sql), []))
  }

  test('a scan would be seen', () => {
    assert.equal(scans('SELECT * FROM access_grant WHERE why = ?').length, 1)
  })

  test('current grants are found by the partial index, both columns of it where the dataset is known', () => {
    const used = (sql: string) => plan(sql).find((detail) => detail.includes('access_grant_subject_dataset_index'))
    assert.match(used(ledgerStatements.held) ?? '', /\(subject=\?\)/)
    assert.match(used(ledgerStatements.grantsOn) ?? '', /\(subject=\? AND dataset=\?\)/)
  })

  test('what is read together is of one instant, whatever is written meanwhile, here or by another process', async () => {
    const { ledgerRows } = storage
    const grow = () =>
      database.exec(`update setting set value = cast(value as integer) + 1 where "key" = 'ledger.revision'`)
    const before = await ledgerRows.ledgerRevision()
    const seen = await ledgerRows.reading(async (rows) => {
      const first = await rows.ledgerRevision()
      grow()
      const second = await rows.ledgerRevision()
      await storage.settings.set('ledger.revision', String(before + 2))
      const beside = await ledgerRows.reading((others) => others.ledgerRevision())
      return [first, second, await rows.ledgerRevision(), beside]
    })
    assert.deepEqual(seen, [before, before, before, before + 2])
    assert.equal(await ledgerRows.ledgerRevision(), before + 2)
  })

  test('what begins to read in one turn of the event loop reads of one instant; in the next one of a later', async () => {
    const { ledgerRows } = storage
    const other = () => ledgerRows.reading((rows) => rows.ledgerRevision())
    const [first, inTurn, later] = await ledgerRows.reading(async (rows) => {
      const revision = await rows.ledgerRevision()
      database.exec(`update setting set value = cast(value as integer) + 1 where "key" = 'ledger.revision'`)
      const same = await other()
      // The first may still be of this turn.
      for (let times = 0; times < 2; times++) await setImmediate()
      return [revision, same, await other()]
    })
    assert.equal(inTurn, first)
    assert.equal(later, (first ?? 0) + 1)
    assert.equal(await other(), later)
  })

  test('a reading that throws leaves the connection free to write', async () => {
    await assert.rejects(
      storage.ledgerRows.reading(async () => assert.fail('on purpose')),
      /on purpose/,
    )
    await storage.settings.set('after', '1')
    assert.equal(await storage.settings.get('after'), '1')
  })
})
