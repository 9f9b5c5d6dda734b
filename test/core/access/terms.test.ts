import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { AccountId } from '@labgate/contract'
import { type Access, createAccess } from '../../../core/access/access.ts'
import { createStewards } from '../../../core/access/stewards.ts'
import { createTerms, type TermsBook } from '../../../core/access/terms.ts'
import type { Authorise } from '../../../core/accounts/actor.ts'
import { systemRandom } from '../../../core/random.ts'
import { AccountEntity } from '../../../core/storage/entities.ts'
import { GrantEntity, TermsInvitationEntity } from '../../../core/storage/ledger-entities.ts'
import { allPages, at, command, config, type OpenedLedger, openLedger } from '../../support/ledger.ts'

const sha = (text: string) => createHash('sha256').update(text).digest('hex')
const code = (code: string, message?: RegExp) => (error: unknown) =>
  (error as { code?: string }).code === code && (message === undefined || message.test((error as Error).message))

describe('terms of use', () => {
  let ledger: OpenedLedger
  let terms: TermsBook
  let access: Access
  let admin: AccountId
  let person: AccountId
  beforeEach(async () => {
    let authorise: Authorise = async () => undefined
    ledger = await openLedger((actor, act) => authorise(actor, act))
    const { storage, clock, change, accounts, groups, grants } = ledger
    access = createAccess({ storage, clock })
    authorise = createStewards({ access, accounts, groups, storage, steeringCommittee: 'sc' }).assertMay
    terms = createTerms({ storage, clock, random: systemRandom, change, grants })
    admin = await ledger.person({ role: 'admin' })
    person = await ledger.person()
    await ledger.datasets.create(command, { slug: 'fish2', title: 'Fish', versions: [{ version: 'v1' }] })
  })
  afterEach(() => ledger.close())

  const add = (id = 'fish-terms', more: object = { dataset: 'fish2' }) =>
    terms.add(at(admin), { id, title: 'Terms of the fish', markdown: '# Be kind\n', ...more })
  const lines = (type: string) => ledger.told.filter(({ audit }) => audit === type)
  const revisionOf = async (id: AccountId) => (await ledger.storage.em().findOneOrFail(AccountEntity, { id })).revision
  const missing = async (service: string) =>
    (await access.missingTerms({ account: person, service })).map((one) => one.terms)

  test('terms have a text, its number and its SHA-256', async () => {
    const made = await add()
    assert.equal(made.text.digest, sha('# Be kind\n'))
    assert.deepEqual([made.text.number, made.requiredNumber, made.text.publishedBy], [1, 1, admin])
    assert.deepEqual(await terms.find('fish-terms'), made)
    assert.equal(await terms.find('other'), undefined)
    assert.deepEqual(
      lines('terms.added').map(({ actor }) => actor),
      [admin],
    )
  })

  test('bad ids, titles, texts, services and places are refused', async () => {
    for (const id of ['', 'A', 'for', 'invited', 'a/b', '.x', 'x'.repeat(65), 'a b'])
      await assert.rejects(() => add(id), code('ERR_INPUT'), id)
    for (const more of [
      { title: '' },
      { title: 'a\nb' },
      { title: 'x\u202ey' },
      { markdown: ' \n' },
      { markdown: 'a\0b' },
      { markdown: 'x'.repeat(200_001) },
      { services: ['a b'] },
      { services: [''] },
      { version: 'v1' },
    ])
      await assert.rejects(() => add('x', more), code('ERR_INPUT'), JSON.stringify(more).slice(0, 60))
    await assert.rejects(() => add('x', { dataset: 'fish2', version: 'v9' }), code('ERR_NOT_FOUND'))
    await assert.rejects(() => add('x', { dataset: 'none' }), code('ERR_NOT_FOUND'))
    await add('x')
    await assert.rejects(() => add('x'), code('ERR_CONFLICT'))
  })

  test('only those who look after the dataset, or the site, write terms', async () => {
    await assert.rejects(() => terms.add(at(person), { id: 'a', title: 'A', markdown: 'a' }), code('ERR_FORBIDDEN'))
    await add()
    for (const work of [
      () => terms.publish(at(person), 'fish-terms', { markdown: 'b', again: 'accept' }),
      () => terms.retire(at(person), 'fish-terms'),
      () => terms.change(at(person), 'fish-terms', { title: 'B' }),
      () => terms.invite(at(person), { terms: 'fish-terms' }),
    ])
      await assert.rejects(work, code('ERR_FORBIDDEN'))
    const subject = { kind: 'account', account: person } as const
    await ledger.grants.add(at(admin), { subject, dataset: 'fish2', level: 'admin' })
    assert.equal((await terms.change(at(person), 'fish-terms', { title: 'B' })).title, 'B')
    await assert.rejects(() => terms.add(at(person), { id: 'site', title: 'S', markdown: 's' }), code('ERR_FORBIDDEN'))
  })

  test('an acceptance keeps text, time and address, and the account’s next answer is made anew', async () => {
    await add('site', { dataset: undefined, services: ['web'] })
    assert.deepEqual(await missing('web'), ['site'])
    assert.deepEqual(await missing('other'), [])
    const before = await revisionOf(person)
    await terms.accept(at(person), { terms: 'site', digest: sha('# Be kind\n') })
    assert.deepEqual(await missing('web'), [])
    assert.ok((await revisionOf(person)) > before)
    const [kept] = await terms.acceptedBy(person)
    assert.deepEqual(kept, {
      ...{ account: person, terms: 'site', number: 1, digest: sha('# Be kind\n') },
      ...{ at: ledger.clock.now(), address: '192.0.2.7' },
    })
  })

  test('accepting twice, and twenty times at once, is accepting once', async () => {
    await add()
    const digest = sha('# Be kind\n')
    await Promise.all(Array.from({ length: 20 }, () => terms.accept(at(person), { terms: 'fish-terms', digest })))
    assert.equal((await terms.acceptedBy(person)).length, 1)
    assert.equal(lines('terms.accepted').length, 1)
  })

  test('only the newest text is accepted, by its digest', async () => {
    await add()
    await terms.publish(at(admin), 'fish-terms', { markdown: 'new', again: 'keep' })
    for (const digest of [sha('# Be kind\n'), '', sha('new').toUpperCase()])
      await assert.rejects(
        () => terms.accept(at(person), { terms: 'fish-terms', digest }),
        code('ERR_CONFLICT'),
        digest,
      )
    await terms.accept(at(person), { terms: 'fish-terms', digest: sha('new') })
    await assert.rejects(() => terms.accept(at(person), { terms: 'none', digest: '' }), code('ERR_NOT_FOUND'))
    await terms.retire(at(admin), 'fish-terms')
    await assert.rejects(
      () => terms.accept(at(person), { terms: 'fish-terms', digest: sha('new') }),
      code('ERR_NOT_FOUND'),
    )
  })

  test('a deactivated account and a service account accept nothing', async () => {
    await add()
    const gone = await ledger.person({ state: 'deactivated' })
    const machine = await ledger.person()
    await ledger.storage.transaction((em) => em.nativeUpdate(AccountEntity, { id: machine }, { kind: 'service' }))
    for (const account of [gone, machine, 'nobody'])
      await assert.rejects(
        () => terms.accept(at(account), { terms: 'fish-terms', digest: sha('# Be kind\n') }),
        code('ERR_FORBIDDEN'),
      )
  })

  test('a new text asks everybody again, or lets the former acceptance count', async () => {
    await add('site', { dataset: undefined, services: ['web'] })
    await terms.accept(at(person), { terms: 'site', digest: sha('# Be kind\n') })
    assert.equal((await terms.publish(at(admin), 'site', { markdown: 'two', again: 'keep' })).requiredNumber, 1)
    assert.deepEqual(await missing('web'), [])
    const third = await terms.publish(at(admin), 'site', { markdown: 'three', again: 'accept' })
    assert.deepEqual([third.requiredNumber, third.text.number], [3, 3])
    assert.deepEqual(await missing('web'), ['site'])
    assert.deepEqual(
      (await terms.texts('site')).map(({ markdown }) => markdown),
      ['three', 'two', '# Be kind\n'],
    )
    await terms.retire(at(admin), 'site')
    assert.deepEqual(await missing('web'), [])
    const [line] = lines('terms.published').slice(-1)
    const detail = line?.detail as { before: { number: number }; after: { number: number } }
    assert.deepEqual([detail.before.number, detail.after.number], [2, 3])
  })

  test('line ends of forms and files make the same text', async () => {
    await add()
    const again = await terms.publish(at(admin), 'fish-terms', { markdown: '# Be kind\r\n', again: 'keep' })
    assert.equal(again.text.number, 1)
    assert.equal(lines('terms.published').length, 0)
  })

  test('terms of the config file are changed there', async () => {
    await terms.add(config, { id: 'conf', title: 'C', markdown: 'c' })
    for (const work of [
      () => terms.publish(at(admin), 'conf', { markdown: 'd', again: 'keep' }),
      () => terms.change(at(admin), 'conf', { title: 'D' }),
      () => terms.retire(at(admin), 'conf'),
    ])
      await assert.rejects(work, code('ERR_CONFLICT', /config file/))
    assert.equal((await terms.publish(config, 'conf', { markdown: 'd', again: 'accept' })).text.number, 2)
  })

  test('lists go page by page and are searched', async () => {
    for (const id of ['a', 'b', 'c']) await add(id, id === 'b' ? { dataset: 'fish2' } : {})
    const ids = await allPages((after) => terms.list({ limit: 2, after }))
    assert.deepEqual(
      ids.map(({ id }) => id),
      ['a', 'b', 'c'],
    )
    assert.deepEqual(
      (await terms.list({ limit: 9, datasets: ['fish2'] })).rows.map(({ id }) => id),
      ['b'],
    )
    assert.equal((await terms.list({ limit: 9, datasets: [] })).total, 0)
    assert.deepEqual(
      (await terms.list({ limit: 9, search: 'FISH2' })).rows.map(({ id }) => id),
      ['b'],
    )
    const people = [person, admin, await ledger.person()]
    for (const one of people) await terms.accept(at(one), { terms: 'a', digest: sha('# Be kind\n') })
    const who = await allPages((after) => terms.acceptances({ terms: 'a', limit: 2, after }))
    assert.deepEqual(
      who.map(({ account }) => account),
      people.toReversed(),
    )
    assert.equal((await terms.acceptances({ terms: 'a', limit: 9, search: person })).total, 1)
    await assert.rejects(() => terms.acceptances({ terms: 'a', limit: 9, after: 'x' }), code('ERR_INPUT'))
  })

  describe('links', () => {
    const digest = sha('# Be kind\n')
    const invite = (more: object = {}) => terms.invite(at(admin), { terms: 'fish-terms', level: 'edit', ...more })
    const decide = async (account: AccountId) =>
      (await access.decide({ account, dataset: 'fish2', verb: 'edit' })).allowed
    beforeEach(() => add())

    test('a link gives its level with the acceptance, in the name of who made it', async () => {
      const { token, invitation } = await invite()
      assert.match(token, /^[\w-]{43}$/)
      assert.equal((await terms.invitation(token))?.id, invitation.id)
      assert.equal(await decide(person), false)
      await terms.acceptInvited(at(person), { token, digest })
      assert.equal(await decide(person), true)
      const [grant] = await ledger.storage.em().find(GrantEntity, { subject: `account:${person}` })
      assert.deepEqual([grant?.grantedBy, grant?.source, grant?.level], [admin, 'database', 'edit'])
      assert.match(grant?.why ?? '', /^invited by \S+ \(link \S+\)$/)
      assert.equal((await terms.invitations('fish-terms'))[0]?.used, 1)
    })

    test('only the digest of a link is kept, in the trail neither', async () => {
      const { token } = await invite()
      const [row] = await ledger.storage.em().find(TermsInvitationEntity, {})
      assert.equal(Buffer.from(row?.digest ?? []).toString('hex'), sha(token))
      assert.ok(!JSON.stringify([row, ledger.told]).includes(token))
    })

    test('of twenty people at once, three get the three places', async () => {
      const { token } = await invite({ seats: 3 })
      const people = await Promise.all(Array.from({ length: 20 }, () => ledger.person()))
      const outcomes = await Promise.allSettled(people.map((one) => terms.acceptInvited(at(one), { token, digest })))
      const refused = outcomes.filter((one) => one.status === 'rejected')
      assert.equal(refused.length, 17)
      for (const { reason } of refused) assert.ok(code('ERR_NOT_FOUND', /places/)(reason))
      assert.equal((await Promise.all(people.map(decide))).filter(Boolean).length, 3)
      assert.equal((await terms.invitations('fish-terms'))[0]?.used, 3)
      // Nobody without a place has accepted anything.
      assert.equal((await terms.acceptances({ terms: 'fish-terms', limit: 99 })).total, 3)
      assert.equal(await terms.whyOver(token), 'full')
      assert.equal(await terms.invitation(token), undefined)
    })

    test('using a link again takes no second place, not even when it is full', async () => {
      const { token } = await invite({ seats: 1 })
      await terms.acceptInvited(at(person), { token, digest })
      await terms.acceptInvited(at(person), { token, digest })
      assert.equal((await terms.invitations('fish-terms'))[0]?.used, 1)
    })

    test('who has the access already takes no place, and who gets it back from an admin keeps it', async () => {
      const { token } = await invite({ seats: 2 })
      const grant = { subject: { kind: 'account', account: person }, dataset: 'fish2', level: 'edit' } as const
      const { id } = await ledger.grants.add(at(admin), grant)
      await terms.acceptInvited(at(person), { token, digest })
      await terms.acceptInvited(at(person), { token, digest })
      assert.equal((await terms.invitations('fish-terms'))[0]?.used, 0)
      await ledger.grants.end(at(admin), id)
      await terms.acceptInvited(at(person), { token, digest })
      assert.equal((await terms.invitations('fish-terms'))[0]?.used, 1)
    })

    test('access that an admin has ended does not come back by the same link', async () => {
      const { token } = await invite()
      await terms.acceptInvited(at(person), { token, digest })
      const [grant] = await ledger.storage.em().find(GrantEntity, { subject: `account:${person}` })
      await ledger.grants.end(at(admin), grant?.id ?? 0)
      await assert.rejects(() => terms.acceptInvited(at(person), { token, digest }), code('ERR_NOT_FOUND', /ended/))
      assert.equal(await decide(person), false)
    })

    test('a link that is over says why', async () => {
      const ended = await invite()
      await terms.endInvitation(at(admin), ended.invitation.id)
      const late = await invite({ endsAt: new Date(ledger.clock.now().getTime() + 60_000) })
      ledger.clock.pass(60)
      assert.equal(await terms.whyOver(ended.token), 'ended')
      assert.equal(await terms.whyOver(late.token), 'expired')
      assert.equal(await terms.whyOver('x'), 'gone')
      for (const token of [ended.token, late.token, 'x'])
        await assert.rejects(() => terms.acceptInvited(at(person), { token, digest }), code('ERR_NOT_FOUND'))
      const open = await invite()
      await terms.retire(at(admin), 'fish-terms')
      assert.equal(await terms.whyOver(open.token), 'retired')
      await assert.rejects(() => terms.acceptInvited(at(person), { token: open.token, digest }), code('ERR_NOT_FOUND'))
    })

    test('a text that was changed meanwhile takes no place', async () => {
      const { token } = await invite({ seats: 1 })
      await terms.publish(at(admin), 'fish-terms', { markdown: 'new', again: 'accept' })
      await assert.rejects(() => terms.acceptInvited(at(person), { token, digest }), code('ERR_CONFLICT'))
      await terms.acceptInvited(at(person), { token, digest: sha('new') })
      assert.equal(await decide(person), true)
    })

    test('who has lost the right to give access gives none by an old link', async () => {
      const { token } = await invite({ seats: 1 })
      await ledger.accounts.find(admin)
      await ledger.storage.transaction((em) => em.nativeUpdate(AccountEntity, { id: admin }, { role: 'user' }))
      await assert.rejects(() => terms.acceptInvited(at(person), { token, digest }), code('ERR_NOT_FOUND', /no longer/))
      assert.deepEqual(await terms.acceptedBy(person), [])
      assert.equal((await terms.invitations('fish-terms'))[0]?.used, 0)
    })

    test('bad invitations are refused', async () => {
      const past = ledger.clock.now()
      for (const more of [
        { seats: 0 },
        { seats: 1.5 },
        { seats: -1 },
        { endsAt: past },
        { level: 'admin' },
        { level: 'x' },
      ])
        await assert.rejects(() => invite(more), code('ERR_INPUT'), JSON.stringify(more))
      await terms.add(at(admin), { id: 'site', title: 'S', markdown: 's' })
      await assert.rejects(() => terms.invite(at(admin), { terms: 'site', level: 'view' }), code('ERR_INPUT'))
      await assert.rejects(() => terms.invite(at(admin), { terms: 'none' }), code('ERR_NOT_FOUND'))
      await assert.rejects(() => terms.endInvitation(at(admin), 'none'), code('ERR_NOT_FOUND'))
    })

    test('a link without a level only leads to the terms', async () => {
      const { token } = await terms.invite(at(admin), { terms: 'fish-terms', seats: 1 })
      await terms.acceptInvited(at(person), { token, digest })
      await terms.acceptInvited(at(person), { token, digest }).catch(() => undefined)
      assert.equal((await terms.invitations('fish-terms'))[0]?.used, 1)
      assert.equal(await ledger.storage.em().count(GrantEntity, {}), 0)
    })
  })
})
