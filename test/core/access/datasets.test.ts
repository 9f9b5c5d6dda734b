import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { DatasetPatch } from '../../../core/access/model.ts'
import fc from '../../support/chance.ts'
import { allPages, at, command, config, type OpenedLedger, openLedger } from '../../support/ledger.ts'

const fish = {
  slug: 'fish2',
  title: 'Fish 2',
  aliases: ['Fish_Two', 'fanc:fish'],
  versions: [{ version: 'v1' }, { version: 'v 2', title: 'Second' }],
  places: [{ bucket: 'gs://lab-bucket' }, { bucket: 's3://other', prefix: 'fish/v1', version: 'v1' }],
  tables: [
    { namespace: 'seg', name: 'fish2_v1' },
    { namespace: 'ann', name: 'fish' },
  ],
}

describe('datasets', () => {
  let ledger: OpenedLedger
  beforeEach(async () => {
    ledger = await openLedger()
  })
  afterEach(() => ledger.close())

  test('one is what it was created as, and found by slug and by alias', async () => {
    const made = await ledger.datasets.create(command, fish)
    assert.deepEqual(made, {
      slug: 'fish2',
      numericId: 1,
      title: 'Fish 2',
      description: '',
      visibility: 'listed',
      frozen: undefined,
      aliases: ['Fish_Two', 'fanc:fish'],
      versions: [
        { version: 'v1', title: '' },
        { version: 'v 2', title: 'Second' },
      ],
      places: [
        { dataset: 'fish2', version: undefined, bucket: 'gs://lab-bucket', prefix: '' },
        { dataset: 'fish2', version: 'v1', bucket: 's3://other', prefix: 'fish/v1' },
      ],
      tables: [
        { namespace: 'ann', name: 'fish' },
        { namespace: 'seg', name: 'fish2_v1' },
      ],
      source: 'database',
      createdAt: ledger.clock.now(),
      updatedAt: ledger.clock.now(),
    })
    for (const name of ['fish2', 'Fish_Two', 'fanc:fish']) assert.deepEqual(await ledger.datasets.find(name), made)
    for (const name of ['', 'fish', 'fish_two', 'FISH2', 'v1'])
      assert.equal(await ledger.datasets.find(name), undefined, name)
  })

  test('a change replaces the lists it names and leaves the rest', async () => {
    const made = await ledger.datasets.create(command, fish)
    ledger.clock.pass(60)
    const changed = await ledger.datasets.change(command, 'fish2', {
      description: 'Two\nlines',
      versions: [{ version: 'v1', title: 'First' }, { version: 'v3' }],
      aliases: [],
    })
    assert.deepEqual(changed, {
      ...made,
      description: 'Two\nlines',
      versions: [
        { version: 'v1', title: 'First' },
        { version: 'v3', title: '' },
      ],
      aliases: [],
      updatedAt: ledger.clock.now(),
    })
    assert.equal(await ledger.datasets.find('Fish_Two'), undefined)
  })

  test('it is closed with a reason and opened by null', async () => {
    await ledger.datasets.create(command, fish)
    const isFrozen = async (frozen: string | null) =>
      (await ledger.datasets.change(command, 'fish2', { frozen })).frozen
    assert.equal(await isFrozen('The bucket moves'), 'The bucket moves')
    assert.equal((await ledger.datasets.change(command, 'fish2', { title: 'Other' })).frozen, 'The bucket moves')
    assert.equal(await isFrozen(null), undefined)
    await assert.rejects(isFrozen(''), { code: 'ERR_INPUT' })
  })

  test('what changes nothing leaves no trace', async () => {
    const made = await ledger.datasets.create(command, fish)
    const revision = await ledger.revision()
    const told = ledger.told.length
    ledger.clock.pass(60)
    assert.deepEqual(await ledger.datasets.change(command, 'fish2', fish), made)
    assert.deepEqual(await ledger.datasets.change(command, 'fish2', {}), made)
    assert.equal(await ledger.revision(), revision)
    assert.equal(ledger.told.length, told)
  })

  test('a slug, an alias and a table belong to one dataset, whatever the case of a name', async () => {
    await ledger.datasets.create(command, fish)
    const other = { slug: 'worm', title: 'Worm' }
    const clashes: (DatasetPatch & { slug: string; title: string })[] = [
      { ...fish, aliases: [], tables: [] },
      { ...other, slug: 'fish_two' },
      { ...other, aliases: ['fish2'] },
      { ...other, aliases: ['FISH2'] },
      { ...other, aliases: ['Fish_Two'] },
      { ...other, aliases: ['fish_TWO'] },
      { ...other, aliases: ['worm'] },
      { ...other, tables: [{ namespace: 'seg', name: 'fish2_v1' }] },
    ]
    for (const clash of clashes)
      await assert.rejects(ledger.datasets.create(command, clash), { code: 'ERR_CONFLICT' }, JSON.stringify(clash))
    await ledger.datasets.create(command, { ...other, tables: [{ namespace: 'seg', name: 'fish2_v2' }] })
    for (const patch of [{ aliases: ['fish2'] }, { tables: fish.tables }, { aliases: ['worm'] }])
      await assert.rejects(ledger.datasets.change(command, 'worm', patch), { code: 'ERR_CONFLICT' })
    assert.equal((await ledger.datasets.list({ limit: 10 })).total, 2)
    // A spelling of its own slug leads nobody astray.
    assert.deepEqual((await ledger.datasets.change(command, 'worm', { aliases: ['WORM'] })).aliases, ['WORM'])
  })

  test('refuses what cannot be a name, a place or a text, and writes nothing', async () => {
    const bad: Partial<DatasetPatch & { slug: string; title: string }>[] = [
      ...['', 'A', '-a', '.', 'a/b', 'a b', 'a\n', 'ä', 'a'.repeat(65), 'a:b'].map((slug) => ({ slug })),
      ...['', ' ', 'x'.repeat(201), 'a\u202eb', 'a\u0000b', 'a\nb'].map((title) => ({ title })),
      { description: 'a\u001b[31m' },
      { description: 'x'.repeat(4001) },
      { visibility: 'secret' as 'hidden' },
      ...['', '-x', 'a b', 'a/b', 'x'.repeat(129), 'é'].map((alias) => ({ aliases: [alias] })),
      { aliases: ['x', 'X'] },
      ...['', ' v1', 'v/1', 'v\u200b1', 'v'.repeat(65), 'v\u0301\n', 'e\u0301'].map((version) => ({
        versions: [{ version }],
      })),
      { versions: [{ version: 'v1' }, { version: 'v1' }] },
      ...['lab', 'gs://', 'gs://a/b', 'gs:///a', 'GS://a', 'gs://a b', '//a', 'gs://a?b', 'gs://u:p@a'].map(
        (bucket) => ({
          places: [{ bucket }],
        }),
      ),
      ...['/a', '../a', 'a/../b', 'a\\b', 'a\u0000', 'x'.repeat(1025)].map((prefix) => ({
        places: [{ bucket: 'gs://a', prefix }],
      })),
      { places: [{ bucket: 'gs://a', version: 'v9' }] },
      { places: [{ bucket: 'gs://a' }, { bucket: 'gs://a', prefix: '' }] },
      { tables: [{ namespace: '', name: 'x' }] },
      { tables: [{ namespace: 'x', name: 'a\tb' }] },
      { tables: [{ namespace: 7 as unknown as string, name: 'x' }] },
      { aliases: 'fish' as unknown as string[] },
      { aliases: Array.from({ length: 1001 }, (_, index) => `a${index}`) },
    ]
    for (const part of bad)
      await assert.rejects(
        ledger.datasets.create(command, { slug: 'worm', title: 'Worm', ...part }),
        { code: 'ERR_INPUT' },
        JSON.stringify(part),
      )
    assert.equal((await ledger.datasets.list({ limit: 10 })).total, 0)
    assert.equal(await ledger.revision(), 1)
    assert.deepEqual(await ledger.storage.audit.list({ limit: 10 }), [])
  })

  test('a version that a grant or a place names stays', async () => {
    await ledger.datasets.create(command, fish)
    const drop = () => ledger.datasets.change(command, 'fish2', { versions: [{ version: 'v1' }] })
    const grant = await ledger.grants.add(command, {
      subject: { kind: 'signed-in' },
      dataset: 'fish2',
      version: 'v 2',
      level: 'view',
    })
    await assert.rejects(drop(), { code: 'ERR_CONFLICT', message: /“v 2” is still named by grant 1\./ })
    await ledger.grants.end(command, grant.id)
    assert.deepEqual((await drop()).versions, [{ version: 'v1', title: '' }])
    await assert.rejects(ledger.datasets.change(command, 'fish2', { versions: [] }), { code: 'ERR_INPUT' })
    assert.deepEqual((await ledger.datasets.change(command, 'fish2', { versions: [], places: [] })).versions, [])
  })

  test('a version that terms name stays until they are retired', async () => {
    await ledger.datasets.create(command, { ...fish, places: [] })
    const now = ledger.clock.now().getTime()
    const terms = (state: string) =>
      ledger.storage.transaction((em) => em.execute(`${state}`, state.includes('?') ? [now] : []))
    await terms(`insert into terms (id, title, dataset, version, services, created_at)
      values ('tou', 'Terms', 'fish2', 'v1', '[]', ?)`)
    const drop = () => ledger.datasets.change(command, 'fish2', { versions: [] })
    await assert.rejects(drop(), { code: 'ERR_CONFLICT', message: /terms tou/ })
    await terms(`update terms set retired_at = ? where id = 'tou'`)
    assert.deepEqual((await drop()).versions, [])
  })

  test('what the config file keeps is changed by the config alone', async () => {
    const made = await ledger.datasets.create(config, fish)
    assert.equal(made.source, 'config')
    const admin = at(await ledger.person({ role: 'admin' }))
    for (const actor of [admin, command, { kind: 'system', name: 'import' } as const]) {
      await assert.rejects(ledger.datasets.change(actor, 'fish2', { title: 'Mine' }), {
        code: 'ERR_CONFLICT',
        message: /config file/,
      })
      await assert.rejects(ledger.datasets.remove(actor, 'fish2'), { code: 'ERR_CONFLICT' })
    }
    assert.deepEqual(await ledger.datasets.find('fish2'), made)
    assert.equal((await ledger.datasets.change(config, 'fish2', { title: 'Ours' })).title, 'Ours')
    await ledger.datasets.remove(config, 'fish2')
    assert.equal(await ledger.datasets.find('fish2'), undefined)
  })

  test('the config takes over what was made here', async () => {
    await ledger.datasets.create(command, fish)
    assert.equal((await ledger.datasets.change(config, 'fish2', {})).source, 'config')
    await assert.rejects(ledger.datasets.change(command, 'fish2', { title: 'Mine' }), { code: 'ERR_CONFLICT' })
  })

  test('removing takes its grants and roots along, unless the config grants on it', async () => {
    await ledger.datasets.create(command, fish)
    const table = { namespace: 'seg', name: 'fish2_v1' }
    await ledger.datasets.addRoots(command, table, ['1', '2'])
    const own = await ledger.grants.add(command, { subject: { kind: 'anyone' }, dataset: 'fish2', level: 'view' })
    const kept = await ledger.grants.add(config, { subject: { kind: 'signed-in' }, dataset: 'fish2', level: 'edit' })
    await assert.rejects(ledger.datasets.remove(command, 'fish2'), { code: 'ERR_CONFLICT', message: /config file/ })
    await ledger.grants.end(config, kept.id)
    await ledger.datasets.remove(command, 'fish2')
    assert.equal(await ledger.grants.find(own.id), undefined)
    await assert.rejects(ledger.datasets.remove(command, 'fish2'), { code: 'ERR_NOT_FOUND' })
    // Its next owner finds no root open.
    await ledger.datasets.create(command, fish)
    assert.equal((await ledger.datasets.roots({ dataset: 'fish2', limit: 10 })).total, 0)
    const [line] = (await ledger.storage.audit.list({ limit: 10, type: 'dataset.removed' })).map(({ detail }) => detail)
    assert.deepEqual((line as { before: { with: unknown } }).before.with, { grants: 1, terms: 0, requests: 0 })
  })

  test('of two who create the same at once, one is told so', async () => {
    const outcomes = await Promise.allSettled([
      ledger.datasets.create(command, fish),
      ledger.datasets.create(command, { ...fish, title: 'Another' }),
      ledger.datasets.create(command, { slug: 'worm', title: 'Worm', aliases: ['fish2'] }),
    ])
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'made')),
      ['made', 'ERR_CONFLICT', 'ERR_CONFLICT'],
    )
  })
})

