import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { AccountId, Level } from '@labgate/contract'
import { type Access, createAccess } from '../../../core/access/access.ts'
import { createRequestLetters } from '../../../core/access/request-letters.ts'
import { createRequests, type Requests } from '../../../core/access/requests.ts'
import { createStewards } from '../../../core/access/stewards.ts'
import type { Authorise } from '../../../core/accounts/actor.ts'
import { loadTexts } from '../../../core/pages/text.ts'
import { AccountEntity } from '../../../core/storage/entities.ts'
import { allPages, at, command, type OpenedLedger, openLedger } from '../../support/ledger.ts'

const code = (code: string) => (error: unknown) => (error as { code?: string }).code === code

describe('requests for access', () => {
  let ledger: OpenedLedger
  let requests: Requests
  let access: Access
  let admin: AccountId
  let keeper: AccountId
  let person: AccountId
  let sent: { to: string; subject: string; text: string; html: string }[]
  let complaints: string[]
  let mailWorks: boolean

  const reach = (id: AccountId, name: string) =>
    ledger.storage.transaction((em) =>
      em.nativeUpdate(AccountEntity, { id }, { email: `${name}@lab.example`, emailVerified: true, displayName: name }),
    )
  beforeEach(async () => {
    let authorise: Authorise = async () => undefined
    ledger = await openLedger((actor, act) => authorise(actor, act))
    const { storage, clock, change, accounts, groups, grants } = ledger
    access = createAccess({ storage, clock })
    authorise = createStewards({ access, accounts, groups, storage, steeringCommittee: 'sc' }).assertMay
    ;[sent, complaints, mailWorks] = [[], [], true]
    const ignore = () => undefined
    const tell = createRequestLetters({
      ...{ storage, accounts, access, siteName: 'Lab', issuer: 'https://lab.example' },
      mail: {
        async send(message) {
          if (!mailWorks) throw new Error('no mail today')
          sent.push(message)
        },
      },
      log: { debug: ignore, info: ignore, error: ignore, warn: (_fields, message) => void complaints.push(message) },
      wordsFor: async () => loadTexts([`${import.meta.dirname}/../../../core/pages/texts`]).in('en'),
    })
    requests = createRequests({ storage, clock, change, access, grants, tell })
    admin = await ledger.person({ role: 'admin' })
    keeper = await ledger.person()
    person = await ledger.person()
    await reach(admin, 'admin')
    await reach(keeper, 'keeper')
    await reach(person, 'person')
    await ledger.datasets.create(command, {
      slug: 'fish2',
      title: 'Fish <2>',
      aliases: ['fish'],
      versions: [{ version: 'v1' }],
    })
    await ledger.grants.add(command, {
      subject: { kind: 'account', account: keeper },
      dataset: 'fish2',
      level: 'admin',
    })
  })
  afterEach(() => ledger.close())

  const ask = (more: object = {}, who = person) =>
    requests.ask(at(who), { dataset: 'fish2', level: 'view', why: 'for my thesis', ...more })
  const allowed = async (verb: string) => (await access.decide({ account: person, dataset: 'fish2', verb })).allowed

  test('asking again changes the words of the open request, and tells nobody a second time', async () => {
    const first = await ask()
    const second = await ask({ why: 'for my boss', level: 'edit', dataset: 'fish' })
    assert.deepEqual(second, { ...first, why: 'for my boss', level: 'edit' })
    assert.deepEqual(await requests.find(first.id), second)
    const other = await ask({ version: 'v1' })
    assert.notEqual(other.id, first.id)
    assert.deepEqual(
      sent.map(({ to }) => to),
      ['keeper@lab.example', 'keeper@lab.example'],
    )
  })

  test('what people write stays out of the audit trail', async () => {
    const { id } = await ask({ why: 'my private reason' })
    await ask({ why: 'my other private reason' })
    await requests.decide(at(keeper), id, { grant: 'no', note: 'a private note' })
    assert.ok(!JSON.stringify(ledger.told).includes('private'))
  })

  test('ten at once are one request', async () => {
    const made = await Promise.all(Array.from({ length: 10 }, (_, index) => ask({ why: `why ${index}` })))
    assert.equal(new Set(made.map(({ id }) => id)).size, 1)
    assert.equal(sent.length, 1)
  })

  test('a hidden dataset is asked for by those only who hold something on it', async () => {
    await ledger.datasets.change(command, 'fish2', { visibility: 'hidden' })
    const unknown = await ask({ dataset: 'none' }).catch((error: unknown) => error)
    const hidden = await ask().catch((error: unknown) => error)
    assert.ok(code('ERR_NOT_FOUND')(hidden))
    assert.equal((hidden as Error).message, (unknown as Error).message)
    await ledger.grants.add(command, { subject: { kind: 'account', account: person }, dataset: 'fish2', level: 'view' })
    assert.equal((await ask({ level: 'edit' })).state, 'open')
  })

  test('bad requests are refused', async () => {
    for (const more of [{ why: ' ' }, { why: 'x'.repeat(2001) }, { level: 'owner' as Level }])
      await assert.rejects(() => ask(more), code('ERR_INPUT'))
    await assert.rejects(() => ask({ version: 'v9' }), code('ERR_NOT_FOUND'))
    const gone = await ledger.person({ state: 'deactivated' })
    await assert.rejects(() => ask({}, gone), code('ERR_FORBIDDEN'))
    assert.equal((await ask({ why: 'a\u202eb\0c' })).why, 'a b c')
  })

  test('nobody has more than twenty open requests', async () => {
    for (let index = 0; index < 21; index++) await ledger.datasets.create(command, { slug: `d${index}`, title: 'D' })
    for (let index = 0; index < 20; index++) await ask({ dataset: `d${index}` })
    await assert.rejects(() => ask({ dataset: 'd20' }), code('ERR_RATE'))
    // Its words may be changed all the same.
    assert.equal((await ask({ dataset: 'd3', why: 'other' })).why, 'other')
    const [first] = (await requests.list({ account: person, limit: 1 })).rows
    await requests.withdraw(at(person), first?.id ?? 0)
    assert.equal((await ask({ dataset: 'd20' })).state, 'open')
  })

  test('asking and withdrawing over and over ends for the day', async () => {
    const round = async () => requests.withdraw(at(person), (await ask()).id)
    for (let index = 0; index < 40; index++) await round()
    await assert.rejects(round, code('ERR_RATE'))
    ledger.clock.pass(86_401)
    await round()
  })

  test('a yes grants in the same step, with its end, and tells the person', async () => {
    const { id } = await ask({ level: 'edit' })
    const until = new Date(ledger.clock.now().getTime() + 3_600_000)
    const decided = await requests.decide(at(keeper), id, { grant: 'yes', level: 'view', until, note: 'welcome' })
    assert.deepEqual([decided.state, decided.decidedBy, decided.note], ['granted', keeper, 'welcome'])
    assert.deepEqual([await allowed('view'), await allowed('edit')], [true, false])
    ledger.clock.pass(3601)
    assert.equal(await allowed('view'), false)
    assert.equal(sent.at(-1)?.to, 'person@lab.example')
    assert.match(sent.at(-1)?.text ?? '', /given access.*welcome/s)
    await assert.rejects(() => requests.decide(at(keeper), id, { grant: 'no' }), code('ERR_CONFLICT'))
  })

  test('a no grants nothing', async () => {
    const { id } = await ask()
    assert.equal((await requests.decide(at(keeper), id, { grant: 'no' })).state, 'refused')
    assert.equal(await allowed('view'), false)
    assert.match(sent.at(-1)?.text ?? '', /answer is no/)
    assert.notEqual((await ask()).id, id)
  })

  test('who may not grant decides nothing, and nothing is half done', async () => {
    const { id } = await ask({ level: 'admin' })
    await assert.rejects(() => requests.decide(at(person), id, { grant: 'yes' }), code('ERR_FORBIDDEN'))
    // A dataset's admin decides requests, and yet names no other admin.
    await assert.rejects(() => requests.decide(at(keeper), id, { grant: 'yes' }), code('ERR_FORBIDDEN'))
    assert.equal((await requests.find(id))?.state, 'open')
    assert.equal((await requests.decide(at(keeper), id, { grant: 'yes', level: 'view' })).state, 'granted')
    await assert.rejects(() => requests.decide(at(admin), 999, { grant: 'no' }), code('ERR_NOT_FOUND'))
  })

  test('an end in the past is refused', async () => {
    const { id } = await ask()
    const until = ledger.clock.now()
    await assert.rejects(() => requests.decide(at(keeper), id, { grant: 'yes', until }), code('ERR_INPUT'))
  })

  test('of two answers at once one counts', async () => {
    const { id } = await ask()
    const outcomes = await Promise.allSettled([
      requests.decide(at(keeper), id, { grant: 'yes' }),
      requests.decide(at(admin), id, { grant: 'no' }),
    ])
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  })

  test('a request is withdrawn by its own person, while it is open', async () => {
    const { id } = await ask()
    await assert.rejects(() => requests.withdraw(at(keeper), id), code('ERR_NOT_FOUND'))
    await requests.withdraw(at(person), id)
    await requests.withdraw(at(person), id)
    assert.equal((await requests.find(id))?.state, 'withdrawn')
    await assert.rejects(() => requests.decide(at(keeper), id, { grant: 'yes' }), code('ERR_CONFLICT'))
  })

  test('lists go page by page, newest first, within what one looks after', async () => {
    await ledger.datasets.create(command, { slug: 'other', title: 'O' })
    const ids = [(await ask()).id, (await ask({ version: 'v1' })).id, (await ask({ dataset: 'other' })).id]
    const seen = await allPages((after) => requests.list({ limit: 2, after, state: 'open' }))
    assert.deepEqual(
      seen.map(({ id }) => id),
      ids.toReversed(),
    )
    assert.equal((await requests.list({ limit: 9, datasets: ['other'] })).total, 1)
    assert.equal((await requests.list({ limit: 9, datasets: [] })).total, 0)
    assert.equal((await requests.list({ limit: 9, search: 'THESIS' })).total, 3)
    assert.equal((await requests.list({ limit: 9, account: keeper })).total, 0)
  })

  test('letters go to the dataset’s admins, else to the site’s, and escape what people write', async () => {
    await ask({ why: '<img src=x>\nsecond line' })
    assert.deepEqual(
      sent.map(({ to }) => to),
      ['keeper@lab.example'],
    )
    assert.match(sent[0]?.text ?? '', /<img src=x>\nsecond line/)
    assert.ok(!sent[0]?.html.includes('<img'))
    assert.ok(!sent[0]?.html.includes('Fish <2>'))
    await ledger.accounts.setState(keeper, 'deactivated')
    await ask({ version: 'v1' })
    assert.equal(sent.at(-1)?.to, 'admin@lab.example')
  })

  test('mail that does not leave stops nobody', async () => {
    mailWorks = false
    const { id } = await ask()
    assert.equal((await requests.decide(at(keeper), id, { grant: 'yes' })).state, 'granted')
    assert.equal(complaints.length, 2)
  })
})
