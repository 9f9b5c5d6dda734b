import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type CommandFolder, commandFolder } from '../../support/ledger-commands.ts'

describe('datasets by command', () => {
  let at: CommandFolder
  before(async () => {
    at = await commandFolder()
  })
  after(() => at.remove())

  test('one is added, shown, changed in its lists, closed, opened and removed, each written down', async () => {
    const made = await at.json(
      ...['dataset', 'add', 'fish2', '--title', 'Fish 2', '--version', 'v1=First', '--version', 'v2'],
      ...['--place', 'gs://lab/fish2', '--place', 'v1=gs://lab/fish2/v1', '--table', 'pcg/a/b', '--alias', 'Zebra'],
    )
    assert.deepEqual(
      [made.slug, made.source, made.aliases, made.tables],
      ['fish2', 'database', ['Zebra'], [{ namespace: 'pcg', name: 'a/b' }]],
    )
    const drop = ['--drop', 'alias:Zebra', '--drop', 'place:gs://lab/fish2', '--drop', 'version:v2']
    const changed = await at.json('dataset', 'change', 'Zebra', '--alias', 'other', ...drop)
    assert.deepEqual(changed.aliases, ['other'])
    assert.deepEqual(
      changed.versions.map(({ version }: { version: string }) => version),
      ['v1'],
    )
    assert.deepEqual(
      changed.places.map(({ version, prefix }: { version?: string; prefix: string }) => [version, prefix]),
      [['v1', 'fish2/v1']],
    )
    assert.equal(changed.title, 'Fish 2')
    assert.equal((await at.json('dataset', 'freeze', 'fish2', '--why', 'Under review')).frozen, 'Under review')
    assert.match(await at.text('dataset', 'list'), /fish2 +Fish 2 +listed +v1 +database +Under review/)
    assert.equal('frozen' in (await at.json('dataset', 'open', 'other')), false)
    assert.match(await at.text('dataset', 'show', 'fish2'), /places +v1=gs:\/\/lab\/fish2\/v1/)
    assert.equal(await at.text('dataset', 'remove', 'fish2'), 'Removed fish2.\n')
    assert.equal(await at.text('dataset', 'list'), 'No datasets.\n')
    const trail = await at.rooms(({ get }) => get('storage').audit.list({ limit: 20 }))
    assert.deepEqual(trail.map(({ type, actor }) => `${type} by ${actor}`).toReversed(), [
      'dataset.created by labgate dataset add',
      'dataset.changed by labgate dataset change',
      'dataset.changed by labgate dataset freeze',
      'dataset.changed by labgate dataset open',
      'dataset.removed by labgate dataset remove',
    ])
  })

  test('what cannot be is told, and nothing is done', async () => {
    await at.text('dataset', 'add', 'one', '--table', 'pcg/x')
    assert.match(await at.fails('dataset', 'add', 'one'), /is taken/)
    assert.match(await at.fails('dataset', 'add', 'Two'), /cannot be a slug/)
    assert.match(await at.fails('dataset', 'add', 'two', '--table', 'nothing'), /a table is NAMESPACE\/NAME/)
    assert.match(await at.fails('dataset', 'add', 'two', '--place', 'bucket'), /a place is/)
    assert.match(await at.fails('dataset', 'show', 'two'), /there is no dataset two; `labgate dataset list`/)
    assert.match(await at.fails('dataset', 'change', 'one', '--drop', 'alias:x'), /has no alias:x to drop/)
    assert.match(await at.fails('dataset', 'change', 'one', '--visibility', 'secret'), /must be one of listed, hidden/)
    assert.match(await at.fails('dataset', 'freeze', 'one'), /--why is missing/)
    assert.match(await at.fails('dataset', 'list', '--limit', '0'), /--limit must be/)
    assert.match(await at.fails('dataset', 'roots', 'add', 'pcg/x', '--root', '-1'), /no object id|root/)
    await at.text('dataset', 'remove', 'one')
  })

  test('objects are made public from options and from a file, once', async () => {
    await at.text('dataset', 'add', 'fly', '--table', 'pcg/fly')
    await at.file('roots.txt', '7\n# eight\n8\n\n18446744073709551615 # the last\n')
    const added = await at.json('dataset', 'roots', 'add', 'pcg/fly', '--root', '7', '--file', 'roots.txt')
    assert.deepEqual([added.given, added.changed], [3, 3])
    assert.equal(await at.text('dataset', 'roots', 'add', 'pcg/fly', '--root', '8'), 'Made public: 0.\n')
    const listed = await at.json('dataset', 'roots', 'list', 'fly')
    assert.deepEqual(listed.map(({ root }: { root: string }) => root).toSorted(), ['18446744073709551615', '7', '8'])
    assert.equal(await at.text('dataset', 'roots', 'remove', 'pcg/fly', '--root', '7'), 'Taken back: 1.\n')
    assert.match(await at.fails('dataset', 'roots', 'add', 'pcg/fly'), /at least one object/)
    assert.match(
      await at.fails('dataset', 'roots', 'add', 'pcg/fly', '--file', 'none.txt'),
      /cannot be read \(ENOENT\)/,
    )
    assert.match(await at.fails('dataset', 'roots', 'add', 'pcg/none', '--root', '1'), /No dataset has the table/)
  })
})
