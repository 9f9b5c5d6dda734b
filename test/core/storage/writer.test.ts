import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { openDatabase, type SqliteDatabase } from '../../../core/storage/sqlite.ts'
import { createWriter, type Writer } from '../../../core/storage/writer.ts'

suite('the writer', () => {
  let folder: string
  let database: SqliteDatabase
  let writer: Writer
  const points: string[] = []

  const insert = (value: string) => () => {
    database.prepare('INSERT INTO line (value) VALUES (?)').run(value)
    return value
  }
  const values = () =>
    database
      .prepare<[], { value: string }>('SELECT value FROM line ORDER BY rowid')
      .all()
      .map(({ value }) => value)

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labgate-writer-'))
    database = openDatabase(join(folder, 'x.db'))
    database.exec('CREATE TABLE line (value TEXT UNIQUE)')
    writer = createWriter(database, (point) => points.push(point))
  })

  after(async () => {
    database.close()
    await rm(folder, { recursive: true })
  })

  test('puts the writes of one turn into one transaction and answers after its COMMIT', async () => {
    const commits = writer.commits()
    const outcomes = Promise.all(Array.from({ length: 50 }, (_, n) => writer.run(insert(`turn-${n}`))))
    assert.equal(writer.commits(), commits)
    assert.deepEqual((await outcomes).slice(0, 2), ['turn-0', 'turn-1'])
    assert.equal(writer.commits(), commits + 1)
    assert.deepEqual(points.splice(0), ['before-commit', 'after-commit'])
    assert.equal(values().length, 50)
  })

  test('a unit that throws fails alone; the others of its batch are written', async () => {
    const failing = () => {
      insert('half')()
      throw new RangeError('no')
    }
    const [one, two, three] = await Promise.allSettled([
      writer.run(insert('good-1')),
      writer.run(failing),
      writer.run(insert('good-2')),
    ])
    assert.deepEqual([one.status, two.status, three.status], ['fulfilled', 'rejected', 'fulfilled'])
    assert.ok(two.status === 'rejected' && two.reason instanceof RangeError)
    assert.deepEqual(values().slice(-2), ['good-1', 'good-2'])
    assert.ok(!values().includes('half'))
  })

  test('an error of the database becomes ERR_STORAGE with its cause', async () => {
    await assert.rejects(writer.run(insert('good-1')), (error: { code?: string; cause?: { code?: string } }) => {
      return error.code === 'ERR_STORAGE' && error.cause?.code === 'SQLITE_CONSTRAINT_UNIQUE'
    })
  })

  test('waits while asynchronous work holds the lock, and goes before the next such work', async () => {
    const order: string[] = []
    const gate = Promise.withResolvers<void>()
    const first = writer.exclusive(async () => {
      order.push('first begins')
      await gate.promise
      order.push('first ends')
    })
    const second = writer.exclusive(async () => {
      order.push(`second sees ${values().at(-1)}`)
    })
    const unit = writer.run(insert('waited'))
    await turn()
    await turn()
    assert.deepEqual(order, ['first begins'])
    gate.resolve()
    await Promise.all([first, second, unit])
    assert.deepEqual(order, ['first begins', 'first ends', 'second sees waited'])
  })

  test('refuses a unit inside asynchronous work instead of waiting for ever, and lets nested work join', async () => {
    await writer.exclusive(async () => {
      assert.equal(writer.inside(), true)
      await assert.rejects(writer.run(insert('never')), TypeError)
      assert.equal(await writer.exclusive(async () => 'joined'), 'joined')
    })
    assert.equal(writer.inside(), false)
    assert.equal(await writer.run(insert('later')), 'later')
  })

  test('goes on after asynchronous work that failed', async () => {
    await assert.rejects(
      writer.exclusive(() => Promise.reject(new RangeError('no'))),
      RangeError,
    )
    assert.equal(await writer.run(insert('after-failure')), 'after-failure')
  })

  test('at close commits what waits and refuses what comes later', async () => {
    const last = createWriter(database)
    const waiting = last.run(insert('last'))
    await last.close()
    assert.equal(await waiting, 'last')
    await assert.rejects(last.run(insert('too late')), { code: 'ERR_STORAGE' })
    await last.close()
  })
})
