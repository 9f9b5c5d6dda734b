/** From judged lines to what is held: per dataset, and per version where that differs. Pure. @module */
import { covers, type GrantView, type Held, type Level, levels } from '@labgate/contract'
import type { TermsRecord } from '../storage/ledger-rows.ts'
import { type Circumstances, countsBeforeTerms, type Judgement, judge, type Line } from './judge.ts'

/** All on one dataset that concerns a holder. */
export interface OnDataset {
  readonly dataset: string
  readonly lines: readonly Line[]
  /** Living terms attached to it, of every service that counts. */
  readonly terms: readonly TermsRecord[]
  readonly versions: ReadonlySet<string>
}

/** The entries of a snapshot for one dataset; none when nothing would be held even with all terms accepted. */
export function viewsOf(place: OnDataset, given: Omit<Circumstances, 'attached'>): GrantView[] {
  const { dataset, lines, terms, versions } = place
  const view = (version: string | undefined): GrantView => {
    const attached = attachedTo(terms, version)
    const judged = linesOn(lines, version).map((line) => judge(line, { ...given, attached }))
    return { dataset, version, ...holding(judged) }
  }
  const whole = view(undefined)
  const own = new Set([...lines, ...terms].map(({ version }) => version ?? undefined))
  const entries = [...own]
    .filter((version) => version !== undefined && versions.has(version))
    .toSorted(inOrder)
    .map(view)
    .filter((entry) => !sameHolding(entry, whole))
  return [whole, ...entries].filter(({ beforeTerms }) => !isNothing(beforeTerms))
}

/** Lines that speak for a dataset as a whole, or for one version of it. */
export function linesOn<L extends Line>(lines: readonly L[], version: string | undefined): readonly L[] {
  return lines.filter((line) => line.version === undefined || line.version === version)
}

/** Terms that stand before a dataset as a whole, or before one version of it. */
export function attachedTo(terms: readonly TermsRecord[], version: string | undefined): readonly TermsRecord[] {
  return terms.filter((one) => one.version === null || one.version === version)
}

/** Terms that count where `service` asks. */
export function termsFor(terms: readonly TermsRecord[], service: string | undefined): readonly TermsRecord[] {
  return terms.filter(({ services }) => services.length === 0 || (service !== undefined && services.includes(service)))
}

/** What a line gives. */
export function giftOf({ level, permission }: Line): Held {
  return { level, permissions: permission === undefined ? [] : [permission] }
}

/** What all of these lines give together. */
export function holding(
  judged: readonly Judgement<Line>[],
): Pick<GrantView, keyof Held | 'beforeTerms' | 'missingTerms'> {
  const held = sumOf(judged.filter(({ missing }) => missing.length === 0))
  const possible = judged.filter(countsBeforeTerms)
  const between = possible.filter(({ grant }) => !covers(held, grant.level ?? grant.permission ?? ''))
  const terms = between.flatMap(({ missing }) => missing.flatMap((one) => (one.step === 'terms' ? [one.terms] : [])))
  return { ...held, beforeTerms: sumOf(possible), missingTerms: [...new Set(terms)].toSorted(inOrder) }
}

function sumOf(judged: readonly Judgement<Line>[]): Held {
  const rank = judged.reduce((most, { grant }) => Math.max(most, levels.indexOf(grant.level as Level)), -1)
  const permissions = judged.flatMap(({ grant }) => (grant.permission === undefined ? [] : [grant.permission]))
  return { level: levels[rank], permissions: [...new Set(permissions)].toSorted(inOrder) }
}

function isNothing({ level, permissions }: Held): boolean {
  return level === undefined && permissions.length === 0
}

function sameHolding(a: GrantView, b: GrantView): boolean {
  const words = ({ level, permissions, beforeTerms, missingTerms }: GrantView) =>
    JSON.stringify([level, permissions, beforeTerms, missingTerms])
  return words(a) === words(b)
}

/** By code units, the same on every machine. */
export function inOrder(a: string | undefined = '', b: string | undefined = ''): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
