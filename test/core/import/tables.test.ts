import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { openTables, type Row, type Wanted } from '../../../core/import/tables.ts'
import { awkwardText, middleAuthLab, secretKey, writeSqlite } from '../../support/import-labs.ts'
import { needs } from '../../support/needs.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'

const wanted: Wanted = {
  user: ['id', 'name', 'admin', 'parent_id', 'created'],
  tos: ['id', 'text'],
  cell_temp: ['id', 'root_id', 'public'],
  api_key: ['user_id'],
}
const end = '--\n-- PostgreSQL database dump complete\n--\n'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'labgate-tables-'))
})
after(() => rm(folder, { recursive: true, force: true }))

async function read(file: string, table: string): Promise<Row[]> {
  const tables = await openTables(file, wanted, 'lab.sql')
  try {
    return [...tables.rows(table)]
  } finally {
    tables.close()
  }
}

async function written(text: string | Buffer): Promise<string> {
  const file = join(folder, `${Math.trunc(performance.now() * 1000)}.sql`)
  await writeFile(file, text)
  return file
}

async function checkLab(file: string) {
  const users = await read(file, 'user')
  assert.deepEqual(
    users.map(({ id, name }) => [id, name]),
    [
      ['1', 'Ada Boss'],
      ['7', 'Bo "Bob" O\'Neil'],
      ['17', 'Cy'],
      ['42', 'Dee'],
      ['50', 'segmenter'],
      ['60', 'No address'],
    ],
  )
  assert.equal(users[0]?.parent_id, null)
  assert.equal(users[4]?.parent_id, '7')
  assert.match(String(users[0]?.created), /^2021-06-29 23:08:49\.455487$/)
  assert.equal((await read(file, 'tos'))[0]?.text, awkwardText)
  assert.equal((await read(file, 'cell_temp'))[0]?.root_id, '648518346349541188', '64 bits, to the last digit')
  assert.deepEqual(Object.keys((await read(file, 'api_key'))[0] ?? {}), ['user_id'], 'no column that is not named')
}

suite('tables of an SQLite file', () => {
  test('are read with their 64-bit numbers, and only the columns that are named', async () => {
    const file = join(folder, 'lab.db')
    writeSqlite(file, middleAuthLab)
    await checkLab(file)
    assert.equal((await read(file, 'nothing')).length, 0)
  })

  test('a file that is damaged is refused by name', async () => {
    const file = await written(Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(2000, 7)]))
    await assert.rejects(read(file, 'user'), { code: 'ERR_INPUT', message: /^lab\.sql: SQLite cannot read it/ })
  })
})

suite('tables of a dump of a real PostgreSQL', { skip: needs('postgres') }, () => {
  let postgres: Postgres
  before(async () => {
    postgres = await startPostgres()
    await postgres.create(
      'auth',
      `${middleAuthLab}
      create function noise() returns text language sql as $body$ select 'insert into "user" values (99);'; $body$;
      comment on table dataset is 'a ; and a '' and -- more';`,
    )
  })
  after(() => postgres.stop())

  for (const options of [
    [],
    ['--inserts'],
    ['--column-inserts'],
    ['--inserts', '--rows-per-insert=3'],
    ['-C', '--quote-all-identifiers'],
  ])
    test(`made with pg_dump ${options.join(' ')} say what the database says`, async () => {
      const file = join(folder, `dump${options.join('')}.sql`)
      await postgres.dump('auth', options, file)
      await checkLab(file)
    })

  test('an archive of pg_dump is refused, and told how to make a plain dump of it', async () => {
    for (const format of ['c', 't']) {
      const file = join(folder, `dump.${format}`)
      await postgres.dump('auth', [`-F${format}`], file)
      await assert.rejects(read(file, 'user'), { code: 'ERR_INPUT', message: /pg_restore -f/ })
    }
  })

  test('a dump in another encoding is refused with its line', async () => {
    const file = join(folder, 'latin.sql')
    await postgres.create('plain', 'create table "user" (id integer, name text)')
    await postgres.dump('plain', ['--encoding=LATIN1'], file)
    await assert.rejects(read(file, 'user'), { message: /^lab\.sql:\d+: the dump is in LATIN1; .*--encoding=UTF8/ })
  })
})

