import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Fact, Trust } from '@labgate/contract'
import { decideAdmission, domainMatches, describe as inWords, matches } from '../../../core/accounts/admission.ts'
import type { Rule } from '../../../core/config/schema-plugins.ts'
import fc from '../../support/chance.ts'

const fact = (claim: string, value: Fact['value'], trust: Trust = 'verified'): Fact => ({ claim, value, trust })
const address = (email: string, trust: Trust = 'verified') => [fact('email', email, trust)]

describe('admission (S31)', () => {
  test('a rule that says nothing, or nothing known, lets nobody in', () => {
    const facts = [...address('ada@example.org'), fact('groups', ['staff'])]
    for (const allow of [
      { any: [] },
      { all: [] },
      { domains: [] },
      { organisations: [] },
      {},
      { domain: ['example.org'] },
    ])
      assert.equal(matches(allow as unknown as Rule, facts), false, JSON.stringify(allow))
    assert.equal(decideAdmission({ allow: { any: [] }, state: 'active' }, facts, true).allowed, false)
  })

  test('example.org is that domain only, *.example.org its subdomains only (datalab 1.7.3)', () => {
    const rows: [string, string, boolean][] = [
      ['example.org', 'a@example.org', true],
      ['example.org', 'a@EXAMPLE.org', true],
      ['example.org', 'a@sub.example.org', false],
      ['example.org', 'a@notexample.org', false],
      ['example.org', 'a@example.org.evil.net', false],
      ['example.org', 'a@example.org@evil.net', false],
      ['example.org', 'example.org', false],
      ['*.example.org', 'a@sub.example.org', true],
      ['*.example.org', 'a@a.b.example.org', true],
      ['*.example.org', 'a@example.org', false],
      ['*.example.org', 'a@evilexample.org', false],
      ['kit.example', 'eve@\u212Ait.example', false],
    ]
    for (const [pattern, email, isIn] of rows) assert.equal(domainMatches(pattern, email), isIn, `${pattern} ${email}`)
  })

  test('what people say of themselves opens no door', () => {
    const rules: Rule[] = [
      { domains: ['example.org'] },
      { claim: 'groups', contains: 'staff' },
      { organisations: ['lab'] },
    ]
    const said = [
      ...address('ada@example.org', 'self'),
      fact('groups', ['staff'], 'self'),
      fact('organisations', ['lab'], 'self'),
    ]
    for (const rule of rules) {
      assert.equal(matches(rule, said), false, JSON.stringify(rule))
      assert.equal(
        matches(
          rule,
          said.map((one) => ({ ...one, trust: 'verified' as const })),
        ),
        true,
      )
    }
  })

  test('a list of single addresses takes proved ones only, as a list of domains does', () => {
    const rule: Rule = { claim: 'email', oneOf: ['ada@example.org'] }
    assert.equal(matches(rule, address('ada@example.org')), true)
    assert.equal(matches(rule, address('ada@example.org', 'asserted')), false)
    assert.equal(matches(rule, address('ada@example.org', 'self')), false)
  })

  test('refused is for new people, pending for new accounts, and a rule is asked of known people too', () => {
    const facts = address('ada@example.org')
    assert.equal(decideAdmission({ state: 'refused' }, facts, false).allowed, false)
    assert.equal(decideAdmission({ state: 'refused' }, facts, true).allowed, true)
    assert.deepEqual(decideAdmission({ state: 'pending' }, facts, false), { allowed: true, state: 'pending' })
    const allow = { domains: ['example.net'] }
    assert.deepEqual(decideAdmission({ allow, state: 'active' }, facts, true), { allowed: false, why: inWords(allow) })
  })

  test('any rule agrees with and, or and not of what its parts say', () => {
    const leaf: fc.Arbitrary<Rule> = fc.oneof(
      fc.record({ domains: fc.subarray(['example.org', 'example.net', '*.example.org']) }),
      fc.record({ organisations: fc.subarray(['lab', 'school']) }),
      fc.record({ claim: fc.constant('groups'), contains: fc.constantFrom('staff', 'guests') }),
    )
    const facts = fc.tuple(
      fc.constantFrom('a@example.org', 'a@sub.example.org', 'a@evil.net'),
      fc.subarray(['lab', 'staff']),
    )
    fc.assert(
      fc.property(fc.array(leaf, { maxLength: 4 }), facts, (rules, [email, values]) => {
        const known = [...address(email), fact('groups', values), fact('organisations', values)]
        const parts = rules.map((rule) => matches(rule, known))
        assert.equal(matches({ any: rules }, known), parts.some(Boolean))
        assert.equal(matches({ all: rules }, known), rules.length > 0 && parts.every(Boolean))
        for (const [index, rule] of rules.entries()) assert.equal(matches({ not: rule }, known), !parts[index])
        assert.equal(matches({ any: rules }, []), false, 'who is nobody comes in by no such rule')
      }),
      { numRuns: 200 },
    )
  })
})
