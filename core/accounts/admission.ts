/**
 * Admission: may this person come in by this instance, and in which state. Pure: rules in, decision out.
 * Decided in the order *allowed? then state*; a rule set that can never match lets nobody in.
 * @module
 */

import type { AccountState, Fact, Json } from '@labgate/contract'
import type { Rule } from '../config/schema-plugins.ts'
import { inSmallLetters } from './accounts.ts'

/** Who may come in by an instance, from its config. */
export interface Admission {
  /** Absent: everyone. */
  readonly allow?: Rule
  /** What becomes of a new account. */
  readonly state: 'active' | 'pending' | 'refused'
}

/** In, and in which state; or not, and why in words for the person. */
export type AdmissionAnswer =
  | { readonly allowed: true; readonly state: Exclude<AccountState, 'deactivated'> }
  | { readonly allowed: false; readonly why: string }

/** Whether facts pass an instance's rules, and the state a new account starts in. */
export function decideAdmission(admission: Admission, facts: readonly Fact[], isKnown: boolean): AdmissionAnswer {
  if (admission.allow && !matches(admission.allow, facts)) return { allowed: false, why: describe(admission.allow) }
  if (admission.state === 'refused' && !isKnown)
    return { allowed: false, why: 'people who already have an account here' }
  return { allowed: true, state: admission.state === 'pending' ? 'pending' : 'active' }
}

/** Whether one rule matches. A rule with no known key matches nothing: a mistake must never open a door. */
export function matches(rule: Rule, facts: readonly Fact[]): boolean {
  if ('all' in rule) return rule.all.length > 0 && rule.all.every((part) => matches(part, facts))
  if ('any' in rule) return rule.any.some((part) => matches(part, facts))
  if ('not' in rule) return !matches(rule.not, facts)
  if ('domains' in rule) return hasDomain(rule.domains, facts)
  if ('organisations' in rule) return claimHas('organisations', rule.organisations, facts)
  if ('claim' in rule) return claimHas(rule.claim, wantedValues(rule), facts)
  return false
}

/** Values of a claim that an upstream stands for; what people typed themselves opens no door, and an address only when proved. */
function trusted(claim: string, facts: readonly Fact[]): Json[] {
  const isGood = ({ trust }: Fact) => trust === 'verified' || (trust === 'asserted' && claim !== 'email')
  return facts
    .filter((fact) => fact.claim === claim && isGood(fact))
    .flatMap((fact) => (Array.isArray(fact.value) ? (fact.value as Json[]) : [fact.value]))
}

function claimHas(claim: string, wanted: readonly Json[], facts: readonly Fact[]): boolean {
  return trusted(claim, facts).some((value) => wanted.includes(value))
}

function wantedValues(rule: Extract<Rule, { claim: string }>): readonly Json[] {
  if ('oneOf' in rule) return rule.oneOf
  return 'equals' in rule ? [rule.equals] : [rule.contains]
}

function hasDomain(domains: readonly string[], facts: readonly Fact[]): boolean {
  return facts
    .filter((fact) => fact.claim === 'email' && fact.trust === 'verified' && typeof fact.value === 'string')
    .some((fact) => domains.some((pattern) => domainMatches(pattern, fact.value as string)))
}

/** Label by label: `example.org` is that domain only, `*.example.org` its subdomains only. */
export function domainMatches(pattern: string, email: string): boolean {
  const at = email.lastIndexOf('@')
  if (at < 1) return false
  // Letters of ASCII only: a Kelvin sign must not become a k.
  const labels = inSmallLetters(email.slice(at + 1)).split('.')
  const wanted = inSmallLetters(pattern).split('.')
  if (wanted[0] !== '*') return labels.join('.') === wanted.join('.')
  const parent = wanted.slice(1)
  return labels.length > parent.length && labels.slice(-parent.length).join('.') === parent.join('.')
}

/** Words for a rule: `say('domain', { domains })`. */
export type RuleWords = (
  key: 'and' | 'or' | 'nobody' | 'not' | 'domain' | 'member' | 'is',
  values?: Readonly<Record<string, string>>,
) => string

const inEnglish: RuleWords = (key, { rule = '', names = '', claim = '', values = '' } = {}) =>
  ({
    ...{ and: 'and', or: 'or', nobody: 'nobody', not: `not (${rule})` },
    ...{ domain: `a verified e-mail address at ${names}`, member: `a member of ${names}`, is: `${claim} is ${values}` },
  })[key]

/** A rule in words, for the page that refuses; in English unless other words are given. */
export function describe(rule: Rule, say: RuleWords = inEnglish): string {
  const or = (words: readonly string[]) => words.join(` ${say('or')} `)
  const inWords = (part: Rule) => describe(part, say)
  if ('all' in rule) return rule.all.map(inWords).join(` ${say('and')} `)
  if ('any' in rule) return rule.any.length > 0 ? or(rule.any.map(inWords)) : say('nobody')
  if ('not' in rule) return say('not', { rule: inWords(rule.not) })
  if ('domains' in rule) return say('domain', { names: or(rule.domains) })
  if ('organisations' in rule) return say('member', { names: or(rule.organisations) })
  return say('is', { claim: rule.claim, values: or(wantedValues(rule).map(String)) })
}
