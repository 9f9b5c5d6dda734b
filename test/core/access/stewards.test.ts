import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { AccountId, Level } from '@labgate/contract'
import { createAccess } from '../../../core/access/access.ts'
import type { Subject } from '../../../core/access/model.ts'
import { createStewards, type Stewards } from '../../../core/access/stewards.ts'
import { createTerms } from '../../../core/access/terms.ts'
import type { Act } from '../../../core/accounts/actor.ts'
import { systemRandom } from '../../../core/random.ts'
import { at, command, config, type OpenedLedger, openLedger } from '../../support/ledger.ts'

type Who =
  | 'nobody'
  | 'viewer'
  | 'manager'
  | 'lead'
  | 'groupManager'
  | 'keeper'
  | 'versionKeeper'
  | 'named'
  | 'lapsed'
  | 'upstreamSc'
  | 'sc'
  | 'siteAdmin'
  | 'goneAdmin'
  | 'goneKeeper'

const everyone: readonly Who[] = [
  ...(['nobody', 'viewer', 'manager', 'lead', 'groupManager', 'keeper', 'versionKeeper', 'named', 'lapsed'] as const),
  ...(['upstreamSc', 'sc', 'siteAdmin', 'goneAdmin', 'goneKeeper'] as const),
]

const grant = (
  level: Level | undefined,
  rest: Partial<Pick<Act & { on: 'grant' }, 'subject' | 'withinGroup' | 'dataset'>> = {},
): Act[] =>
  (['add', 'end'] as const).map((what) => ({
    ...{ on: 'grant', do: what, dataset: 'fish2', level, subject: 'account:x', withinGroup: undefined },
    ...rest,
  }))
const group = (what: (Act & { on: 'group' })['do'], slug: string): Act => ({ on: 'group', do: what, group: slug })

/** Every act, and who may do it besides site admins. */
const rules: readonly (readonly [name: string, acts: readonly Act[], may: readonly Who[]])[] = [
  ['create a dataset', [{ on: 'dataset', do: 'create' }], []],
  ['remove a dataset', [{ on: 'dataset', do: 'remove' }], []],
  ['change the dataset', [{ on: 'dataset', do: 'change', dataset: 'fish2' }], ['keeper']],
  ['change another dataset', [{ on: 'dataset', do: 'change', dataset: 'worm' }], []],
  ['change what is not there', [{ on: 'dataset', do: 'change', dataset: 'nothing' }], []],
  ['bind places to the dataset', [{ on: 'dataset', do: 'bind', dataset: 'fish2' }], []],
  ['name an admin of the dataset', grant('admin'), ['sc', 'groupManager']],
  ['name an admin of another', grant('admin', { dataset: 'worm' }), ['sc', 'groupManager']],
  ['name an admin within a group', grant('admin', { withinGroup: 'imaging' }), ['sc', 'groupManager']],
  ['grant below admin', [...grant('view'), ...grant('manage')], ['keeper']],
  ['grant on another dataset', grant('view', { dataset: 'worm' }), []],
  ['grant a named permission', [...grant(undefined), ...grant(undefined, { withinGroup: 'imaging' })], ['keeper']],
  ['grant to everybody', grant('view', { subject: 'anyone', withinGroup: 'imaging' }), ['keeper']],
  ['grant to a group', grant('view', { subject: 'group:imaging', withinGroup: 'imaging' }), ['keeper']],
  ['grant within the group', grant('view', { withinGroup: 'imaging' }), ['keeper', 'lead']],
  ['grant manage to a name', grant('manage', { subject: 'name:g:x', withinGroup: 'imaging' }), ['keeper', 'lead']],
  ['grant within another group', grant('view', { withinGroup: 'others' }), ['keeper']],
  ['grant elsewhere within it', grant('view', { dataset: 'worm', withinGroup: 'imaging' }), []],
  ['change terms of the dataset', [{ on: 'terms', dataset: 'fish2' }], ['keeper']],
  ['change terms of another', [{ on: 'terms', dataset: 'worm' }], []],
  ['change terms of the site', [{ on: 'terms', dataset: undefined }], []],
  ['answer a request', [{ on: 'request', dataset: 'fish2' }], ['keeper']],
  ['answer another’s request', [{ on: 'request', dataset: 'worm' }], []],
  ['change groups', (['create', 'change', 'remove', 'managers'] as const).map((what) => group(what, 'imaging')), []],
  ['change members', [group('members', 'imaging')], ['lead', 'groupManager']],
  ['change members of another', [group('members', 'sc')], []],
  ['make a service account', [{ on: 'service-account', parent: undefined }], []],
  ['change another’s token', [{ on: 'token', account: 'x' }], []],
]

