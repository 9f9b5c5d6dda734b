/** Lines of the config file as lines of the ledger, and how two of them are known to be the same. Pure. @module */
import { type AccountId, isFault } from '@labgate/contract'
import type { GrantEntry } from '../config/schema.ts'
import { parseInstant } from '../config/units.ts'
import type { GrantRow } from '../storage/ledger-entities.ts'
import { readConditions } from './lines.ts'
import {
  type Conditions,
  type FactCondition,
  formatSubject,
  type NewGrant,
  parseSubject,
  type Subject,
} from './model.ts'
import { checkGrant, conditionsJson } from './new-grant.ts'

/** The line of an entry; `undefined` while nobody has the username that it names. */
export function grantOf(
  entry: GrantEntry,
  accountOf: (username: string) => AccountId | undefined,
): (Required<Pick<NewGrant, 'subject' | 'dataset' | 'conditions' | 'why'>> & NewGrant) | undefined {
  const subject = subjectOf(entry.to, accountOf)
  if (subject === undefined) return undefined
  const { dataset, version, level, permission, why } = entry
  return { subject, dataset, version, level, permission, why, conditions: conditionsOf(entry) }
}

function subjectOf(to: string, accountOf: (username: string) => AccountId | undefined): Subject | undefined {
  const subject = parseSubject(to)
  if (subject?.kind !== 'account') return subject
  const account = accountOf(subject.account)
  return account === undefined ? undefined : { kind: 'account', account }
}

function conditionsOf({ terms, from, until, facts, withinGroup }: GrantEntry): Conditions {
  const [begin, end] = [from && parseInstant(from, 'begin'), until && parseInstant(until, 'end')]
  return {
    ...(terms ? { terms: { id: terms.id, number: terms.number } } : {}),
    ...(begin ? { from: begin } : {}),
    ...(end ? { until: end } : {}),
    // Values of a YAML file are JSON.
    ...(facts.length > 0 ? { facts: facts as readonly FactCondition[] } : {}),
    ...(withinGroup ? { withinGroup } : {}),
  }
}

/**
 * What makes a line this line: two with the same key say the same.
 * @throws Fault ERR_INPUT when the ledger would not take it
 */
export function keyOf(grant: NewGrant): string {
  const { subject, dataset, version = null, level = null, permission = null, why, conditions } = checkGrant(grant)
  return JSON.stringify([formatSubject(subject), dataset, version, level, permission, why, conditionsJson(conditions)])
}

/** The key of a stored line; `undefined` when this Labgate cannot read it. */
export function keyOfRow(row: GrantRow): string | undefined {
  const subject = parseSubject(row.subject)
  const conditions = readConditions(row.conditions)
  if (subject === undefined || conditions === undefined) return undefined
  const { dataset, version, level, permission, why } = row
  const verb = { version: version ?? undefined, level: level ?? undefined, permission: permission ?? undefined }
  try {
    return keyOf({ subject, dataset, conditions, why, ...verb })
  } catch (error) {
    // A line that would not be taken today is none that the file can mean.
    if (isFault(error)) return undefined
    throw error
  }
}
