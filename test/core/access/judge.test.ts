import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Missing, SourcedFact } from '@labgate/contract'
import { type Circumstances, type Holder, judge, turnsOf } from '../../../core/access/judge.ts'
import { lineOf, readConditions } from '../../../core/access/lines.ts'
import type { Conditions, Grant } from '../../../core/access/model.ts'

const now = new Date('2026-03-01T12:00:00Z')
const day = 86_400_000
const ago = (milliseconds: number) => new Date(now.getTime() - milliseconds)

const fact = (patch: Partial<SourcedFact>): SourcedFact => ({
  ...{ claim: 'affiliation', value: 'lab', trust: 'verified', via: 'orcid' },
  ...{ issuer: 'https://orcid.example', subject: '1', at: now },
  ...patch,
})
const holderWith = (patch: Partial<Holder>): Holder => ({
  ...{ account: 'ada', subjects: ['account:ada'], groups: [], facts: [], acceptances: [] },
  ...patch,
})
const line = (conditions: Conditions): Grant => ({
  ...{ id: 1, subject: { kind: 'account', account: 'ada' }, dataset: 'fish', version: undefined, level: 'view' },
  ...{ permission: undefined, conditions, grantedBy: 'x', why: '', source: 'database', createdAt: now },
  ...{ endedAt: undefined, endedBy: undefined },
})
const terms = { id: 'fanc', title: 'FANC', version: null, requiredNumber: 2, number: 3, isRetired: false }

function missing(conditions: Conditions, patch: Partial<Circumstances> = {}): readonly Missing[] {
  return judge(line(conditions), { holder: holderWith({}), now, attached: [], named: new Map(), ...patch }).missing
}
const steps = (conditions: Conditions, patch?: Partial<Circumstances>) =>
  missing(conditions, patch).map(({ step }) => step)
const why = (condition: NonNullable<Conditions['facts']>[number], ...facts: readonly SourcedFact[]) => {
  const [first] = missing({ facts: [condition] }, { holder: holderWith({ facts }) })
  return first?.step === 'fact' ? first.why : first?.step
}

