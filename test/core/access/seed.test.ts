import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type Assertion, isFault } from '@labgate/contract'
import { stringify } from 'yaml'
import { seed } from '../../../core/access/seed.ts'
import type { Actor } from '../../../core/accounts/actor.ts'
import { assemble, type Rooms } from '../../../core/assembly.ts'
import { parseConfig } from '../../../core/config/load.ts'
import { createLog } from '../../../core/observe/log.ts'
import { startCommand, writeConfig } from '../../support/command-line.ts'

const hand: Actor = { kind: 'system', name: 'labgate test' }

describe('seeding the ledger from the config', () => {
  let folder = ''
  const open: Rooms[] = []
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labgate-seed-'))
  })
  afterEach(async () => {
    for (const rooms of open.splice(0)) await rooms.get('storage').close()
    await rm(folder, { recursive: true, force: true })
  })

  /** Rooms on the database of the test, and the config seeded into it. */
  async function start(part: object): Promise<{ rooms: Rooms; done: Readonly<Record<string, number>> }> {
    for (const rooms of open.splice(0)) await rooms.get('storage').close()
    return begin(part)
  }
  async function begin(part: object) {
    const file = { issuer: 'http://localhost:1', demo: true, data: folder, plugins: { email: { use: 'x' } }, ...part }
    const { config, locate } = parseConfig(stringify(file), { name: 'labgate.yaml', env: {} })
    const log = createLog({
      clock: { now: () => new Date() },
      level: 'warn',
      style: 'json',
      write: (line) => void warnings.push(line),
    })
    const rooms = await assemble(config, { replaced: { log } })
    open.push(rooms)
    return { rooms, done: await seed(needsOf(rooms, locate)) }
  }
  const warnings: string[] = []
  const needsOf = ({ get }: Rooms, locate?: Parameters<typeof seed>[0]['locate']) => ({
    ...{ config: get('config'), locate, storage: get('storage'), clock: get('clock'), log: get('log') },
    ...{ change: get('change'), ledger: get('ledger'), groups: get('groups') },
    ...{ serviceAccounts: get('serviceAccounts'), members: get('configMembers') },
  })
  const revision = ({ get }: Rooms) => get('storage').settings.get('ledger.revision')
  const lines = async ({ get }: Rooms) =>
    (await get('ledger').grants.list({ limit: 100 })).rows
      .map(({ subject, dataset, version, level, permission, source }) => {
        const who = subject.kind === 'group' ? subject.group : subject.kind
        return [who, dataset, version ?? '*', level ?? permission, source].join(' ')
      })
      .toSorted()
  const arrive = async ({ get }: Rooms, email: string) => {
    const assertion: Assertion = {
      issuer: 'urn:mail',
      subject: email,
      facts: [{ claim: 'email', value: email, trust: 'verified' }],
      authenticatedAt: new Date(),
      amr: [],
    } as unknown as Assertion
    const source = { instance: 'email', realm: 'email' }
    const welcome = await get('people').arrive({
      source,
      assertion,
      admission: { state: 'active' },
      wantsNew: false,
    })
    assert.equal(welcome.kind, 'account')
    return (welcome as typeof welcome & { kind: 'account' }).account
  }

  const whole = {
    datasets: {
      fish2: {
        title: 'Fish 2',
        aliases: ['zebra', 'Alpha'],
        versions: { v2: {}, v1: { title: 'First', places: [{ bucket: 'gs://lab', prefix: 'fish2/v1' }] } },
        places: [{ bucket: 'gs://lab', prefix: 'fish2' }],
        tables: [
          { namespace: 'pcg', name: 'b' },
          { namespace: 'ann', name: 'a' },
        ],
        publicRoots: [{ namespace: 'pcg', name: 'b', roots: ['18446744073709551615', '7'] }],
      },
      worm: {},
    },
    groups: { imaging: { title: 'Imaging', members: ['account:bot', 'email:Ada@Example.org'] } },
    terms: { dua: { title: 'DUA', text: { markdown: 'Be kind.' }, dataset: 'fish2' } },
    grants: [
      { to: 'group:imaging', dataset: 'fish2', level: 'edit', why: 'They collect it.' },
      { to: 'anyone', dataset: 'fish2', version: 'v1', level: 'view', until: '2099-01-01' },
      {
        to: 'name:email:Bob@Example.org',
        dataset: 'worm',
        permission: 'download',
        from: '2026-01-01',
        terms: { id: 'dua' },
        withinGroup: 'imaging',
        facts: [
          { trust: 'asserted', claim: 'x', oneOf: ['b', 1, 'a'] },
          { claim: 'orcid', withinDays: 90 },
        ],
      },
    ],
    serviceAccounts: { bot: { displayName: 'Bot' } },
  }

  test('everything is there after the first start, and written down once', async () => {
    const { rooms, done } = await start(whole)
    assert.deepEqual(done, {
      'dataset.created': 2,
      'dataset.roots-added': 1,
      'grant.added': 3,
      'group.created': 1,
      'group.joined': 1,
      'service-account.created': 1,
      'terms.added': 1,
    })
    const ledger = rooms.get('ledger')
    const fish = await ledger.datasets.find('zebra')
    assert.deepEqual(
      [fish?.slug, fish?.source, fish?.aliases, fish?.versions.map(({ version }) => version)],
      ['fish2', 'config', ['Alpha', 'zebra'], ['v2', 'v1']],
    )
    assert.deepEqual(
      fish?.places.map(({ version, prefix }) => [version, prefix]),
      [
        [undefined, 'fish2'],
        ['v1', 'fish2/v1'],
      ],
    )
    assert.deepEqual(await lines(rooms), [
      'anyone fish2 v1 view config',
      'imaging fish2 * edit config',
      'name worm * download config',
    ])
    const [named] = (await ledger.grants.list({ limit: 1, dataset: 'worm' })).rows
    assert.deepEqual(named?.subject, { kind: 'name', instance: 'email', value: 'bob@example.org' })
    const { members } = rooms.get('groups')
    assert.deepEqual(
      (await members('imaging', { limit: 10 })).rows.map(({ account, sources }) => [account.username, sources]),
      [['bot', ['config']]],
    )
    const [line] = await rooms.get('storage').audit.list({ type: 'ledger.seeded', limit: 5 })
    assert.deepEqual([line?.actor, line?.detail], ['config', done])
    const roots = (await ledger.datasets.roots({ dataset: 'fish2', limit: 10 })).rows
    assert.deepEqual(roots.map(({ root }) => root).toSorted(), ['18446744073709551615', '7'])
  })

  test('a second start writes nothing, whatever the order in the file', async () => {
    const first = await start(whole)
    const [before, audited] = [await revision(first.rooms), await count(first.rooms)]
    const second = await start(whole)
    assert.deepEqual(second.done, {})
    const { fish2, worm } = whole.datasets
    const turned = {
      ...whole,
      datasets: {
        worm,
        fish2: {
          ...fish2,
          aliases: fish2.aliases.toReversed(),
          versions: { v1: fish2.versions.v1, v2: {} },
          tables: fish2.tables.toReversed(),
        },
      },
      grants: whole.grants.toReversed(),
    }
    const third = await start(turned)
    assert.deepEqual(third.done, {})
    assert.deepEqual([await revision(third.rooms), await count(third.rooms)], [before, audited])
  })
  const count = async ({ get }: Rooms) => (await get('storage').audit.list({ limit: 1000 })).length

  test('two processes that start at once make it once', async () => {
    await start({})
    await open.splice(0)[0]?.get('storage').close()
    await writeConfig(folder, {
      ...{
        issuer: 'http://localhost:1',
        demo: true,
        data: folder,
        listen: { port: 0 },
        management: { enabled: false },
      },
      ...{ plugins: { email: { use: '@labgate/auth-email' } }, ...whole },
      mail: { from: { address: 'lab@example.org' }, outbox: join(folder, 'outbox') },
    })
    const argv = ['serve', '--config', 'labgate.yaml']
    const both = [startCommand(argv, { cwd: folder }), startCommand(argv, { cwd: folder })]
    try {
      await Promise.all(both.map((one) => one.says('ready at')))
    } finally {
      for (const one of both) one.process.kill('SIGTERM')
      await Promise.all(both.map((one) => one.done))
    }
    const { rooms, done } = await start(whole)
    assert.deepEqual(done, {})
    assert.equal((await rooms.get('storage').audit.list({ type: 'ledger.seeded', limit: 9 })).length, 1)
    assert.equal((await lines(rooms)).length, 3)
  })

  test('what is changed in the file is changed, and what is taken out ends', async () => {
    await start(whole)
    const { rooms, done } = await start({
      datasets: {
        fish2: {
          title: 'Fish two',
          frozen: 'Paper under review.',
          versions: { v2: {} },
          tables: [{ namespace: 'pcg', name: 'b' }],
          publicRoots: [{ namespace: 'pcg', name: 'b', roots: ['7'] }],
        },
      },
      groups: { imaging: { title: 'Imaging team' } },
      grants: [{ to: 'group:imaging', dataset: 'fish2', level: 'manage' }],
    })
    assert.deepEqual(done, {
      'dataset.changed': 2,
      'dataset.removed': 1,
      'dataset.roots-removed': 1,
      'grant.added': 1,
      'grant.ended': 3,
      'group.changed': 1,
      'group.left': 1,
      'service-account.changed': 1,
      'terms.retired': 1,
    })
    const fish = await rooms.get('ledger').datasets.find('fish2')
    assert.deepEqual([fish?.title, fish?.frozen, fish?.aliases], ['Fish two', 'Paper under review.', []])
    assert.deepEqual(await lines(rooms), ['imaging fish2 * manage config'])
    assert.equal((await rooms.get('serviceAccounts').find('bot'))?.state, 'deactivated')
    assert.ok((await rooms.get('ledger').terms.find('dua'))?.retiredAt)
    assert.deepEqual((await start({})).done, {
      'dataset.removed': 1,
      'grant.ended': 1,
      'group.removed': 1,
    })
  })

  test('what was taken out comes back', async () => {
    await start(whole)
    await start({})
    const { rooms, done } = await start(whole)
    assert.equal(done['grant.added'], 3)
    assert.equal((await rooms.get('serviceAccounts').find('bot'))?.state, 'active')
    assert.equal((await lines(rooms)).length, 3)
    assert.deepEqual((await start(whole)).done, {})
  })

  test('aliases and tables move between datasets in one start', async () => {
    const table = { namespace: 'pcg', name: 'x' }
    await start({ datasets: { a: { aliases: ['moves', 'c'], tables: [table] }, b: {} } })
    const { rooms } = await start({ datasets: { a: {}, b: { aliases: ['moves'], tables: [table] }, c: {} } })
    assert.equal((await rooms.get('ledger').datasets.find('moves'))?.slug, 'b')
    assert.deepEqual((await rooms.get('ledger').datasets.find('b'))?.tables, [table])
    await start({ datasets: { a: { aliases: ['moves'], tables: [table] }, b: {} } })
  })

  test('rows made in the database stay, and a dataset with such rows is closed, not removed', async () => {
    const { rooms } = await start(whole)
    const ada = await arrive(rooms, 'ada@example.org')
    await rooms.get('ledger').datasets.create(hand, { slug: 'fly', title: 'Fly' })
    await rooms.get('groups').create(hand, { slug: 'guests', title: 'Guests' })
    await rooms.get('ledger').grants.add(hand, { subject: { kind: 'signed-in' }, dataset: 'fly', level: 'view' })
    await rooms
      .get('ledger')
      .grants.add(hand, { subject: { kind: 'group', group: 'imaging' }, dataset: 'worm', level: 'view' })
    await rooms.get('ledger').datasets.addRoots(hand, { namespace: 'pcg', name: 'b' }, ['9'])
    assert.deepEqual((await start(whole)).done, {})

    const without = await start({})
    assert.deepEqual(await lines(without.rooms), ['imaging worm * view database', 'signed-in fly * view database'])
    const worm = await without.rooms.get('ledger').datasets.find('worm')
    assert.deepEqual([worm?.source, worm?.frozen], ['database', 'It was taken out of the config file.'])
    const imaging = await without.rooms.get('groups').find('imaging')
    assert.deepEqual([imaging?.source, imaging?.memberCount], ['database', 0])
    assert.equal(await without.rooms.get('ledger').datasets.find('fish2'), undefined)
    assert.deepEqual((await start({})).done, {}, 'once closed, it stays as it is')

    const again = await start(whole)
    const back = await again.rooms.get('ledger').datasets.find('worm')
    assert.deepEqual([back?.source, back?.frozen], ['config', undefined])
    const members = await again.rooms.get('groups').members('imaging', { limit: 9 })
    assert.deepEqual(members.rows.map(({ account }) => account.id).includes(ada.id), true)
    assert.deepEqual((await start(whole)).done, {})
  })

  test('an id that is taken in the database stops the start, with every place and nothing written', async () => {
    const { rooms } = await start({})
    await rooms.get('ledger').datasets.create(hand, { slug: 'fish2', title: 'Mine' })
    await rooms.get('groups').create(hand, { slug: 'imaging', title: 'Mine' })
    await rooms.get('ledger').terms.add(hand, { id: 'dua', title: 'Mine', markdown: 'x', dataset: 'fish2' })
    await rooms.get('serviceAccounts').create(hand, { username: 'bot', displayName: 'Mine' })
    const before = await revision(rooms)
    await assert.rejects(start(whole), (error) => {
      assert.ok(isFault(error) && error.code === 'ERR_CONFIG', String(error))
      const said = error.message.split('\n')
      assert.equal(said.length, 4, error.message)
      assert.match(said[0] ?? '', /^labgate\.yaml:\d+:\d+: datasets\.fish2: a dataset of this slug was made in the/)
      for (const path of ['groups.imaging', 'terms.dua', 'serviceAccounts.bot'])
        assert.ok(
          said.some((line) => line.includes(`: ${path}: `)),
          path,
        )
      return true
    })
    assert.equal(await revision(open[0] as Rooms), before)
    assert.equal((await open[0]?.get('ledger').datasets.find('fish2'))?.title, 'Mine')
  })

  test('a mistake that only the ledger sees is told with its place, and nothing is written', async () => {
    const datasets = { good: {}, bad: { places: [{ bucket: 'gs://lab', prefix: '../up' }] } }
    await assert.rejects(
      start({ datasets: { good: {} }, grants: [{ to: 'anyone', dataset: 'good', level: 'admin' }] }),
      /^Fault: labgate\.yaml:\d+:\d+: grants\[0\]: admin is for people and groups/,
    )
    await assert.rejects(start({ datasets }), /^Fault: labgate\.yaml:\d+:\d+: datasets\.bad: The prefix/)
    assert.equal(await open[0]?.get('ledger').datasets.find('good'), undefined)
  })

  test('a changed file of terms is a new text; `again` says whether it must be accepted again', async () => {
    const file = join(folder, 'terms.md')
    const terms = (again: string) => ({ terms: { dua: { title: 'DUA', text: { file }, services: ['wiki'], again } } })
    const read = async ({ get }: Rooms) => {
      const found = await get('ledger').terms.find('dua')
      return [found?.text.number, found?.requiredNumber, found?.text.markdown.trim()]
    }
    await writeFile(file, 'One.\r\n')
    assert.deepEqual(await read((await start(terms('accept'))).rooms), [1, 1, 'One.'])
    await writeFile(file, 'One.\n')
    assert.deepEqual((await start(terms('accept'))).done, {}, 'another end of line is no other text')
    await writeFile(file, 'Two.')
    assert.deepEqual(await read((await start(terms('keep'))).rooms), [2, 1, 'Two.'])
    await writeFile(file, 'Three.')
    assert.deepEqual(await read((await start(terms('accept'))).rooms), [3, 3, 'Three.'])
    assert.deepEqual((await start(terms('accept'))).done, {})
  })

  test('a text that cannot be read stops the start', async () => {
    const file = join(folder, 'terms.md')
    const terms = { dua: { title: 'DUA', text: { file }, services: ['wiki'] } }
    await assert.rejects(start({ terms }), /labgate\.yaml:\d+:\d+: terms\.dua\.text\.file: there is no such file/)
    await writeFile(file, Buffer.from([0xff, 0xfe, 0x41]))
    await assert.rejects(start({ terms }), /terms\.dua\.text\.file: is not UTF-8/)
    await writeFile(file, ' \n')
    await assert.rejects(start({ terms }), /terms\.dua: Terms need a text/)
  })

  test('people whom the file names join at their first sign-in, and known ones at the start', async () => {
    const first = await start({
      groups: { imaging: { members: ['email:Ada@Example.org'], managers: ['email:ada@example.org'] } },
    })
    const ada = await arrive(first.rooms, 'ada@example.org')
    assert.deepEqual(ada.groups, ['imaging'])
    assert.deepEqual(await first.rooms.get('groups').managedBy(ada.id), ['imaging'])
    const bob = await arrive(first.rooms, 'bob@example.org')
    assert.deepEqual(bob.groups, [])
    const before = await revision(first.rooms)
    await arrive(first.rooms, 'ada@example.org')
    assert.equal(await revision(first.rooms), before, 'a sign-in that changes nothing writes nothing')

    const second = await start({ groups: { imaging: { members: ['email:bob@example.org', 'account:ada'] } } })
    assert.deepEqual(second.done, { 'group.joined': 1, 'group.manager-removed': 1 })
    assert.deepEqual((await second.rooms.get('accounts').find(bob.id))?.groups, ['imaging'])
    assert.deepEqual(await second.rooms.get('groups').managedBy(ada.id), [])
    const third = await start({ groups: { imaging: { members: ['email:eve@example.org'] } } })
    assert.deepEqual(third.done, { 'group.left': 2 })
    assert.deepEqual((await arrive(third.rooms, 'ada@example.org')).groups, [])
  })

  test('a value of another instance, or an address that is not proved, names nobody', async () => {
    const { rooms } = await start({
      plugins: { email: { use: 'x' }, github: { use: 'y' } },
      groups: { imaging: { members: ['github:ada@example.org', 'account:ada@example.org'] } },
    })
    assert.deepEqual((await arrive(rooms, 'ada@example.org')).groups, [])
    assert.deepEqual((await rooms.get('groups').members('imaging', { limit: 9 })).rows, [])
  })

  test('a username that nobody has yet is told, and counts from a later start', async () => {
    const part = {
      datasets: { fish2: {} },
      grants: [{ to: 'account:ada', dataset: 'fish2', level: 'view' }],
      serviceAccounts: { bot: { parent: 'ada' } },
    }
    warnings.length = 0
    const first = await start(part)
    assert.deepEqual(await lines(first.rooms), [])
    assert.match(warnings.join(''), /nobody has this username yet/)
    assert.match(warnings.join(''), /nobody has the username of the parent yet/)
    const ada = await arrive(first.rooms, 'ada@example.org')
    const second = await start(part)
    assert.deepEqual(await lines(second.rooms), ['account fish2 * view config'])
    assert.equal((await second.rooms.get('serviceAccounts').find('bot'))?.parent, ada.id)
  })

  test('what a config keeps cannot be changed by hand', async () => {
    const { rooms } = await start(whole)
    const [grant] = (await rooms.get('ledger').grants.list({ limit: 1 })).rows
    const tries = [
      () => rooms.get('ledger').datasets.change(hand, 'fish2', { title: 'x' }),
      () => rooms.get('ledger').grants.end(hand, grant?.id ?? 0),
      () => rooms.get('ledger').terms.retire(hand, 'dua'),
      () => rooms.get('groups').change(hand, 'imaging', { title: 'x' }),
    ]
    for (const one of tries) await assert.rejects(one(), (error) => isFault(error) && error.code === 'ERR_CONFLICT')
  })
})