describe('lists of datasets', () => {
  let ledger: OpenedLedger
  before(async () => {
    ledger = await openLedger()
    for (let index = 0; index < 60; index += 1)
      await ledger.datasets.create(command, {
        slug: `set-${String(index).padStart(2, '0')}${index % 2 ? '_odd' : '.even'}`,
        title: `Title ${index} 100%`,
        aliases: [`Alias:${index}`],
        visibility: index % 3 === 0 ? 'hidden' : 'listed',
      })
  })
  after(() => ledger.close())

  test('pages of any size give every row once, in the order of slugs, with the whole count', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 70 }), async (limit) => {
        const rows = await allPages(async (next) => {
          const page = await ledger.datasets.list({ limit, after: next })
          assert.equal(page.total, 60)
          assert.ok(page.rows.length <= limit)
          return page
        })
        const slugs = rows.map(({ slug }) => slug)
        assert.equal(new Set(slugs).size, 60)
        assert.deepEqual(slugs, slugs.toSorted())
      }),
      { numRuns: 12 },
    )
  })

  test('a search finds slugs, titles and aliases, and its wildcards mean themselves', async () => {
    const total = async (search: string) => (await ledger.datasets.list({ limit: 5, search })).total
    assert.equal(await total('SET-0'), 10)
    assert.equal(await total('title 59'), 1)
    assert.equal(await total('alias:59'), 1)
    assert.equal(await total('_odd'), 30)
    assert.equal(await total('%'), 60)
    assert.equal(await total('_'), 30)
    assert.equal(await total('\\'), 0)
    assert.equal(await total("' or 1=1 --"), 0)
    assert.equal(await total('  '), 60)
    assert.equal(await total('x'.repeat(100_000)), 0)
  })

  test('only some slugs, only what is listed, only a thousand', async () => {
    const { total } = await ledger.datasets.list({ limit: 5, visibility: 'hidden' })
    assert.equal(total, 20)
    const some = await ledger.datasets.list({ limit: 5, slugs: ['set-01_odd', 'nothing'] })
    assert.deepEqual(
      some.rows.map(({ aliases }) => aliases),
      [['Alias:1']],
    )
    assert.equal((await ledger.datasets.list({ limit: 5, slugs: [] })).total, 0)
    for (const limit of [0, -1, 0.5])
      assert.equal((await ledger.datasets.list({ limit })).rows.length, 1, String(limit))
  })
})