suite('the judgement of a line', () => {
  test('`from` counts at its instant, `until` no more at its own', () => {
    assert.deepEqual(steps({ from: now }), [])
    assert.deepEqual(steps({ from: new Date(now.getTime() + 1) }), ['not-yet'])
    assert.deepEqual(steps({ until: now }), ['over'])
    assert.deepEqual(steps({ until: new Date(now.getTime() + 1) }), [])
  })

  test('a fact must be verified unless the condition takes less', () => {
    const condition = { claim: 'affiliation', equals: 'lab' }
    assert.equal(why(condition, fact({})), undefined)
    assert.equal(why(condition, fact({ trust: 'asserted' })), 'absent')
    assert.equal(why({ ...condition, trust: 'asserted' }, fact({ trust: 'asserted' })), undefined)
    assert.equal(why({ ...condition, trust: 'asserted' }, fact({ trust: 'self' })), 'absent')
    assert.equal(why({ ...condition, trust: 'self' }, fact({ trust: 'self' })), undefined)
  })

  test('absent, another value and stale are told apart', () => {
    const condition = { claim: 'affiliation', equals: 'lab', via: 'orcid', withinDays: 30 }
    assert.equal(why(condition), 'absent')
    assert.equal(why(condition, fact({ via: 'github' })), 'absent')
    assert.equal(why(condition, fact({ value: 'club' })), 'other-value')
    assert.equal(why(condition, fact({ at: ago(30 * day) })), undefined)
    assert.equal(why(condition, fact({ at: ago(30 * day + 1) })), 'stale')
    assert.equal(why(condition, fact({ at: ago(31 * day) }), fact({ subject: '2' })), undefined)
    assert.equal(why(condition, fact({ at: ago(31 * day) }), fact({ value: 'club' })), 'stale')
  })

  test('`contains` looks into lists only, never into a text', () => {
    const condition = { claim: 'affiliation', contains: 'lab' }
    assert.equal(why(condition, fact({ value: ['club', 'lab'] })), undefined)
    assert.equal(why(condition, fact({ value: ['laboratory'] })), 'other-value')
    assert.equal(why(condition, fact({ value: 'laboratory' })), 'other-value')
  })

  test('values are equal by what they say, whatever the order of their keys', () => {
    assert.equal(why({ claim: 'affiliation', equals: { a: 1, b: [2] } }, fact({ value: { b: [2], a: 1 } })), undefined)
    assert.equal(why({ claim: 'affiliation', oneOf: ['1', 2] }, fact({ value: 1 })), 'other-value')
    assert.equal(why({ claim: 'affiliation', oneOf: [] }, fact({})), 'other-value')
  })

  test('terms count by the number that is required, those of a condition by its own', () => {
    const accepted = (number: number) => holderWith({ acceptances: [{ terms: 'fanc', number, at: 0 }] })
    assert.deepEqual(steps({}, { attached: [terms], holder: accepted(1) }), ['terms'])
    assert.deepEqual(steps({}, { attached: [terms], holder: accepted(2) }), [])
    const named = new Map([['fanc', terms]])
    assert.deepEqual(missing({ terms: { id: 'fanc', number: 3 } }, { named, holder: accepted(2) }), [
      { step: 'terms', terms: 'fanc', title: 'FANC', number: 3 },
    ])
    assert.deepEqual(steps({ terms: { id: 'fanc', number: 1 } }, { named, holder: accepted(1) }), [])
  })

  test('terms that were retired count nowhere; those that are gone can never be accepted', () => {
    const condition = { terms: { id: 'fanc', number: 1 } }
    assert.deepEqual(steps(condition, { named: new Map([['fanc', { ...terms, isRetired: true }]]) }), [])
    const holder = holderWith({ acceptances: [{ terms: 'fanc', number: 9, at: 0 }] })
    assert.deepEqual(steps(condition, { holder }), ['terms'])
  })

  test('nobody in particular must sign in before anything that only somebody can do', () => {
    const holder = holderWith({ account: undefined })
    assert.deepEqual(steps({}, { holder, attached: [terms] }), ['sign-in', 'terms'])
    assert.deepEqual(steps({ withinGroup: 'g', until: ago(0) }, { holder }), ['over', 'sign-in', 'group'])
    assert.deepEqual(steps({}, { holder }), [])
  })

  test('the next turning is the first instant at which the judgement is another', () => {
    const at = ago(10 * day)
    const holder = holderWith({ facts: [fact({ at })] })
    const conditions = { from: ago(day), facts: [{ claim: 'affiliation', withinDays: 30 }] }
    const { turnedAt, turnsAt } = turnsOf([line(conditions)], { holder, now })
    assert.equal(turnedAt, now.getTime() - day)
    const judged = (instant: number) => steps(conditions, { holder, now: new Date(instant) })
    assert.deepEqual([judged(turnsAt - 1), judged(turnsAt)], [[], ['fact']])
  })
})

suite('lines as they are stored', () => {
  const row = {
    ...{ id: 1, subject: 'account:ada', dataset: 'fish', version: null, level: 'view', permission: null },
    ...{ conditions: '{}', grantedBy: 'x', why: '', source: 'database', createdAt: 0 },
  }

  test('a line that is not understood wholly never counts', () => {
    assert.equal(lineOf(row)?.level, 'view')
    for (const conditions of ['{"network":"10.0.0.0/8"}', '[]', 'null', '{', '{"from":"soon"}', '{"facts":{}}'])
      assert.equal(lineOf({ ...row, conditions }), undefined, conditions)
    assert.equal(lineOf({ ...row, level: 'owner' }), undefined)
    assert.equal(lineOf({ ...row, subject: 'everybody' }), undefined)
    for (const part of [
      { claim: 'a', trust: 'sure' },
      { claim: 'a', matches: 'x' },
      { equals: 1 },
      { claim: 'a', withinDays: '3' },
    ])
      assert.equal(readConditions({ facts: [part] }), undefined, JSON.stringify(part))
  })
})