describe('who may change the ledger', () => {
  let ledger: OpenedLedger
  let stewards: Stewards
  let people: Readonly<Record<Who, AccountId>>
  const rulesOf = (ownServiceAccounts?: 'allowed' | 'refused') => {
    const { storage, clock, accounts, groups } = ledger
    const access = createAccess({ storage, clock })
    const own = ownServiceAccounts === undefined ? {} : { ownServiceAccounts }
    return createStewards({ access, accounts, groups, storage, steeringCommittee: 'sc', ...own })
  }
  before(async () => {
    ledger = await openLedger()
    stewards = rulesOf()
    people = await peopleOf(ledger)
  })
  after(() => ledger.close())

  for (const [name, acts, may] of rules)
    test(`${name}: ${[...may, 'siteAdmin'].join(', ')}`, async () => {
      for (const act of acts)
        for (const who of everyone) {
          const outcome = await stewards.assertMay(at(people[who]), act).then(
            () => 'may',
            (error) => error.code,
          )
          const expected = who === 'siteAdmin' || may.includes(who) ? 'may' : 'ERR_FORBIDDEN'
          assert.equal(outcome, expected, `${who}: ${JSON.stringify(act)}`)
        }
    })

  test('an account that is not known may nothing, the house itself everything', async () => {
    for (const [, acts] of rules)
      for (const act of acts) {
        await assert.rejects(stewards.assertMay(at('unknown'), act), { code: 'ERR_FORBIDDEN' })
        await stewards.assertMay(command, act)
        await stewards.assertMay(config, act)
      }
  })

  test('a refusal says who could do it', async () => {
    const words = async (act: Act) =>
      stewards.assertMay(at(people.nobody), act).then(
        () => '',
        ({ message }) => message,
      )
    assert.equal(await words({ on: 'dataset', do: 'create' }), 'This needs a site admin.')
    assert.match(await words({ on: 'terms', dataset: 'fish2' }), /an admin of the dataset, or a site admin/)
    assert.match(await words(group('members', 'imaging')), /a manager of the group imaging/)
    assert.match(await words(grant('admin')[0] as Act), /the steering committee/)
  })

  test('tokens: one’s own, and those of one’s service accounts', async () => {
    const service = await ledger.person()
    await ledger.storage.transaction((em) =>
      em.execute(`update account set kind = 'service', parent = ? where id = ?`, [people.viewer, service]),
    )
    const may = (who: Who, account: AccountId) => stewards.assertMay(at(people[who]), { on: 'token', account })
    await may('viewer', people.viewer)
    await may('viewer', service)
    await may('siteAdmin', service)
    await assert.rejects(may('keeper', service), { code: 'ERR_FORBIDDEN' })
    await assert.rejects(may('viewer', people.keeper), { code: 'ERR_FORBIDDEN' })
    await assert.rejects(may('goneKeeper', people.goneKeeper), { code: 'ERR_FORBIDDEN' })
  })

  test('people have service accounts of their own where the config allows it, and no program makes one', async () => {
    const own: Act = { on: 'service-account', parent: people.viewer }
    await assert.rejects(stewards.assertMay(at(people.viewer), own), { code: 'ERR_FORBIDDEN' })
    const open = rulesOf('allowed')
    await open.assertMay(at(people.viewer), own)
    await assert.rejects(open.assertMay(at(people.keeper), own), { code: 'ERR_FORBIDDEN' })
    await assert.rejects(open.assertMay(at(people.viewer), { ...own, parent: undefined }), { code: 'ERR_FORBIDDEN' })
    const service = await ledger.person()
    await ledger.storage.transaction((em) => em.execute(`update account set kind = 'service' where id = ?`, [service]))
    await assert.rejects(open.assertMay(at(service), { ...own, parent: service }), { code: 'ERR_FORBIDDEN' })
  })

  test('rights are told as they are', async () => {
    const none = { admin: false, steering: false, datasets: [], managed: [], groups: [], any: false }
    const expected: Record<Who, Partial<typeof none> | Record<string, unknown>> = {
      nobody: {},
      viewer: {},
      manager: { managed: ['fish2'], any: true },
      lead: { managed: ['fish2'], groups: ['imaging'], any: true },
      groupManager: { steering: true, groups: ['imaging'], any: true },
      keeper: { datasets: ['fish2'], managed: ['fish2'], any: true },
      versionKeeper: {},
      named: {},
      lapsed: {},
      upstreamSc: {},
      sc: { steering: true, any: true },
      siteAdmin: { admin: true, any: true },
      goneAdmin: {},
      goneKeeper: {},
    }
    for (const who of everyone)
      assert.deepEqual(await stewards.rightsOf(people[who]), { ...none, ...expected[who] }, who)
  })

  test('terms that a keeper has not accepted take nothing of the ledger from them', async () => {
    const keeper = await ledger.person()
    await ledger.datasets.create(command, { slug: 'with-terms', title: 'With terms' })
    await ledger.grants.add(command, {
      subject: { kind: 'account', account: keeper },
      dataset: 'with-terms',
      level: 'admin',
    })
    const terms = createTerms({ ...ledger, random: systemRandom })
    await terms.add(command, { id: 'its-terms', title: 'Terms', dataset: 'with-terms', markdown: 'Be kind.' })
    await stewards.assertMay(at(keeper), { on: 'terms', dataset: 'with-terms' })
    await ledger.datasets.remove(command, 'with-terms')
  })

  test('a right that ends ends at once', async () => {
    const keeper = await ledger.person()
    const act: Act = { on: 'dataset', do: 'change', dataset: 'fish2' }
    const { id } = await ledger.grants.add(command, {
      subject: { kind: 'account', account: keeper },
      dataset: 'fish2',
      level: 'admin',
      conditions: { until: new Date(ledger.clock.now().getTime() + 60_000) },
    })
    await stewards.assertMay(at(keeper), act)
    await ledger.datasets.change(command, 'fish2', { frozen: 'Moved' })
    await assert.rejects(stewards.assertMay(at(keeper), act), { code: 'ERR_FORBIDDEN' })
    await ledger.datasets.change(command, 'fish2', { frozen: null })
    await stewards.assertMay(at(keeper), act)
    ledger.clock.pass(61)
    await assert.rejects(stewards.assertMay(at(keeper), act), { code: 'ERR_FORBIDDEN' })
    await ledger.grants.end(command, id)
  })
})

