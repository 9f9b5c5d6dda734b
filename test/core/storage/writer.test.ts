import assert from 'node:assert/strict'
import { mkdtemp, readdir, readlink, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createCheckpoints } from '../../../core/storage/checkpoints.ts'
import { openDatabase, type SqliteDatabase } from '../../../core/storage/sqlite.ts'
import { createWalSync } from '../../../core/storage/wal.ts'
import { createWriter, type Writer } from '../../../core/storage/writer.ts'
import { openSqlite } from '../../support/storage.ts'

const ignore = () => undefined

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
    writer = createWriter(database, { pause: (point) => points.push(point) })
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
    assert.deepEqual(points.splice(0), ['before-commit', 'after-commit', 'after-sync'])
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

suite('the writer and the disk', () => {
  let folder: string
  let database: SqliteDatabase

  const insert = (value: string) => () => {
    database.prepare('INSERT INTO line (value) VALUES (?)').run(value)
    return value
  }
  const count = () => database.prepare<[], number>('SELECT count(*) FROM line').pluck().get()
  /** A disk that answers when the test says so. */
  const disk = () => {
    const syncs: PromiseWithResolvers<void>[] = []
    const sync = () => {
      const one = Promise.withResolvers<void>()
      syncs.push(one)
      return one.promise
    }
    return { syncs, writer: createWriter(database, { sync }) }
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labgate-writer-'))
    database = openDatabase(join(folder, 'x.db'))
    database.exec('CREATE TABLE line (value TEXT UNIQUE)')
  })

  afterEach(async () => {
    database.close()
    await rm(folder, { recursive: true })
  })

  test('a unit settles when its commit is on disk and not before, though others see it', async () => {
    const { syncs, writer } = disk()
    let settled = false
    const unit = writer.run(insert('one')).then(() => {
      settled = true
    })
    for (let turns = 0; turns < 5; turns++) await turn()
    assert.equal(writer.commits(), 1)
    assert.equal(count(), 1)
    assert.equal(settled, false)
    syncs[0]?.resolve()
    await unit
    assert.equal(settled, true)
  })

  test('what comes while the disk is waited for shares the next transaction, one at a time', async () => {
    const { syncs, writer } = disk()
    const first = writer.run(insert('one'))
    await turn()
    const later = ['two', 'three', 'four'].map((value) => writer.run(insert(value)))
    for (let turns = 0; turns < 5; turns++) await turn()
    assert.equal(writer.commits(), 1)
    syncs[0]?.resolve()
    await first
    for (let turns = 0; turns < 2; turns++) await turn()
    assert.equal(writer.commits(), 2)
    assert.equal(syncs.length, 2)
    syncs[1]?.resolve()
    assert.deepEqual(await Promise.all(later), ['two', 'three', 'four'])
  })

  test('what each turn brings more shares one transaction, and nobody waits for what does not come', async () => {
    const { syncs, writer } = disk()
    const all = [writer.run(insert('one')), writer.run(insert('two'))]
    await turn()
    assert.equal(writer.commits(), 0)
    all.push(writer.run(insert('three')))
    for (let turns = 0; turns < 3; turns++) await turn()
    assert.equal(writer.commits(), 1)
    syncs[0]?.resolve()
    assert.deepEqual(await Promise.all(all), ['one', 'two', 'three'])
  })

  test('asynchronous work goes before what came while the disk was waited for, and closing waits for both', async () => {
    const { syncs, writer } = disk()
    const first = writer.run(insert('one'))
    await turn()
    const second = writer.run(insert('two'))
    const seen: unknown[] = []
    const work = writer.exclusive(async () => void seen.push(count()))
    const closed = writer.close()
    syncs[0]?.resolve()
    await work
    assert.deepEqual(seen, [1])
    await turn()
    syncs[1]?.resolve()
    await closed
    assert.deepEqual(await Promise.all([first, second]), ['one', 'two'])
  })

  test('when the disk refuses, nobody is told that anything was written, and nothing is any more', async () => {
    const { syncs, writer } = disk()
    const first = writer.run(insert('one'))
    await turn()
    const waiting = writer.run(insert('two'))
    const work = writer.exclusive(async () => 'never')
    syncs[0]?.reject(new Error('EIO: i/o error'))
    for (const refused of [first, waiting, work]) await assert.rejects(refused, { code: 'ERR_STORAGE' })
    await assert.rejects(writer.run(insert('three')), { code: 'ERR_STORAGE', message: /EIO/ })
    assert.equal(syncs.length, 1)
    await writer.close()
  })

  test('quiet units commit like others and are no change', async () => {
    const writer = createWriter(database)
    await writer.run(insert('heard'))
    await writer.run(insert('quiet'), { quiet: true })
    assert.deepEqual([writer.commits(), writer.changes()], [2, 1])
    await Promise.all([writer.run(insert('both'), { quiet: true }), writer.run(insert('and'))])
    assert.deepEqual([writer.commits(), writer.changes()], [3, 2])
  })
})

suite('the log of a real file', () => {
  test('is synced, found again when its file is another one, and its errors are told', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'labgate-wal-'))
    const file = join(folder, 'x.db')
    const wal = createWalSync(file)
    await assert.rejects(wal.sync(), { code: 'ENOENT' })
    await writeFile(`${file}-wal`, 'one')
    await wal.sync()
    await rename(`${file}-wal`, `${file}-former`)
    await writeFile(`${file}-wal`, 'another')
    await wal.sync()
    const open = await readdir('/proc/self/fd').catch(() => [])
    const targets = await Promise.all(open.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
    assert.ok(!targets.includes(`${file}-former`))
    assert.ok(open.length === 0 || targets.includes(`${file}-wal`))
    await wal.close()
    await rm(folder, { recursive: true })
  })

  test('stops growing, because checkpoints let it begin anew', async () => {
    const { storage, file, close } = await openSqlite()
    const fill = async () => {
      for (let n = 0; n < 60; n++) await storage.settings.set(`name-${n}`, 'x'.repeat(20_000))
    }
    const writer = createWriter(openDatabase(file))
    const checkpoints = createCheckpoints({
      file,
      writer,
      log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    })
    await fill()
    const before = (await stat(`${file}-wal`)).size
    assert.equal(await checkpoints.make(), 0)
    await fill()
    const after = (await stat(`${file}-wal`)).size
    assert.ok(after < before * 1.3, `${before} bytes, then ${after}`)
    await checkpoints.close()
    await writer.close()
    await close()
  })
})
