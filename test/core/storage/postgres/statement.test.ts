/** Named statements over one connection: rows as any client of PostgreSQL reads them, columns asked once, errors where they belong. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import pg from 'pg'
import { clientConfig } from '../../../../core/storage/postgres/client.ts'
import { StatementClient } from '../../../../core/storage/postgres/statement.ts'
import { needs } from '../../../support/needs.ts'
import { newDatabase, targetOf } from '../../../support/storage-postgres.ts'

const values = `SELECT $1::int8 AS a, 't'::bool AS b, '\\x00ff'::bytea AS c, NULL::text AS d, '{"x":1}'::json AS e, $2::text AS f
  FROM generate_series(1, 2)`

suite('named statements on PostgreSQL', { skip: needs('postgres') }, () => {
  let client: pg.Client
  let plain: pg.Client
  before(async () => {
    const config = clientConfig(targetOf(await newDatabase()))
    client = new StatementClient({ ...config, pipeline: true })
    plain = new pg.Client(config)
    await Promise.all([client.connect(), plain.connect()])
  })
  after(() => Promise.all([client.end(), plain.end()]))

  /** How often the server was asked what the columns are. */
  const described = (on: pg.Client) => {
    const { connection } = on as unknown as { connection: { on(name: string, heard: () => void): void } }
    const count = { columns: 0 }
    connection.on('rowDescription', () => count.columns++)
    return count
  }

  test('give the rows that any client reads, and ask for their columns once', async () => {
    const asked = { name: 'values', text: values, values: [7, 'ö\u{1f600}'] }
    const { rows } = await plain.query(asked)
    const count = described(client)
    for (let turn = 0; turn < 3; turn++) {
      const found = await client.query(asked)
      assert.deepEqual(found.rows, rows)
      assert.deepEqual(Object.keys(found.rows[0]), ['a', 'b', 'c', 'd', 'e', 'f'])
      assert.equal(found.rowCount, 2)
    }
    assert.equal(count.columns, 1)
  })

  test('many at once are answered each by its own rows, those that fail among them', async () => {
    const half = (value: number) =>
      client.query({ name: 'half', text: 'SELECT 100 / $1::int4 AS half', values: [value] })
    await half(1)
    const found = await Promise.allSettled([
      half(1),
      half(0),
      client.query('SELECT 1 AS plain'),
      half(50),
      half(0),
      half(4),
    ])
    const given = found.map((one) => (one.status === 'fulfilled' ? one.value.rows[0] : one.reason.code))
    assert.deepEqual(given, [{ half: 100 }, '22012', { plain: 1 }, { half: 2 }, '22012', { half: 25 }])
  })

  test('what writes says how many rows it wrote', async () => {
    await plain.query('CREATE TABLE written (id int)')
    const insert = { name: 'insert', text: 'INSERT INTO written SELECT generate_series(1, $1::int4)', values: [3] }
    assert.equal((await client.query(insert)).rowCount, 3)
    assert.deepEqual(await client.query(insert), { rows: [], rowCount: 3 })
  })

  test('go on when their table got another column while they were prepared', async () => {
    await plain.query('CREATE TABLE grown AS SELECT 1 AS a')
    const select = { name: 'grown', text: 'SELECT * FROM grown' }
    const rows = async () => (await client.query(select)).rows
    assert.deepEqual([await rows(), await rows()], [[{ a: 1 }], [{ a: 1 }]])
    await plain.query('ALTER TABLE grown ADD COLUMN b text')
    const grown = [{ a: 1, b: null }]
    assert.deepEqual(await Promise.all([rows(), rows(), rows()]), [grown, grown, grown])
    await plain.query('ALTER TABLE grown DROP COLUMN b')
    await client.query('BEGIN')
    await assert.rejects(rows(), { code: '0A000' })
    await client.query('ROLLBACK')
    assert.deepEqual(await rows(), [{ a: 1 }])
  })

  test('inside a transaction they fail with it: nothing is sent once more behind its COMMIT', async () => {
    await plain.query('CREATE TABLE spent (id int)')
    const put = { name: 'spent', text: 'INSERT INTO spent VALUES (1) RETURNING *' }
    await client.query(put)
    await plain.query('ALTER TABLE spent ADD COLUMN b text')
    const asked = ['BEGIN', 'UPDATE spent SET id = 2', put, 'COMMIT'].map((one) => client.query(one as string))
    const [, , outcome] = await Promise.allSettled(asked)
    assert.equal(outcome?.status, 'rejected')
    assert.deepEqual((await plain.query('SELECT id FROM spent')).rows, [{ id: 1 }])
    assert.deepEqual((await client.query(put)).rows, [{ id: 1, b: null }])
  })

  test('all that one turn asks leaves together', async () => {
    const one = (value: number) => client.query({ name: 'one', text: 'SELECT $1::int4 AS one', values: [value] })
    await one(0)
    const { stream } = (client as unknown as { connection: pg.Connection }).connection
    const { _writev: write } = stream
    let count = 0
    stream._writev = function counted(...chunks) {
      count += 1
      return write?.apply(this, chunks)
    }
    await Promise.all([1, 2, 3, 4].map(async (value) => Promise.resolve().then(() => one(value))))
    assert.equal(count, 1)
  })
})