describe('with leave asked at the door', () => {
  let ledger: OpenedLedger
  let people: Readonly<Record<Who, AccountId>>
  before(async () => {
    let stewards: Stewards | undefined
    ledger = await openLedger(async (actor, act) => stewards?.assertMay(actor, act))
    const { storage, clock, accounts, groups } = ledger
    const access = createAccess({ storage, clock })
    stewards = createStewards({ access, accounts, groups, storage, steeringCommittee: 'sc' })
    people = await peopleOf(ledger)
  })
  after(() => ledger.close())

  const toAnyone: Subject = { kind: 'anyone' }

  test('a stranger changes nothing by any way', async () => {
    const me = at(people.nobody)
    const table = { namespace: 'seg', name: 'fish' }
    const { total } = await ledger.grants.list({ limit: 1, state: 'all' })
    const lines = (await ledger.storage.audit.list({ limit: 1000 })).length
    const attempts: Promise<unknown>[] = [
      ledger.datasets.create(me, { slug: 'mine', title: 'Mine' }),
      ledger.datasets.change(me, 'fish2', { title: 'Mine' }),
      ledger.datasets.change(me, 'fish2', {}),
      ledger.datasets.change(me, 'nothing', { title: 'Mine' }),
      ledger.datasets.remove(me, 'fish2'),
      ledger.datasets.addRoots(me, table, ['1']),
      ledger.datasets.removeRoots(me, table, ['1']),
      ledger.grants.add(me, { subject: toAnyone, dataset: 'fish2', level: 'view' }),
      ledger.grants.add(me, { subject: toAnyone, dataset: 'Fish', level: 'view' }),
      ledger.grants.add(me, { subject: { kind: 'account', account: people.nobody }, dataset: 'fish2', level: 'admin' }),
      ledger.grants.end(me, 1),
    ]
    for (const attempt of attempts) await assert.rejects(attempt, { code: 'ERR_FORBIDDEN' })
    assert.equal((await ledger.grants.list({ limit: 1, state: 'all' })).total, total)
    assert.equal((await ledger.storage.audit.list({ limit: 1000 })).length, lines)
  })

  test('what is hidden and what is not there are refused alike', async () => {
    const words = async (dataset: string) =>
      ledger.datasets.change(at(people.nobody), dataset, { title: 'x' }).then(
        () => '',
        ({ code, message }) => `${code} ${message}`,
      )
    assert.equal(await words('nothing'), await words('worm'))
    const roots = async (name: string) =>
      ledger.datasets.addRoots(at(people.nobody), { namespace: 'seg', name }, ['1']).then(
        () => '',
        ({ code, message }) => `${code} ${message}`,
      )
    assert.equal(await roots('nothing'), await roots('fish'))
    // Nor does a grant's number, or an alias, tell whose it is.
    const { id } = await ledger.grants.add(command, { subject: toAnyone, dataset: 'worm', level: 'view' })
    for (const attempt of [
      ledger.grants.end(at(people.nobody), id),
      ledger.grants.add(at(people.nobody), { subject: toAnyone, dataset: 'Worm', level: 'edit' }),
    ])
      await assert.rejects(attempt, ({ code, message }) => code === 'ERR_FORBIDDEN' && !message.includes('worm'))
    await ledger.grants.end(command, id)
  })

  test('a dataset’s admin may hand in its places again, and choose none', async () => {
    const me = at(people.keeper)
    const places = [{ bucket: 'gs://lab', prefix: 'fish' }]
    const tables = [{ namespace: 'seg', name: 'fish' }]
    const changed = await ledger.datasets.change(me, 'fish2', { title: 'Ours', aliases: ['Fish'], places, tables })
    assert.equal(changed.title, 'Ours')
    for (const patch of [
      { places: [...places, { bucket: 'gs://lab', prefix: 'worm' }] },
      { places: [{ bucket: 'gs://lab' }] },
      { places: [] },
      { tables: [...tables, { namespace: 'seg', name: 'worm' }] },
      { aliases: ['Fish', 'C.elegans'] },
    ])
      await assert.rejects(ledger.datasets.change(me, 'fish2', patch), { code: 'ERR_FORBIDDEN' }, JSON.stringify(patch))
    assert.equal(await ledger.datasets.addRoots(me, tables[0] as (typeof tables)[0], ['1']), 1)
  })

  test('by an alias nobody gets past the rules of the dataset', async () => {
    const grant = { subject: toAnyone, dataset: 'Worm', level: 'view' } as const
    await assert.rejects(ledger.grants.add(at(people.keeper), grant), { code: 'ERR_FORBIDDEN' })
    assert.equal((await ledger.grants.add(at(people.siteAdmin), grant)).dataset, 'worm')
  })

  test('a team lead grants within the group and ends what is within it, nothing else', async () => {
    const me = at(people.lead)
    const one = { subject: { kind: 'account', account: people.nobody }, dataset: 'fish2', level: 'view' } as const
    const made = await ledger.grants.add(me, { ...one, conditions: { withinGroup: 'imaging' } })
    assert.notEqual((await ledger.grants.end(me, made.id)).endedAt, undefined)
    const others = await ledger.grants.add(command, one)
    await assert.rejects(ledger.grants.end(me, others.id), { code: 'ERR_FORBIDDEN' })
    await assert.rejects(ledger.grants.add(me, one), { code: 'ERR_FORBIDDEN' })
  })

  test('a dataset’s admin cannot unname another, nor name one; the steering committee can', async () => {
    const subject = { kind: 'account', account: people.viewer } as const
    const grant = { subject, dataset: 'fish2', level: 'admin' } as const
    await assert.rejects(ledger.grants.add(at(people.keeper), grant), { code: 'ERR_FORBIDDEN' })
    const made = await ledger.grants.add(at(people.sc), grant)
    await assert.rejects(ledger.grants.end(at(people.keeper), made.id), { code: 'ERR_FORBIDDEN' })
    await ledger.grants.end(at(people.sc), made.id)
    await assert.rejects(ledger.grants.add(at(people.sc), { ...grant, level: 'view' }), { code: 'ERR_FORBIDDEN' })
  })

  test('of two acts at once, the one that ends a right and the one that uses it, the order decides', async () => {
    const keeper = await ledger.person()
    const { id } = await ledger.grants.add(command, {
      subject: { kind: 'account', account: keeper },
      dataset: 'fish2',
      level: 'admin',
    })
    const [, late] = await Promise.allSettled([
      ledger.grants.end(command, id),
      ledger.datasets.change(at(keeper), 'fish2', { title: 'Too late' }),
    ])
    assert.equal(late.status === 'rejected' && late.reason.code, 'ERR_FORBIDDEN')
  })
})

