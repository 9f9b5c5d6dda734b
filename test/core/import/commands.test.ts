import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import Database from 'better-sqlite3'
import { datasetGatewayLab, middleAuthLab, secretKey, writeSqlite } from '../../support/import-labs.ts'
import { type CommandFolder, commandFolder } from '../../support/ledger-commands.ts'

const house = { kind: 'system', name: 'test' } as const

function golden(name: string, text: string): void {
  const file = join(import.meta.dirname, '../../golden', name)
  if (process.env.RENEW_GOLDEN === '1') writeFileSync(file, text)
  else assert.equal(text, readFileSync(file, 'utf8'))
}

const alter = (file: string, sql: string) => {
  const database = new Database(file)
  database.exec(sql)
  database.close()
}

/** Every table but those that say when and in which order something happened. */
function everything(folder: CommandFolder): Record<string, unknown[]> {
  const database = new Database(join(folder.path, 'labgate.db'), { readonly: true })
  try {
    const names = database.prepare<[], string>("select name from sqlite_master where type = 'table'").pluck().all()
    return Object.fromEntries(names.map((name) => [name, database.prepare(`select * from "${name}"`).all()]))
  } finally {
    database.close()
  }
}

suite('labgate import middle-auth', () => {
  let [folder, file]: [CommandFolder, string] = [undefined as unknown as CommandFolder, '']
  const argv = (...more: string[]) => ['import', 'middle-auth', 'lab.db', '--sign-in', 'email', ...more]
  before(async () => {
    folder = await commandFolder()
    file = join(folder.path, 'lab.db')
    writeSqlite(file, middleAuthLab)
  })
  after(() => folder.remove())

  test('prints the plan, with what is lost and what is to do, and changes nothing', async () => {
    const before = everything(folder)
    golden('import-middle-auth.txt', await folder.text(...argv('--all')))
    assert.deepEqual(everything(folder), before)
  })

  test('does it in one transaction with one line for all in the trail, and finds nothing to do the second time', async () => {
    assert.match(await folder.text(...argv('--apply')), /Done\.\n$/)
    const first = everything(folder)
    assert.match(await folder.text(...argv('--apply')), /Nothing to do\.\n$/)
    assert.deepEqual(everything(folder), first)
    const [line] = (first.audit_event as { type: string; actor: string; detail: string }[]).filter(
      ({ type }) => type === 'ledger.imported',
    )
    assert.equal(line?.actor, 'import')
    assert.deepEqual(JSON.parse(line?.detail ?? '').after['person.add'], 4)
    assert.doesNotMatch(JSON.stringify(first), new RegExp(secretKey), 'no token came along')
  })

  test('people keep their numbers, everything else gets one above them', () =>
    folder.rooms(async (rooms) => {
      const [accounts, storage] = [rooms.get('accounts'), rooms.get('storage')]
      for (const [number, name] of [
        [1, 'Ada Boss'],
        [7, 'Bo "Bob" O\'Neil'],
        [17, 'Cyrus Ω'],
        [42, 'Dee'],
        [50, 'segmenter'],
      ] as const)
        assert.equal((await accounts.findByNumericId(number))?.displayName, name)
      const robot = await accounts.findByNumericId(50)
      assert.equal(robot?.kind, 'service')
      assert.equal(robot?.parent, (await accounts.findByNumericId(7))?.id)
      const rows = await storage
        .em()
        .execute<{ numeric_id: number }[]>(
          'select numeric_id from account_group union all select numeric_id from dataset union all select numeric_id from terms',
        )
      assert.ok(
        rows.every(({ numeric_id }) => numeric_id > 10_000),
        JSON.stringify(rows),
      )
    }))

  test('rights are those of there: the levels, the named permissions, the reader who may not edit, terms and roots', () =>
    folder.rooms(async (rooms) => {
      const accounts = rooms.get('accounts')
      const held = async (number: number) => {
        const account = await accounts.findByNumericId(number)
        const { grants } = await rooms.get('access').snapshot(account?.id ?? '')
        return Object.fromEntries(
          grants.map(({ dataset, beforeTerms, level }) => [
            dataset,
            [beforeTerms.level, beforeTerms.permissions, level],
          ]),
        )
      }
      assert.deepEqual(await held(1), { 'fanc-v4': ['admin', [], 'admin'] })
      assert.deepEqual(await held(7), { fish2: ['edit', [], 'edit'] }, 'accepted there, accepted here')
      assert.deepEqual(await held(17), { 'fanc-v4': ['view', ['admin_view'], 'view'] })
      assert.deepEqual(await held(42), { fish2: ['view', [], undefined] }, 'a reader, who has accepted nothing')
      assert.deepEqual(await held(50), { fish2: ['edit', [], 'edit'] }, 'by what its owner has accepted')
      const found = await rooms.get('ledger').datasets.roots({ dataset: 'fish2', limit: 10 })
      assert.deepEqual(
        found.rows.map(({ namespace, root }) => [namespace, root]),
        [
          ['datastack', '648518346349541188'],
          ['pychunkedgraph', '648518346349541188'],
        ],
      )
      const sources = await rooms.get('ledger').grants.list({ limit: 100 })
      assert.ok(
        sources.rows.length > 0 &&
          sources.rows.every(({ source, grantedBy }) => source === 'import' && grantedBy === 'import'),
      )
    }))

  test('what was removed here stays removed; what changed there changes; what ended there ends, and no more', async () => {
    const [before, bo] = await folder.rooms(async (rooms) => {
      const person = await rooms.get('accounts').findByNumericId(17)
      await rooms.get('groups').removeMember(house, 'readers', person?.id ?? '')
      const other = await rooms.get('accounts').findByNumericId(7)
      await rooms.get('groups').addMember(house, 'readers', other?.id ?? '')
      return [everything(folder), other?.id ?? ''] as const
    })
    const removed = await folder.text(...argv('--apply'))
    assert.match(removed, /MIND {2}removed here after an import, and left so: member\n {2}user 17 in readers\n/)
    assert.match(removed, /Nothing to do\.\n$/)
    assert.deepEqual(everything(folder).membership, before.membership)
    alter(
      file,
      `update "user" set name = 'Deirdre', email = 'deirdre@lab.example' where id = 42;
       delete from group_dataset_permission where id = 2; delete from user_group where id = 2;
       update tos set text = 'New words.' where id = 1; update "group" set name = 'readers all' where id = 3;
       delete from cell_temp where id = 1; delete from user_group where id = 3;
       insert into user_group (id, user_id, group_id) values (90, 7, 3);
       insert into "user" (id, name, email) values (61, 'Eve', 'eve@lab.example');`,
    )
    golden('import-middle-auth-again.txt', await folder.text(...argv('--all')))
    await folder.text(...argv('--apply'))
    assert.match(await folder.text(...argv('--apply')), /Nothing to do\.\n$/)
    await folder.rooms(async (rooms) => {
      const accounts = rooms.get('accounts')
      assert.equal((await accounts.findByNumericId(42))?.email, 'deirdre@lab.example')
      assert.equal((await accounts.findByNumericId(61))?.displayName, 'Eve', 'a number that was set apart')
      assert.deepEqual((await accounts.findByNumericId(7))?.groups, ['readers'])
      const terms = await rooms.get('ledger').terms.find('fish2-terms')
      assert.deepEqual([terms?.text.number, terms?.requiredNumber], [2, 1])
      assert.equal((await rooms.get('ledger').datasets.roots({ dataset: 'fish2', limit: 10 })).total, 0)
    })
    alter(file, 'delete from user_group where id = 90')
    await folder.text(...argv('--apply'))
    await folder.rooms(async (rooms) => {
      assert.deepEqual((await rooms.get('accounts').find(bo))?.groups, ['readers'], 'said here first, and stays')
    })
  })

  test('a mistake at the source stops everything, all mistakes at once', async () => {
    alter(file, `update tos set text = '' where id = 1; insert into dataset (id, name, tos_id) values (9, 'late', 77);`)
    const before = everything(folder)
    const said = await folder.fails(...argv('--apply'))
    assert.match(said, /tos 1 of the dataset fish2 has no text/)
    assert.match(said, /tos 77 of the dataset late has no text/)
    assert.deepEqual(everything(folder), before)
  })

  test('hostile rows: nobody is their own service account, no name leads anywhere, no number outgrows 32 bits', async () => {
    const folder = await commandFolder()
    try {
      const lab = join(folder.path, 'lab.db')
      writeSqlite(lab, middleAuthLab)
      alter(
        lab,
        `insert into "user" (id, name, email, parent_id) values (100, 'selfish', 's1@service', 100),
           (101, 'one', 's2@service', 102), (102, 'other', 's3@service', 101), (103, 'below', 's4@service', 50);
         insert into "user" (id, name, email) values (200, '''; drop table account; --', 'quote@lab.example'),
           (201, 'a' || char(0) || 'b' || char(8238) || 'c' || char(10) || 'd', 'signs@lab.example'),
           (202, 'Second', 'QUOTE@LAB.EXAMPLE'), (204, 'Two', 'a,b@lab.example'), (5000000000, 'Big', 'big@lab.example');
         insert into "group" (id, name) values (301, 'email:staff'), (302, char(0)), (303, '../../etc'), (304, '日本');
         insert into dataset (id, name) values (400, '../x'), (401, char(0) || char(10));
         insert into permission (id, name) values (12, 'x'';--');
         insert into group_dataset_permission (id, group_id, dataset_id, permission_id) values (500, 302, 401, 12), (501, 999, 1, 1);`,
      )
      const said = await folder.text(...argv('--apply', '--all'))
      assert.match(said, /4 service accounts whose owner is not imported\n {2}selfish\n {2}one\n {2}other\n {2}below\n/)
      assert.match(said, /email:staff is email-staff\n/)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be printed
      assert.doesNotMatch(said, /[\u0000-\u0009\u000b-\u001f\u202e]/)
      await folder.rooms(async (rooms) => {
        const em = rooms.get('storage').em()
        const rows = await em.execute<{ n: number; name: string }[]>(
          `select numeric_id as n, display_name as name from account union all select numeric_id, slug from account_group
           union all select numeric_id, slug from dataset`,
        )
        assert.ok(
          rows.every(({ n }) => n > 0 && n < 2 ** 31),
          JSON.stringify(rows),
        )
        assert.equal(new Set(rows.map(({ n }) => n)).size, rows.length)
        const names = rows.map(({ name }) => name)
        for (const name of ['a b c d', "'; drop table account; --", 'Big', 'etc', 'x'])
          assert.ok(names.includes(name), name)
        assert.ok(!names.includes('Second'), 'one address is one person')
        const awaited = await em.execute<{ value: string }[]>('select value from awaited_name order by value')
        assert.deepEqual(
          awaited.map(({ value }) => value.split('@')[0]),
          ['ada', 'big', 'bo', 'cy', 'dee', 'quote', 'signs'],
        )
      })
    } finally {
      await folder.remove()
    }
  })

  test('a file of another system, an unknown sign-in and a missing one are told', async () => {
    const other = join(folder.path, 'other.db')
    writeSqlite(other, datasetGatewayLab)
    assert.match(
      await folder.fails('import', 'middle-auth', 'other.db', '--sign-in', 'email'),
      /other\.db: has no table user, group: /,
    )
    assert.match(
      await folder.fails('import', 'middle-auth', 'lab.db', '--sign-in', 'nowhere'),
      /there is no plugin nowhere/,
    )
    assert.match(await folder.fails('import', 'middle-auth', 'lab.db'), /--sign-in is missing/)
    assert.match(
      await folder.fails('import', 'middle-auth', 'not-there.sql', '--sign-in', 'email'),
      /there is no such file/,
    )
  })
})