describe('public roots', () => {
  let ledger: OpenedLedger
  const table = { namespace: 'seg', name: 'fish2_v1' }
  beforeEach(async () => {
    ledger = await openLedger()
    await ledger.datasets.create(command, fish)
  })
  afterEach(() => ledger.close())

  test('are unsigned 64-bit integers in digits, each kept once', async () => {
    const roots = ['0', '1', '864691135000000001', '18446744073709551615', '1']
    assert.equal(await ledger.datasets.addRoots(command, table, roots), 4)
    assert.equal(await ledger.datasets.addRoots(command, table, ['1', '2']), 1)
    assert.equal(await ledger.datasets.removeRoots(command, table, ['1', '3']), 1)
    const { rows, total } = await ledger.datasets.roots({ dataset: 'fish2', limit: 10 })
    assert.equal(total, 4)
    assert.deepEqual(rows.map(({ root }) => root).toSorted(), ['0', '18446744073709551615', '2', '864691135000000001'])
    for (const bad of ['18446744073709551616', '-1', '01', '', '1.5', '1e3', ' 1', '٣', 7 as unknown as string])
      await assert.rejects(ledger.datasets.addRoots(command, table, ['5', bad]), { code: 'ERR_INPUT' }, String(bad))
    assert.equal((await ledger.datasets.roots({ dataset: 'fish2', limit: 10 })).total, 4)
  })

  test('need a table that a dataset has', async () => {
    await assert.rejects(ledger.datasets.addRoots(command, { ...table, name: 'other' }, ['1']), {
      code: 'ERR_NOT_FOUND',
    })
    await ledger.datasets.addRoots(command, table, ['1'])
    await ledger.datasets.change(command, 'fish2', { tables: [] })
    await ledger.datasets.create(command, { slug: 'worm', title: 'Worm', tables: [table] })
    assert.equal((await ledger.datasets.roots({ dataset: 'worm', limit: 10 })).total, 0)
  })

  test('are added by thousands and paged, every one once', async () => {
    const many = Array.from({ length: 5000 }, (_, index) => String(BigInt(index) * 3_689_348_814_741_910n))
    const revision = await ledger.revision()
    assert.equal(await ledger.datasets.addRoots(command, table, many), 5000)
    assert.equal(await ledger.revision(), revision + 1)
    await ledger.datasets.addRoots(command, { namespace: 'ann', name: 'fish' }, ['1', '2'])
    const rows = await allPages((next) => ledger.datasets.roots({ dataset: 'fish2', limit: 999, after: next }))
    assert.equal(rows.length, 5002)
    assert.equal(new Set(rows.map(({ name, root }) => `${name} ${root}`)).size, 5002)
    assert.equal((await ledger.datasets.roots({ dataset: 'fish2', limit: 1, search: many[4999] })).total, 1)
    for (const next of ['x', '', 'W10', 'WzEsMiwzXQ'])
      await assert.rejects(ledger.datasets.roots({ dataset: 'fish2', limit: 5, after: next }), { code: 'ERR_INPUT' })
    await assert.rejects(ledger.datasets.addRoots(command, table, Array(20_001).fill('1')), { code: 'ERR_INPUT' })
  })

  test('of a dataset the config keeps may be changed by those who keep the dataset', async () => {
    await ledger.datasets.change(config, 'fish2', {})
    assert.equal(await ledger.datasets.addRoots(command, table, ['1']), 1)
  })
})
