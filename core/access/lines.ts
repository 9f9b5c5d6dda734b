/** From stored rows to lines of the ledger. What this Labgate does not understand wholly never counts. Pure. @module */
import type { Level } from '@labgate/contract'
import { levels } from '@labgate/contract'
import type { RowSource } from '../storage/ledger-entities.ts'
import type { GrantRecord, HeldRecord } from '../storage/ledger-rows.ts'
import type { Line } from './judge.ts'
import { type Conditions, type FactCondition, type Grant, parseSubject } from './model.ts'

const conditionKeys: readonly string[] = ['terms', 'from', 'until', 'facts', 'withinGroup']
const factKeys: readonly string[] = ['claim', 'equals', 'oneOf', 'contains', 'via', 'trust', 'withinDays']
const trusts: readonly unknown[] = ['verified', 'asserted', 'self']

/** A line of the ledger; `undefined` when it cannot be read, so that a condition of a later Labgate is never dropped. */
export function lineOf(row: GrantRecord): Grant | undefined {
  const subject = parseSubject(row.subject)
  const gift = giftIn(row)
  if (subject === undefined || gift === undefined) return undefined
  return {
    id: row.id,
    subject,
    ...gift,
    grantedBy: row.grantedBy,
    why: row.why,
    // Written through the entity only, whose type this is.
    source: row.source as RowSource,
    createdAt: new Date(row.createdAt),
    endedAt: undefined,
    endedBy: undefined,
  }
}

/** What a line gives, whoever it is for; `undefined` as above. */
export function giftIn(row: Omit<HeldRecord, 'subject'>): Line | undefined {
  const conditions = row.conditions === '{}' ? noConditions : readConditions(parsed(row.conditions))
  if (conditions === undefined) return undefined
  if (row.level !== null && !levels.includes(row.level as Level)) return undefined
  return {
    dataset: row.dataset,
    version: row.version ?? undefined,
    // One of them, as was just seen.
    level: (row.level as Level | null) ?? undefined,
    permission: row.permission ?? undefined,
    conditions,
  }
}

/** A line without any counts for whoever holds it, at any time. */
export const noConditions: Conditions = Object.freeze({})

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Conditions as the database keeps them (instants as ISO 8601); `undefined` when a part is not understood. */
export function readConditions(stored: unknown): Conditions | undefined {
  if (!isRecord(stored) || !Object.keys(stored).every((key) => conditionKeys.includes(key))) return undefined
  const { terms, from, until, facts, withinGroup } = stored
  const instants = { ...instantOf('from', from), ...instantOf('until', until) }
  if (instants.broken) return undefined
  if (isThere(terms) && !isTerms(terms)) return undefined
  if (isThere(withinGroup) && typeof withinGroup !== 'string') return undefined
  if (isThere(facts) && !(Array.isArray(facts) && facts.every(isFactCondition))) return undefined
  return {
    ...(isThere(terms) ? { terms: terms as { id: string; number: number } } : {}),
    ...(instants.from ? { from: instants.from } : {}),
    ...(instants.until ? { until: instants.until } : {}),
    ...(isThere(facts) ? { facts: facts as readonly FactCondition[] } : {}),
    ...(isThere(withinGroup) ? { withinGroup: withinGroup as string } : {}),
  }
}

type Instants = { readonly from?: Date; readonly until?: Date; readonly broken?: true }

function instantOf(key: 'from' | 'until', value: unknown): Instants {
  if (!isThere(value)) return {}
  const at = typeof value === 'string' || typeof value === 'number' ? new Date(value) : undefined
  return at === undefined || Number.isNaN(at.getTime()) ? { broken: true } : { [key]: at }
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTerms(value: unknown): boolean {
  return isRecord(value) && typeof value.id === 'string' && typeof value.number === 'number'
}

function isFactCondition(value: unknown): boolean {
  if (!isRecord(value) || typeof value.claim !== 'string') return false
  if (!Object.keys(value).every((key) => factKeys.includes(key))) return false
  const { oneOf, via, trust, withinDays } = value
  return (
    (oneOf === undefined || Array.isArray(oneOf)) &&
    (via === undefined || typeof via === 'string') &&
    (trust === undefined || trusts.includes(trust)) &&
    (withinDays === undefined || (typeof withinDays === 'number' && withinDays >= 0))
  )
}