suite('labgate import datasetgateway', () => {
  let folder: CommandFolder
  const argv = (...more: string[]) => ['import', 'datasetgateway', 'dsg.db', '--sign-in', 'email', ...more]
  before(async () => {
    folder = await commandFolder()
    writeSqlite(join(folder.path, 'dsg.db'), datasetGatewayLab)
  })
  after(() => folder.remove())

  test('prints the plan', async () => {
    golden('import-datasetgateway.txt', await folder.text(...argv('--all')))
    const { steps, applied } = await folder.json(...argv())
    assert.equal(applied, false)
    assert.ok(
      steps.some((step: { kind: string; label: string }) => step.kind === 'dataset' && step.label === 'hemibrain'),
    )
  })

  test('does it, and finds nothing to do the second time', async () => {
    await folder.text(...argv('--apply'))
    const first = everything(folder)
    assert.match(await folder.text(...argv('--apply')), /Nothing to do\.\n$/)
    assert.deepEqual(everything(folder), first)
  })

  test('somebody who was here already keeps their number and gets their rights', async () => {
    const other = await commandFolder()
    try {
      const id = await other.person('bo@lab.example')
      writeSqlite(join(other.path, 'dsg.db'), datasetGatewayLab)
      const text = await other.text(...argv('--apply'))
      assert.match(text, /people: 1 here already\n {2}bo@lab\.example \(user 2\)/)
      assert.match(text, /known here by another number/)
      await other.rooms(async (rooms) => assert.deepEqual((await rooms.get('accounts').find(id))?.groups, ['tracers']))
    } finally {
      await other.remove()
    }
  })

  test('versions, places, bounds and terms are those of there', () =>
    folder.rooms(async (rooms) => {
      const dataset = await rooms.get('ledger').datasets.find('hemibrain')
      assert.deepEqual(
        dataset?.places.map(({ version, bucket, prefix }) => [version, bucket, prefix]),
        [
          ['v1.0', 'gs://flyem-one', 'v1.0/'],
          ['v1.1', 'gs://flyem-one', 'v1.1'],
          [undefined, 'gs://flyem-two', ''],
        ],
      )
      assert.deepEqual(dataset?.aliases, ['Hemi'])
      const bo = await rooms.get('accounts').findByNumericId(2)
      const { rows } = await rooms
        .get('ledger')
        .grants.list({ subject: { kind: 'account', account: bo?.id ?? '' }, limit: 10 })
      const said = rows
        .map(({ dataset: slug, version, level, conditions }) => [slug, version, level, conditions.withinGroup])
        .toSorted()
      assert.deepEqual(said, [
        ['hemibrain', 'v1.0', 'view', undefined],
        ['hemibrain', 'v1.1', 'view', undefined],
        ['open-fly', undefined, 'manage', 'tracers'],
      ])
      assert.equal((await rooms.get('accounts').findByNumericId(4))?.state, 'deactivated')
      const terms = await rooms.get('ledger').terms.list({ limit: 10 })
      assert.deepEqual(
        terms.rows.map(({ id, services }) => [id, ...services]),
        [['hemibrain-neuprint-terms', 'neuprint'], ['hemibrain-terms']],
      )
      const [accepted] = await rooms.get('ledger').terms.acceptedBy(bo?.id ?? '')
      assert.deepEqual(
        [accepted?.terms, accepted?.address, accepted?.at.toISOString()],
        ['hemibrain-terms', '192.0.2.9', '2024-05-06T07:08:09.123Z'],
      )
    }))

  test('somebody shut out there is shut out here, and comes back when they do', async () => {
    const file = join(folder.path, 'dsg.db')
    const stateOf = () => folder.rooms(async (rooms) => (await rooms.get('accounts').findByNumericId(2))?.state)
    alter(file, 'update dsg_user set is_active = false where id = 2')
    await folder.text(...argv('--apply'))
    assert.equal(await stateOf(), 'deactivated')
    assert.match(await folder.text(...argv('--apply')), /Nothing to do\.\n$/)
    alter(file, 'update dsg_user set is_active = true where id = 2')
    await folder.text(...argv('--apply'))
    assert.equal(await stateOf(), 'active')
  })
})
