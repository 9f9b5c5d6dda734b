/** An answer in plain words for the person it is about. Pure. @module */
import type { AccessAsk, Level, Missing, SourcedFact } from '@labgate/contract'
import type { Found } from './decide.ts'
import { holding } from './holding.ts'
import type { Grant } from './model.ts'

/** What words are made of. */
export interface Told {
  readonly ask: AccessAsk
  readonly found: Found
  readonly facts: readonly SourcedFact[]
  readonly now: Date
  /** What people call a sign-in. */
  readonly labelOf: (instance: string) => string
}

/** Why it is allowed; or each missing step of the nearest line, in the order to go about them. */
export function wordsOf(told: Told): string[] {
  const { found, ask } = told
  const [first] = found.lines
  if (found.missing.length > 0) return found.missing.map((missing) => sentence(missing, told))
  return first === undefined
    ? []
    : [`You may ${verbWords(ask.verb)} ${placeWords(told)}: ${reason(first.grant, told)}.`]
}

const verbs: Readonly<Record<Level, string>> = {
  view: 'view',
  edit: 'edit',
  manage: 'manage',
  admin: 'administer',
}

function verbWords(verb: string): string {
  return Object.hasOwn(verbs, verb) ? verbs[verb as Level] : `use “${verb}” on`
}

function placeWords({ ask, found }: Told): string {
  const name = found.dataset?.title || found.dataset?.slug || ask.dataset
  return ask.version === undefined ? `“${name}”` : `“${name}” ${ask.version}`
}

function reason({ subject, conditions, level }: Grant, { ask, labelOf }: Told): string {
  const until = conditions.until === undefined ? '' : `, until ${instant(conditions.until)}`
  const more = level === undefined || level === ask.verb ? '' : ` at the level “${level}”`
  return `it was granted ${whom(subject, labelOf)}${more}${until}`
}

function whom(subject: Grant['subject'], labelOf: Told['labelOf']): string {
  switch (subject.kind) {
    case 'account':
      return 'to you'
    case 'name':
      return `to you as ${subject.value} (${labelOf(subject.instance)})`
    case 'group':
      return `to the group “${subject.group}”`
    case 'signed-in':
      return 'to everybody who is signed in'
    case 'anyone':
      return 'to everybody'
  }
}

function sentence(missing: Missing, told: Told): string {
  switch (missing.step) {
    case 'account':
      return accountWords[missing.state]
    case 'dataset':
      return datasetWords(missing.why, told)
    case 'terms':
      return `Accept the terms “${missing.title}” (text ${missing.number}).`
    case 'not-yet':
      return `Wait until ${instant(missing.from)}: the grant begins then.`
    case 'over':
      return `Ask for access again: the grant ended on ${instant(missing.until)}.`
    case 'group':
      return `Become a member of the group “${missing.group}”: the grant counts only there.`
    case 'fact':
      return factWords(missing, told)
    case 'sign-in':
      return signInWords(told)
    case 'grant':
      return grantWords(told)
  }
}

const accountWords: Readonly<Record<Extract<Missing, { step: 'account' }>['state'], string>> = {
  unknown: 'There is no such account, or the one it belongs to is gone.',
  pending: 'Wait until an administrator lets this account in.',
  deactivated: 'Ask an administrator: this account, or the one it belongs to, is deactivated.',
  active: 'Ask an administrator: this account may not act.',
}

function datasetWords(why: Extract<Missing, { step: 'dataset' }>['why'], told: Told): string {
  const { ask, found } = told
  if (why === 'unknown') return `There is no dataset “${ask.dataset}” that you could use.`
  if (why === 'unknown-version') return `The dataset “${found.dataset?.slug}” has no version “${ask.version}”.`
  return `“${found.dataset?.title || found.dataset?.slug}” is closed for everybody: ${found.dataset?.frozen}`
}

function signInWords({ found }: Told): string {
  const needsTerms = found.missing.some(({ step }) => step === 'terms')
  return needsTerms
    ? 'Sign in: there are terms of use, and only somebody who is signed in can accept them.'
    : 'Sign in: this is not open to everybody.'
}

function grantWords({ ask, found }: Told): string {
  const { level, permissions } = holding(found.beside)
  const has = level ?? permissions[0]
  if (has === undefined) return 'Ask for access: nobody granted you this dataset.'
  return `Ask for access: you have “${has}” here, but nobody granted you “${ask.verb}”.`
}

function factWords(
  { claim, via, why, days }: Extract<Missing, { step: 'fact' }>,
  { facts, now, labelOf }: Told,
): string {
  if (why === 'absent')
    return via === undefined
      ? `Link a way to sign in that vouches for your ${claim}.`
      : `Sign in with ${labelOf(via)}: it must vouch for your ${claim}.`
  if (why === 'other-value') return `Your ${claim} is not what this was granted for.`
  const seen = facts.filter((fact) => fact.claim === claim && (via === undefined || fact.via === via))
  const newest = Math.max(...seen.map(({ at }) => at.getTime()))
  const ago = Math.ceil((now.getTime() - newest) / (24 * 3600 * 1000))
  const again = via === undefined ? 'Sign in again with what vouches for it' : `Sign in with ${labelOf(via)} again`
  return `${again}: your ${claim} was last seen ${ago} days ago, and ${days} are allowed.`
}

function instant(at: Date): string {
  const [date = '', time = ''] = at.toISOString().split('T')
  return time.startsWith('00:00:00') ? date : `${date} ${time.slice(0, 5)} UTC`
}
