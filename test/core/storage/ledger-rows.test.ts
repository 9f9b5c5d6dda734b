import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
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
    assert.match(used(ledgerStatements.grants) ?? '', /\(subject=\?\)/)
    assert.match(used(ledgerStatements.grantsOn) ?? '', /\(subject=\? AND dataset=\?\)/)
  })

  test('what is read together is of one instant, whatever another process commits meanwhile', () => {
    const { ledgerRows } = storage
    const grow = () =>
      database.exec(`update setting set value = cast(value as integer) + 1 where "key" = 'ledger.revision'`)
    const before = ledgerRows.ledgerRevision()
    const [first, second] = ledgerRows.reading(() => {
      const seen = ledgerRows.ledgerRevision()
      grow()
      return [seen, ledgerRows.ledgerRevision()]
    })
    assert.deepEqual([first, second], [before, before])
    assert.equal(ledgerRows.ledgerRevision(), before + 1)
  })

  test('a reading that throws leaves the connection free to write', async () => {
    assert.throws(() => storage.ledgerRows.reading(() => assert.fail('on purpose')), /on purpose/)
    await storage.settings.set('after', '1')
    assert.equal(await storage.settings.get('after'), '1')
  })
})
