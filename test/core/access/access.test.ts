import assert from 'node:assert/strict'
import { after, beforeEach, suite, test } from 'node:test'
import type { AccessAsk, Json } from '@labgate/contract'
import Database from 'better-sqlite3'
import { createAccess } from '../../../core/access/access.ts'
import { openSqlite } from '../../support/storage.ts'
import { type World, writeWorld } from './world.ts'

const start = Date.UTC(2026, 0, 1)
const day = 86_400_000

type Line = Partial<World['grants'][number]>

function worldWith(lines: readonly Line[], more: Partial<World> = {}): World {
  return {
    accounts: [
      { id: 'ada', state: 'active', kind: 'person', parent: null },
      { id: 'bob', state: 'pending', kind: 'person', parent: null },
      { id: 'bobs', state: 'active', kind: 'service', parent: 'bob' },
      { id: 'lost', state: 'active', kind: 'service', parent: 'gone' },
    ],
    identities: [identityWith([{ claim: 'affiliation', value: 'lab', trust: 'verified' }])],
    members: [{ account: 'ada', group: 'imaging' }],
    datasets: [{ slug: 'fish', visibility: 'listed', frozen: null }],
    aliases: [{ alias: 'zebra', dataset: 'fish' }],
    versions: [{ dataset: 'fish', version: 'v1' }],
    terms: [],
    acceptances: [],
    grants: lines.map((line, index) => ({
      ...{ id: index + 1, subject: 'account:ada', dataset: 'fish', version: null, level: 'view', permission: null },
      ...{ conditions: {}, isEnded: false },
      ...line,
    })),
    ...more,
  }
}

function identityWith(facts: readonly { claim: string; value: Json; trust: string }[]): World['identities'][number] {
  return {
    account: 'ada',
    instance: 'orcid',
    subject: '0000-0002-1825-009X',
    facts,
    seenAt: start - 42 * day,
    isRemoved: false,
  }
}