/** A lab in which everybody stands for one rule. */
async function peopleOf(ledger: OpenedLedger): Promise<Readonly<Record<Who, AccountId>>> {
  const roleOf = (who: Who) => (who === 'siteAdmin' || who === 'goneAdmin' ? 'admin' : 'user')
  const made = await Promise.all(
    everyone.map(async (who) => [who, await ledger.person({ role: roleOf(who) })] as const),
  )
  const people = Object.fromEntries(made) as Record<Who, AccountId>
  const tables = [{ namespace: 'seg', name: 'fish' }]
  const places = [{ bucket: 'gs://lab', prefix: 'fish' }]
  const versions = [{ version: 'v1' }]
  await ledger.datasets.create(command, { slug: 'fish2', title: 'Fish', aliases: ['Fish'], versions, tables, places })
  await ledger.datasets.create(command, { slug: 'worm', title: 'Worm', aliases: ['Worm'], visibility: 'hidden' })
  for (const slug of ['imaging', 'others', 'sc']) await ledger.groups.create(command, { slug, title: slug })
  const give = (who: Who, rest: object) =>
    ledger.grants.add(command, { subject: { kind: 'account', account: people[who] }, dataset: 'fish2', ...rest })
  await give('viewer', { level: 'edit' })
  await give('manager', { level: 'manage' })
  await give('lead', { level: 'manage' })
  await give('keeper', { level: 'admin' })
  await give('goneKeeper', { level: 'admin' })
  await give('versionKeeper', { level: 'admin', version: 'v1' })
  await give('named', { permission: 'administer' })
  await give('lapsed', { level: 'admin', conditions: { until: ledger.clock.now() } })
  for (const who of ['lead', 'groupManager'] as const)
    await ledger.groups.setManager(command, 'imaging', { account: people[who], is: 'manager' })
  for (const who of ['sc', 'groupManager'] as const) await ledger.groups.addMember(command, 'sc', people[who])
  await ledger.accounts.setGroups(people.upstreamSc, 'github', ['sc', 'github:sc'])
  for (const who of ['goneAdmin', 'goneKeeper'] as const) await ledger.accounts.setState(people[who], 'deactivated')
  return people
}
