/** What a grant may say: its subject, verb and conditions, checked and written the one way that makes like grants equal. @module */
import { type Json, type Level, levels, parseAddress } from '@labgate/contract'
import { checkLine, checkName, checkText, refuse, shown } from './input.ts'
import type { Conditions, FactCondition, NewGrant, Subject } from './model.ts'

const instancePattern = /^[a-z][a-z0-9-]{0,30}$/
const permissionPattern = /^[a-z][a-z0-9_:-]{0,63}$/
const subjectKinds = ['account', 'name', 'group', 'signed-in', 'anyone']
const trusts = ['verified', 'asserted', 'self']
const mostFacts = 20
const mostValues = 200
const longestValue = 2000
const latest = Date.UTC(9999, 11, 31)

/** A grant that may be written, as far as can be seen without looking anything up. */
export interface CheckedGrant {
  readonly subject: Subject
  readonly dataset: string
  readonly version: string | undefined
  readonly level: Level | undefined
  readonly permission: string | undefined
  readonly conditions: Conditions
  readonly why: string
}

/** Checks every value of a grant. @throws Fault ERR_INPUT */
export function checkGrant(grant: NewGrant): CheckedGrant {
  const { subject, dataset, version, level, permission, conditions = {}, why = '' } = grant
  const checked = {
    subject: checkSubject(subject),
    dataset: checkName(dataset, { what: 'The dataset', longest: 128 }),
    version: version === undefined ? undefined : checkName(version, { what: 'The version', longest: 64 }),
    ...checkVerb(level, permission),
    conditions: checkConditions(conditions),
    why: checkText(why, { what: 'The reason', longest: 1000 }),
  }
  const isAll = checked.subject.kind === 'anyone' || checked.subject.kind === 'signed-in'
  if (isAll && (checked.level === 'manage' || checked.level === 'admin'))
    refuse(`${checked.level} is for people and groups; it cannot be given to everybody.`)
  return checked
}

/** A subject in its one spelling: a mail address in lower case, everything else as it is. */
function checkSubject(subject: Subject): Subject {
  if (!subjectKinds.includes(subject.kind)) refuse(`${shown(String(subject.kind))} is no kind of subject.`)
  switch (subject.kind) {
    case 'account':
      return { kind: 'account', account: checkName(subject.account, { what: 'The account', longest: 64 }) }
    case 'group':
      return { kind: 'group', group: checkName(subject.group, { what: 'The group', longest: 256 }) }
    case 'name':
      return {
        kind: 'name',
        instance: checkInstance(subject.instance),
        value: checkNamed(subject.value),
      }
    default:
      return { kind: subject.kind }
  }
}

function checkNamed(value: string): string {
  // Sign-ins bring addresses in this spelling; an upstream's own id keeps its case, for there it may tell two people apart.
  const address = typeof value === 'string' ? parseAddress(value)?.address.toLowerCase() : undefined
  return address ?? checkName(value, { what: 'The address or id', longest: 255 })
}

function checkInstance(instance: string): string {
  return typeof instance === 'string' && instancePattern.test(instance)
    ? instance
    : refuse(`${shown(String(instance))} cannot be the id of a sign-in.`)
}

function checkVerb(level: Level | undefined, permission: string | undefined) {
  if ((level === undefined) === (permission === undefined)) refuse('Give either a level or a named permission.')
  if (level !== undefined && !levels.includes(level))
    refuse(`${shown(String(level))} is no level: ${levels.join(', ')}.`)
  if (permission !== undefined && !(typeof permission === 'string' && permissionPattern.test(permission)))
    refuse(`${shown(String(permission))} cannot be a permission: use small letters, digits, _, : and -, at most 64.`)
  if (levels.some((name) => name === permission)) refuse(`${permission} is a level; give it as one.`)
  return { level, permission }
}

