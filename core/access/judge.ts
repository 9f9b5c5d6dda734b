/** Whether a line of the ledger counts for a holder at an instant, what it misses, and when that turns. Pure. @module */
import { isDeepStrictEqual } from 'node:util'
import type { AccountId, Json, Missing, SourcedFact, Trust } from '@labgate/contract'
import type { Conditions, FactCondition, Grant } from './model.ts'

/** Who holds something, with all that conditions may ask about. */
export interface Holder {
  /** `undefined`: somebody who is not signed in. */
  readonly account: AccountId | undefined
  /** As `formatSubject` writes them. */
  readonly subjects: readonly string[]
  readonly groups: readonly string[]
  readonly facts: readonly SourcedFact[]
  /** The acceptances that count for it: its own, or its parent's. */
  readonly acceptances: readonly Accepted[]
}

/** An acceptance; `at` in milliseconds since 1970. */
export interface Accepted {
  readonly terms: string
  readonly number: number
  readonly at: number
}

/** Terms as a judgement needs them. */
export interface JudgedTerms {
  readonly id: string
  readonly title: string
  readonly version: string | null
  readonly requiredNumber: number
  /** Of the newest text. */
  readonly number: number
  readonly isRetired: boolean
}

/** What a line is judged by. */
export interface Circumstances {
  readonly holder: Holder
  readonly now: Date
  /** Living terms that stand before every grant of the place. */
  readonly attached: readonly JudgedTerms[]
  /** Terms that conditions name, by id. */
  readonly named: ReadonlyMap<string, JudgedTerms>
}

/** What is judged of a line, and what comes of it. */
export type Line = Pick<Grant, 'dataset' | 'version' | 'level' | 'permission' | 'conditions'>

/** A judgement. A line counts when nothing is missing. */
export interface Judgement<L extends Line = Grant> {
  readonly grant: L
  /** In the order in which a person would go about it. */
  readonly missing: readonly Missing[]
}

/** The instants around now at which time alone turned or turns a judgement, in milliseconds since 1970. */
export interface Turns {
  /** The last one until now; 0 when there was none. */
  readonly turnedAt: number
  /** The next one; `Infinity` when there is none. */
  readonly turnsAt: number
}

const day = 24 * 3600 * 1000
const trustRank: Readonly<Record<Trust, number>> = { self: 0, asserted: 1, verified: 2 }

/** Judges one line. */
export function judge<L extends Line>(grant: L, circumstances: Circumstances): Judgement<L> {
  const { holder, now, attached, named } = circumstances
  const { from, until, withinGroup, facts = [], terms } = grant.conditions
  const missing: Missing[] = []
  if (until !== undefined && now >= until) missing.push({ step: 'over', until })
  if (from !== undefined && now < from) missing.push({ step: 'not-yet', from })
  if (withinGroup !== undefined && !holder.groups.includes(withinGroup))
    missing.push({ step: 'group', group: withinGroup })
  for (const condition of facts) {
    const why = factMisses(condition, holder.facts, now)
    if (why !== undefined)
      missing.push({ step: 'fact', claim: condition.claim, via: condition.via, why, days: condition.withinDays })
  }
  const required = [...attached, ...ownTerms(terms, named)]
  const seen = new Set<string>()
  for (const one of required) {
    if (seen.has(one.id) || accepted(holder, one) !== undefined) continue
    seen.add(one.id)
    missing.push({ step: 'terms', terms: one.id, title: one.title, number: one.number })
  }
  return { grant, missing: holder.account === undefined ? signInFirst(missing) : missing }
}

// Nobody in particular can neither accept terms nor be known by anything.
function signInFirst(missing: readonly Missing[]): readonly Missing[] {
  const first = missing.findIndex(({ step }) => step === 'terms' || step === 'fact' || step === 'group')
  return first < 0 ? missing : missing.toSpliced(first, 0, { step: 'sign-in' })
}

/** Whether a line would count if every term of use were accepted. */
export function countsBeforeTerms({ missing }: Pick<Judgement, 'missing'>): boolean {
  return missing.every(({ step }) => step === 'terms' || step === 'sign-in')
}

/** The newest acceptance that counts for terms. */
export function accepted(
  { acceptances }: Pick<Holder, 'acceptances'>,
  { id, requiredNumber }: Pick<JudgedTerms, 'id' | 'requiredNumber'>,
): Accepted | undefined {
  return acceptances
    .filter(({ terms, number }) => terms === id && number >= requiredNumber)
    .toSorted((a, b) => b.number - a.number)[0]
}

// Terms that are not there any more can never be accepted: then the line does not count, instead of counting for all.
function ownTerms(terms: Conditions['terms'], named: ReadonlyMap<string, JudgedTerms>): JudgedTerms[] {
  if (terms === undefined) return []
  const { id, number: requiredNumber } = terms
  const found = named.get(id)
  if (found?.isRetired) return []
  return [
    found === undefined
      ? {
          id,
          title: id,
          version: null,
          requiredNumber: Number.POSITIVE_INFINITY,
          number: requiredNumber,
          isRetired: false,
        }
      : { ...found, requiredNumber },
  ]
}

function factMisses(
  condition: FactCondition,
  facts: readonly SourcedFact[],
  now: Date,
): 'absent' | 'other-value' | 'stale' | undefined {
  const known = facts.filter((fact) => isKnownWell(fact, condition))
  if (known.length === 0) return 'absent'
  const matching = known.filter(({ value }) => hasValue(value, condition))
  if (matching.length === 0) return 'other-value'
  const { withinDays } = condition
  const isFresh =
    withinDays === undefined || matching.some(({ at }) => now.getTime() - at.getTime() <= withinDays * day)
  return isFresh ? undefined : 'stale'
}

function isKnownWell({ claim, via, trust }: SourcedFact, condition: FactCondition): boolean {
  return (
    claim === condition.claim &&
    (condition.via === undefined || via === condition.via) &&
    trustRank[trust] >= trustRank[condition.trust ?? 'verified']
  )
}

function hasValue(value: Json, condition: FactCondition): boolean {
  const { equals, oneOf, contains } = condition
  const same = (wanted: Json) => isDeepStrictEqual(value, wanted)
  return (
    (equals === undefined || same(equals)) &&
    (oneOf === undefined || oneOf.some(same)) &&
    (contains === undefined || (Array.isArray(value) && value.some((one) => isDeepStrictEqual(one, contains))))
  )
}

/** The instants around `now` at which any of these lines turns by time alone. */
export function turnsOf(
  grants: readonly Pick<Line, 'conditions'>[],
  { holder, now }: Pick<Circumstances, 'holder' | 'now'>,
): Turns {
  let [turnedAt, turnsAt] = [0, Number.POSITIVE_INFINITY]
  for (const { conditions } of grants)
    for (const instant of instantsOf(conditions, holder)) {
      if (instant > now.getTime()) turnsAt = Math.min(turnsAt, instant)
      else turnedAt = Math.max(turnedAt, instant)
    }
  return { turnedAt, turnsAt }
}

function instantsOf({ from, until, facts = [] }: Conditions, holder: Holder): number[] {
  const instants = [from, until].filter((at) => at !== undefined).map((at) => at.getTime())
  for (const condition of facts) {
    const { withinDays } = condition
    if (withinDays === undefined) continue
    for (const fact of holder.facts)
      if (isKnownWell(fact, condition)) instants.push(fact.at.getTime() + Math.floor(withinDays * day) + 1)
  }
  return instants
}
