import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { isFault } from '@labgate/contract'
import { createAccess } from '../../../core/access/access.ts'
import { createStewards } from '../../../core/access/stewards.ts'
import type { Actor } from '../../../core/accounts/actor.ts'
import { createProfile, type Profile, type ProfileQuestion } from '../../../core/accounts/profile.ts'
import { AccountEntity } from '../../../core/storage/entities.ts'
import { at, type OpenedLedger, openLedger } from '../../support/ledger.ts'

const lab: ProfileQuestion = {
  id: 'lab',
  label: 'Your lab',
  type: 'choice',
  options: [
    { value: 'imaging', label: 'Imaging' },
    { value: 'optics', label: 'Optics' },
  ],
  required: true,
  group: true,
}
const desk: ProfileQuestion = { id: 'desk', label: 'Your desk', type: 'text', required: false, group: false }
const issuer = 'https://id.example.org'
const house: Actor = { kind: 'system', name: 'config' }

suite('profile questions', () => {
  let opened: OpenedLedger
  let alice: string
  let profile: Profile
  const asking = (...questions: readonly ProfileQuestion[]) => createProfile({ ...opened, questions, issuer })
  const groups = async (account = alice) => (await opened.accounts.find(account))?.groups
  const revision = async () => (await opened.storage.accountRows.find(alice))?.revision ?? 0
  const lines = () => opened.storage.audit.list({ account: alice, limit: 20 })
  const refused = (given: Record<string, string>, words: RegExp, code = 'ERR_INPUT') =>
    assert.rejects(
      profile.answer(at(alice), alice, given),
      (error) => isFault(error) && error.code === code && words.test(error.message),
    )

  beforeEach(async () => {
    opened = await openLedger()
    alice = await opened.person()
    profile = asking(lab, desk)
  })
  afterEach(() => opened.close())

  test('everything is due until it is answered; an optional question that is left empty is not asked again', async () => {
    assert.equal(await profile.isDue(alice), true)
    await profile.answer(at(alice), alice, { lab: 'imaging' })
    assert.deepEqual(
      (await profile.answers(alice)).map(({ question, isDue }) => [question.id, isDue]),
      [
        ['lab', false],
        ['desk', true],
      ],
    )
    await profile.answer(at(alice), alice, { desk: '  ' })
    assert.equal(await profile.isDue(alice), false)
    assert.equal((await profile.answers(alice))[1]?.value, undefined)
    const mandatory = asking(lab, { ...desk, required: true })
    assert.equal(await mandatory.isDue(alice), true, 'left empty does for an optional one only')
  })

  test('an answer, its membership and its line are one change, and the revision grows', async () => {
    const before = await revision()
    await profile.answer(at(alice), alice, { lab: 'imaging', desk: 'By the window' })
    assert.ok((await revision()) > before)
    assert.deepEqual(await groups(), ['profile:lab/imaging'])
    const group = await opened.groups.find('profile:lab/imaging')
    assert.deepEqual([group?.title, group?.source], ['Your lab: Imaging', 'profile'])
    const [line] = await lines()
    assert.equal(line?.type, 'profile.answered')
    assert.equal(line?.address, '192.0.2.7')
    // What people write may name somebody: it never stands in the trail.
    assert.deepEqual(line?.detail, {
      before: { lab: null, desk: null },
      after: { lab: 'imaging', desk: true },
    })
    const [written, stood] = [(await lines()).length, await revision()]
    await profile.answer(at(alice), alice, { lab: 'imaging' })
    assert.deepEqual([(await lines()).length, await revision()], [written, stood], 'the same again is no change')
    await profile.answer(at(alice), alice, { lab: 'optics' })
    assert.deepEqual(await groups(), ['profile:lab/optics'])
  })

  test('nobody answers for an account that is shut for good', async () => {
    const { storage, clock } = opened
    for (const gone of [{ erasedAt: clock.now() }, { erasedAt: null, mergedInto: await opened.person() }]) {
      await storage.transaction(async (em) => {
        await em.nativeUpdate(AccountEntity, { id: alice }, gone)
      })
      await assert.rejects(profile.answer(house, alice, { lab: 'imaging' }), { code: 'ERR_CONFLICT' })
      assert.deepEqual(await storage.accountRows.answers(alice), [])
      assert.deepEqual(await groups(), [])
    }
  })

  test('when the line cannot be written, nothing is kept', async () => {
    const broken = createProfile({
      ...opened,
      questions: [lab],
      issuer,
      change: (actor, act, work) =>
        opened.change(actor, act, async (em) => {
          await work(em)
          throw new Error('stop')
        }),
    })
    await assert.rejects(broken.answer(at(alice), alice, { lab: 'imaging' }), /stop/)
    assert.deepEqual(await groups(), [])
    assert.equal(await broken.isDue(alice), true)
  })

  test('refuses what is no answer', async () => {
    await refused({ lab: '' }, /“Your lab” needs an answer/)
    await refused({ lab: 'Imaging' }, /Choose one/)
    await refused({ lab: 'imaging/../optics' }, /Choose one/)
    await refused({ desk: 'x'.repeat(201) }, /at most 200/)
    await refused({ desk: 'a\u202Eb' }, /one line/)
    await refused({ desk: 'a\nb' }, /one line/)
    await refused({ nothing: 'x' }, /no such question/)
    await refused({ constructor: 'x' }, /no such question/)
    await refused({ lab: 'imaging', desk: 'a\u0000b' }, /one line/)
    assert.equal(await profile.isDue(alice), true)
    assert.deepEqual(await groups(), [], 'nothing of a form with a mistake is kept')
  })

  test('answers are facts of trust self by `profile`, and nothing vouches for them', async () => {
    await profile.answer(at(alice), alice, { lab: 'imaging', desk: '' })
    const said = { claim: 'lab', value: 'imaging', trust: 'self', via: 'profile', issuer, subject: alice }
    assert.deepEqual(await profile.facts(alice), [{ ...said, at: opened.clock.now() }])
    const access = createAccess({ ...opened, selfSaid: profile.facts })
    assert.deepEqual((await access.snapshot(alice)).facts, await profile.facts(alice))
    await opened.datasets.create(house, { slug: 'fish', title: 'Fish' })
    const subject = { kind: 'signed-in' } as const
    const may = async () => (await access.decide({ account: alice, dataset: 'fish', verb: 'view' })).allowed
    const verified = { facts: [{ claim: 'lab', equals: 'imaging' }] }
    await opened.grants.add(house, { subject, dataset: 'fish', level: 'view', conditions: verified })
    assert.equal(await may(), false, 'a condition asks for `verified` unless it says otherwise')
    const conditions = { facts: [{ claim: 'lab', equals: 'imaging', trust: 'self' as const }] }
    await opened.grants.add(house, { subject, dataset: 'fish', level: 'view', conditions })
    assert.equal(await may(), true)
    await profile.answer(at(alice), alice, { lab: 'optics' })
    assert.equal(await may(), false, 'the next answer is made anew')
  })

  test('an answer that is no longer offered counts for nothing and is asked again', async () => {
    await profile.answer(at(alice), alice, { lab: 'imaging', desk: '' })
    const fewer = asking({ ...lab, options: lab.options?.slice(1) }, desk)
    assert.equal(await fewer.isDue(alice), true)
    assert.deepEqual(await fewer.facts(alice), [])
    await fewer.settleAll()
    assert.deepEqual(await groups(), [])
    assert.equal((await lines())[0]?.type, 'profile.regrouped')
    await profile.settleAll()
    assert.deepEqual(await groups(), ['profile:lab/imaging'], 'offered again')
    const stood = await revision()
    await profile.settleAll()
    assert.equal(await revision(), stood)
    await asking({ ...lab, group: false }, desk).settleAll()
    assert.deepEqual(await groups(), [])
    await asking().settleAll()
    assert.deepEqual(await asking().facts(alice), [])
  })

  test('membership by another word stays', async () => {
    const keeper: Actor = { kind: 'system', name: 'test' }
    await opened.groups.create(keeper, { slug: 'imaging', title: 'Imaging' })
    await opened.groups.addMember(keeper, 'imaging', alice)
    await profile.answer(at(alice), alice, { lab: 'imaging' })
    await profile.answer(at(alice), alice, { lab: 'optics' })
    assert.deepEqual(await groups(), ['imaging', 'profile:lab/optics'])
    await assert.rejects(
      opened.groups.removeMember(at(alice), 'profile:lab/optics', alice),
      (error) => isFault(error) && error.code === 'ERR_CONFLICT',
    )
  })

  test('nobody but the person and site admins may answer; programs and strangers have no profile', async () => {
    await opened.close()
    const late: { stewards?: ReturnType<typeof createStewards> } = {}
    opened = await openLedger(async (actor, act) => late.stewards?.assertMay(actor, act))
    const { storage, clock, accounts, groups } = opened
    const access = createAccess({ storage, clock })
    late.stewards = createStewards({ access, accounts, groups, storage, steeringCommittee: 'sc' })
    profile = asking(lab)
    alice = await opened.person()
    const [bob, root] = [await opened.person(), await opened.person({ role: 'admin' })]
    await assert.rejects(
      profile.answer(at(bob), alice, { lab: 'imaging' }),
      (error) => isFault(error) && error.code === 'ERR_FORBIDDEN',
    )
    await profile.answer(at(alice), alice, { lab: 'imaging' })
    await profile.answer(at(root), alice, { lab: 'optics' })
    assert.equal((await profile.answers(alice))[0]?.text, 'Optics')
    await assert.rejects(
      profile.answer(at(root), 'nobody', { lab: 'optics' }),
      (error) => isFault(error) && error.code === 'ERR_NOT_FOUND',
    )
    assert.deepEqual(await profile.answers('nobody'), [])
  })

  test('of two tabs that answer at once, one answer and one membership are left', async () => {
    await Promise.all(
      ['imaging', 'optics', 'imaging', 'optics'].map((value) => profile.answer(at(alice), alice, { lab: value })),
    )
    const value = (await profile.answers(alice))[0]?.value
    assert.deepEqual(await groups(), [`profile:lab/${value}`])
  })
})