/** Conditions in their one spelling: nothing empty, facts sorted, none twice. @throws Fault ERR_INPUT */
export function checkConditions({ terms, from, until, facts = [], withinGroup }: Conditions): Conditions {
  const begins = checkInstant(from, 'The begin')
  const ends = checkInstant(until, 'The end')
  if (begins && ends && begins >= ends) refuse('A grant must begin before it ends.')
  if (facts.length > mostFacts) refuse(`A grant can ask for at most ${mostFacts} facts.`)
  const sorted = new Map(facts.map(checkFact).map((fact) => [JSON.stringify(fact), fact]))
  const asked = [...sorted].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, fact]) => fact)
  return {
    ...(terms ? { terms: checkTerms(terms) } : {}),
    ...(begins ? { from: begins } : {}),
    ...(ends ? { until: ends } : {}),
    ...(asked.length > 0 ? { facts: asked } : {}),
    ...(withinGroup ? { withinGroup: checkName(withinGroup, { what: 'The group', longest: 256 }) } : {}),
  }
}

/** Conditions as they are stored; `readConditions` reads them back. */
export function conditionsJson({ terms, from, until, facts, withinGroup }: Conditions): {
  readonly [key: string]: Json
} {
  return {
    ...(terms ? { terms: { id: terms.id, number: terms.number } } : {}),
    ...(from ? { from: from.toISOString() } : {}),
    ...(until ? { until: until.toISOString() } : {}),
    // Made by `checkFact`: optional keys are absent, never undefined, so it is JSON.
    ...(facts ? { facts: facts as unknown as Json } : {}),
    ...(withinGroup ? { withinGroup } : {}),
  }
}

function checkTerms({ id, number }: NonNullable<Conditions['terms']>) {
  if (!Number.isSafeInteger(number) || number < 1) refuse('The number of terms must be a whole number from 1.')
  return { id: checkName(id, { what: 'The id of terms', longest: 64 }), number }
}

function checkInstant(instant: Date | undefined, what: string): Date | undefined {
  if (instant === undefined) return undefined
  const at = instant instanceof Date ? instant.getTime() : Number.NaN
  return at >= 0 && at <= latest ? new Date(at) : refuse(`${what} must be a date between 1970 and 9999.`)
}

function checkFact(fact: FactCondition): FactCondition {
  const { claim, via, trust, withinDays } = fact
  if (trust !== undefined && !trusts.includes(trust))
    refuse(`${shown(String(trust))} is no trust: ${trusts.join(', ')}.`)
  if (withinDays !== undefined && !(Number.isSafeInteger(withinDays) && withinDays >= 1 && withinDays <= 36_500))
    refuse('The age of a fact must be a whole number of days from 1.')
  return {
    claim: checkLine(claim, { what: 'The claim', least: 1, longest: 200 }),
    ...checkWanted(fact),
    ...(via === undefined ? {} : { via: checkInstance(via) }),
    // `verified` is what is meant without a word.
    ...(trust === undefined || trust === 'verified' ? {} : { trust }),
    ...(withinDays === undefined ? {} : { withinDays }),
  }
}

function checkWanted({ equals, oneOf, contains }: FactCondition): Pick<FactCondition, 'equals' | 'oneOf' | 'contains'> {
  const given = [equals, oneOf, contains].filter((value) => value !== undefined)
  if (given.length > 1) refuse('A fact can ask for one of equals, oneOf and contains.')
  if (oneOf !== undefined && (!Array.isArray(oneOf) || oneOf.length === 0 || oneOf.length > mostValues))
    refuse(`oneOf must be a list of 1 to ${mostValues} values.`)
  return {
    ...(equals === undefined ? {} : { equals: checkValue(equals) }),
    ...(oneOf === undefined ? {} : { oneOf: oneOf.map(checkValue) }),
    ...(contains === undefined ? {} : { contains: checkValue(contains) }),
  }
}

function checkValue(value: Json): Json {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined || text.length > longestValue)
    refuse(`A wanted value must be JSON of at most ${longestValue} characters.`)
  // Through text and back: what is compared is what is stored.
  return JSON.parse(text as string) as Json
}