suite('a dump', () => {
  const head = 'CREATE TABLE public."user" (\n    id integer NOT NULL,\n    name character varying(80)\n);\n'

  test('is read by the rules of COPY: \\N, escapes, \\\\. alone ends it, rows of other tables are passed over', async () => {
    const rows = ['1\ta\\tb\\\\c\\nd', '2\t\\N', '3\t\\\\N', '4\tx\\.', '5\t\\101\\x42\\q'].join('\n')
    const text = `${head}COPY public.other (id) FROM stdin;\n\\N\t\t\n\\.\n\nCOPY public."user" (name, id) FROM stdin;\nz\t0\n\\.\n\nCOPY public."user" (id, name) FROM stdin;\n${rows}\n\\.\n${end}`
    assert.deepEqual(
      (await read(await written(text), 'user')).map(({ name }) => name),
      ['z', 'a\tb\\c\nd', null, '\\N', 'x.', 'ABq'],
    )
  })

  test('with Windows line ends is read alike', async () => {
    const text = `${head}COPY public."user" (id, name) FROM stdin;\n1\tAda\n\\.\n${end}`.replaceAll('\n', '\r\n')
    assert.deepEqual(await read(await written(text), 'user'), [{ id: '1', name: 'Ada' }])
  })

  const bad: readonly (readonly [string, string, RegExp])[] = [
    [
      'that was cut off within a table',
      `${head}COPY public."user" (id, name) FROM stdin;\n1\tAda\n`,
      /^lab\.sql:6: .*cut off/,
    ],
    ['that was cut off between statements', head, /^lab\.sql:4: .*cut off/],
    [
      'with a row that is too short',
      `${head}COPY public."user" (id, name) FROM stdin;\n1\n\\.\n${end}`,
      /^lab\.sql:6: 1 values for 2 columns/,
    ],
    ['of two schemas', `${head}${head.replace('public', 'other')}${end}`, /^lab\.sql:5: .*there twice/],
    [
      'with an INSERT that computes',
      `${head}INSERT INTO public."user" VALUES (1, lower('A'));\n${end}`,
      /^lab\.sql:5: this INSERT into user/,
    ],
    ['that is compressed', '\u001f\u008b', /gunzip/],
    ['that is empty', '', /is empty/],
  ]
  for (const [name, text, message] of bad)
    test(`${name} is refused with its line`, async () => {
      const file = await written(Buffer.from(text, text.startsWith('\u001f') ? 'latin1' : 'utf8'))
      await assert.rejects(read(file, 'user'), { code: 'ERR_INPUT', message })
    })

  test('that is not UTF-8 is refused with its line', async () => {
    const file = await written(Buffer.concat([Buffer.from(`${head}-- `), Buffer.from([0xe9, 0x0a])]))
    await assert.rejects(read(file, 'user'), { code: 'ERR_INPUT', message: /^lab\.sql:\d+: is not UTF-8/ })
  })

  test('leaves no key in the temporary copy, and no file behind', async () => {
    const text = `CREATE TABLE public.api_key (\n    id integer,\n    user_id integer,\n    key text\n);\nCOPY public.api_key (id, user_id, key) FROM stdin;\n1\t2\t${secretKey}\n\\.\n${end}`
    assert.deepEqual(await read(await written(text), 'api_key'), [{ user_id: '2' }])
  })

  test('with a text of very many lines is read in seconds, in whichever quotes', async () => {
    const text = "It''s\n".repeat(200_000)
    const rows = [
      `INSERT INTO public."user" VALUES (1, '${text}'), (2, E'${text}\\n\\\\');`,
      `INSERT INTO public.x VALUES ('${text}');`,
    ]
    const file = await written(`${head}${rows.join('\n')}\n${end}`)
    const begun = performance.now()
    const plain = text.replaceAll("''", "'")
    assert.deepEqual(
      (await read(file, 'user')).map(({ name }) => name),
      [plain, `${plain}\n\\`],
    )
    assert.ok(performance.now() - begun < 15_000)
  })

  test('of a hundred thousand rows is read in seconds', async () => {
    const rows = Array.from({ length: 100_000 }, (_, index) => `${index + 1}\tUser ${index}`).join('\n')
    const file = await written(`${head}COPY public."user" (id, name) FROM stdin;\n${rows}\n\\.\n${end}`)
    const begun = performance.now()
    assert.equal((await read(file, 'user')).length, 100_000)
    assert.ok(performance.now() - begun < 10_000)
  })
})