suite('answers', async () => {
  const { storage, clock, file, close } = await openSqlite()
  const database = new Database(file)
  after(async () => {
    database.close()
    await close()
  })
  const labels: Readonly<Record<string, string>> = { orcid: 'ORCID' }
  const access = createAccess({ storage, clock, labelOf: (instance) => labels[instance] })
  const ask = (patch: Partial<AccessAsk> = {}): AccessAsk => ({
    account: 'ada',
    dataset: 'fish',
    verb: 'view',
    ...patch,
  })
  const words = async (lines: readonly Line[], patch: Partial<AccessAsk> = {}, more: Partial<World> = {}) => {
    await writeWorld(database, worldWith(lines, more))
    return (await access.explain(ask(patch))).words
  }
  const attached = { dataset: 'fish', version: null, services: [], required: 1, isRetired: false }
  const fanc = { terms: [{ id: 'FANC terms', ...attached }] }
  beforeEach(() => writeWorld(database, worldWith([])))

  test('say why it is allowed', async () => {
    assert.deepEqual(await words([{}]), ['You may view “fish”: it was granted to you.'])
    const until = new Date(start + day).toISOString()
    assert.deepEqual(
      await words([{ subject: 'group:imaging', level: 'admin', conditions: { until } }], { version: 'v1' }),
      ['You may view “fish” v1: it was granted to the group “imaging” at the level “admin”, until 2026-01-02.'],
    )
    assert.deepEqual(await words([{ subject: 'anyone', level: null, permission: 'annotate' }], { verb: 'annotate' }), [
      'You may use “annotate” on “fish”: it was granted to everybody.',
    ])
    assert.deepEqual(await words([{ subject: 'name:orcid:0000-0002-1825-009X' }]), [
      'You may view “fish”: it was granted to you as 0000-0002-1825-009X (ORCID).',
    ])
  })

  test('say the missing step and how to get it', async () => {
    const facts = [{ claim: 'affiliation', equals: 'lab', via: 'orcid', withinDays: 30 }]
    assert.deepEqual(await words([]), ['Ask for access: nobody granted you this dataset.'])
    assert.deepEqual(await words([{}], { verb: 'edit' }), [
      'Ask for access: you have “view” here, but nobody granted you “edit”.',
    ])
    assert.deepEqual(await words([{}], {}, fanc), ['Accept the terms “FANC terms” (text 2).'])
    assert.deepEqual(await words([{ conditions: { facts } }]), [
      'Sign in with ORCID again: your affiliation was last seen 42 days ago, and 30 are allowed.',
    ])
    assert.deepEqual(await words([{ conditions: { facts } }], {}, { identities: [] }), [
      'Sign in with ORCID: it must vouch for your affiliation.',
    ])
    assert.deepEqual(await words([{ conditions: { withinGroup: 'team' } }], {}, fanc), [
      'Become a member of the group “team”: the grant counts only there.',
      'Accept the terms “FANC terms” (text 2).',
    ])
    assert.deepEqual(await words([{ conditions: { from: new Date(start + day / 2).toISOString() } }]), [
      'Wait until 2026-01-01 12:00 UTC: the grant begins then.',
    ])
  })

  test('say what is wrong with the dataset or the account', async () => {
    const frozen = { datasets: [{ slug: 'fish', visibility: 'listed', frozen: 'the paper was withdrawn' }] }
    assert.deepEqual(await words([{}], {}, frozen), ['“fish” is closed for everybody: the paper was withdrawn'])
    assert.deepEqual((await access.snapshot('ada')).grants, [])
    assert.deepEqual(await words([{}], { version: 'v9' }), ['The dataset “fish” has no version “v9”.'])
    for (const [account, state] of [
      ['bob', 'pending'],
      ['bobs', 'pending'],
      ['lost', 'unknown'],
      ['nobody', 'unknown'],
    ] as const)
      assert.deepEqual((await access.decide(ask({ account }))).missing, { step: 'account', state })
  })

  test('somebody who is not signed in is told to, and that terms need it', async () => {
    assert.deepEqual(await words([], { account: undefined }), ['Sign in: this is not open to everybody.'])
    assert.deepEqual(await words([{ subject: 'anyone' }], { account: undefined }, fanc), [
      'Sign in: there are terms of use, and only somebody who is signed in can accept them.',
      'Accept the terms “FANC terms” (text 2).',
    ])
    const [entry] = (await access.anyone()).grants
    assert.deepEqual([entry?.level, entry?.beforeTerms.level, entry?.missingTerms], [undefined, 'view', ['FANC terms']])
  })

  test('the line nearest to counting is the one that is spoken of, and one that is over is the last', async () => {
    const over = { conditions: { until: new Date(start - day).toISOString() } }
    const two = { conditions: { withinGroup: 'team', from: new Date(start + day).toISOString() } }
    await writeWorld(database, worldWith([over, two, { conditions: { withinGroup: 'team' } }]))
    const { lines, missing } = await access.explain(ask())
    assert.deepEqual(
      lines.map(({ grant }) => grant.id),
      [3, 2, 1],
    )
    assert.deepEqual(missing, { step: 'group', group: 'team' })
  })

  test('a hidden dataset is as unknown to those who hold nothing on it as one that is not there', async () => {
    const hidden = { datasets: [{ slug: 'fish', visibility: 'hidden', frozen: 'closed' }] }
    const strange = { conditions: { facts: [{ claim: 'affiliation', equals: 'club' }] } }
    const over = { conditions: { until: new Date(start).toISOString() } }
    for (const lines of [
      [],
      [{ ...strange, subject: 'signed-in' }],
      [over],
      [{ version: 'v8' }],
      [{ isEnded: true }],
    ]) {
      await writeWorld(database, worldWith(lines, hidden))
      for (const patch of [{}, { version: 'v1' }, { version: 'v9' }, { verb: 'admin', account: undefined }]) {
        const [there, not] = [
          await access.explain(ask(patch)),
          await access.explain(ask({ ...patch, dataset: 'shif' })),
        ]
        assert.equal(JSON.stringify(there).replaceAll('fish', 'shif'), JSON.stringify(not))
        const byAlias = await access.explain(ask({ ...patch, dataset: 'zebra' }))
        assert.ok(!JSON.stringify(byAlias).includes('fish'))
      }
    }
    await writeWorld(database, worldWith([strange], hidden))
    assert.deepEqual((await access.decide(ask())).missing, { step: 'dataset', why: 'frozen' })
  })

  test('a name is the exact subject at its instance, or a verified address there, letter by letter', async () => {
    const email = (value: string, trust = 'verified') => ({
      identities: [identityWith([{ claim: 'email', value, trust }])],
    })
    const allowed = async (subject: string, more: Partial<World> = {}) => {
      await writeWorld(database, worldWith([{ subject }], more))
      return (await access.decide(ask())).allowed
    }
    assert.equal(await allowed('name:orcid:0000-0002-1825-009x'), false)
    assert.equal(await allowed('name:github:0000-0002-1825-009X'), false)
    assert.equal(await allowed('name:orcid:kim@lab.org', email('Kim@Lab.org')), true)
    assert.equal(await allowed('name:orcid:kim@lab.org', email('kim@lab.org', 'asserted')), false)
    // U+212A KELVIN SIGN is a `k` in lower case, and another mailbox.
    assert.equal(await allowed('name:orcid:kim@lab.org', email('\u212Aim@lab.org')), false)
  })

  test('terms of one service count where it asks; those of the site are asked for at its door', async () => {
    const terms = [
      { id: 'cave', ...attached, services: ['cave'] },
      { id: 'door', ...attached, dataset: null, services: ['cave'] },
      { id: 'loose', ...attached, dataset: null },
    ]
    await writeWorld(database, worldWith([{}], { terms }))
    assert.equal((await access.decide(ask())).allowed, true)
    assert.equal((await access.decide(ask({ service: 'cave' }))).missing?.step, 'terms')
    assert.equal((await access.snapshot('ada')).grants[0]?.level, 'view')
    assert.equal((await access.snapshot('ada', { service: 'cave' })).grants[0]?.level, undefined)
    const asked = async (account: string) =>
      (await access.missingTerms({ account, service: 'cave' })).map((one) => one.terms)
    assert.deepEqual(await asked('ada'), ['door'])
    await writeWorld(database, worldWith([{}], { terms, acceptances: [{ account: 'ada', terms: 'door', number: 1 }] }))
    assert.deepEqual(await asked('ada'), [])
  })

  test('nobody can change what is remembered', async () => {
    await writeWorld(database, worldWith([{}]))
    const { grants, facts } = await access.snapshot('ada')
    assert.throws(() => (grants as unknown[]).push({}), TypeError)
    assert.throws(() => Object.assign(grants[0] ?? {}, { level: 'admin' }), TypeError)
    assert.throws(() => Object.assign(facts[0] ?? {}, { value: 'x' }), TypeError)
  })

  test('datasets, tables, places and public roots', async () => {
    database.exec(`insert into dataset_place (dataset, version, bucket, prefix) values ('fish', 'v1', 'gs://b', 'fish/');
      insert into service_table (namespace, name, dataset) values ('cave', 'fish_v1', 'fish');
      insert into public_root (namespace, name, root, added_by, created_at) values
        ('cave', 'fish_v1', '18446744073709551615', 'x', 0), ('cave', 'fish_v1', '7', 'x', 0), ('cave', 'lost', '9', 'x', 0)`)
    const fish = await access.dataset('zebra')
    assert.deepEqual(fish, {
      ...{ slug: 'fish', numericId: 0, title: 'fish', description: '', visibility: 'listed', frozen: undefined },
      aliases: ['zebra'],
      versions: [{ version: 'v1', title: '' }],
      places: [{ dataset: 'fish', version: 'v1', bucket: 'gs://b', prefix: 'fish/' }],
      tables: [{ namespace: 'cave', name: 'fish_v1' }],
    })
    database.exec(`update dataset set numeric_id = 77 where slug = 'fish'`)
    assert.deepEqual(await access.dataset(77), { ...fish, numericId: 77 })
    assert.equal(await access.dataset(78), undefined)
    database.exec(`update dataset set numeric_id = null where slug = 'fish'`)
    const table = { namespace: 'cave', name: 'fish_v1' }
    assert.deepEqual(await access.datasetOfTable(table), fish)
    assert.equal(await access.datasetOfTable({ ...table, name: 'lost' }), undefined)
    assert.deepEqual(await access.placesIn('gs://b'), fish?.places)
    assert.deepEqual(await access.publicRoots(table), [7n, 18446744073709551615n])
    assert.deepEqual(
      await access.publicRoots({ ...table, roots: [18446744073709551615n, 18446744073709551615n, 8n] }),
      [18446744073709551615n],
    )
    assert.deepEqual(await access.publicRoots({ ...table, name: 'lost' }), [])
    database.exec(`update dataset set frozen = 'closed'`)
    assert.deepEqual(await access.publicRoots(table), [])
  })
})
