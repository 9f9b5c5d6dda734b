/** One question: may this holder do this on one dataset? Reads only what concerns that dataset. @module */
import { type AccessAsk, covers, type Missing, type TermsView } from '@labgate/contract'
import type { DatasetRecord, LedgerReads } from '../storage/ledger-rows.ts'
import { attachedTo, giftOf, linesOn, termsFor } from './holding.ts'
import { type Circumstances, countsBeforeTerms, type Holder, type Judgement, judge, turnsOf } from './judge.ts'
import { lineOf } from './lines.ts'
import type { Grant } from './model.ts'
import { namedTerms, termsViews } from './terms-views.ts'

/** What was found of a question. */
export interface Found {
  /** All that is missing, the first step first; nothing when it is allowed. */
  readonly missing: readonly Missing[]
  /** Absent when the answer must not tell that there is such a dataset. */
  readonly dataset: DatasetRecord | undefined
  /** The lines that speak to it, the nearest to counting first. */
  readonly lines: readonly Judgement[]
  /** Other lines on the same place, when none speaks to it. */
  readonly beside: readonly Judgement[]
  readonly terms: () => readonly TermsView[]
  readonly turnedAt: number
  /** When time alone turns it next, in milliseconds since 1970. */
  readonly turnsAt: number
}

const never = { turnedAt: 0, turnsAt: Number.POSITIVE_INFINITY }
const nothing = { dataset: undefined, lines: [], beside: [], terms: () => [], ...never } as const

/** Looks one question up, by what one reading sees. */
export async function findOut(ask: AccessAsk, given: { rows: LedgerReads; holder: Holder; now: Date }): Promise<Found> {
  const { rows, holder, now } = given
  const dataset = await rows.dataset(ask.dataset)
  const unknown: Found = { ...nothing, missing: [{ step: 'dataset', why: 'unknown' }] }
  if (dataset === undefined) return unknown
  const lines = (await rows.grants(holder.subjects, dataset.slug)).flatMap((row) => lineOf(row) ?? [])
  const named = await namedTerms(rows, lines)
  const bare: Circumstances = { holder, now, attached: [], named }
  const { turnedAt, turnsAt } = turnsOf(lines, bare)
  if (
    dataset.visibility === 'hidden' &&
    !(await isShown(
      rows,
      dataset,
      lines.map((line) => judge(line, bare)),
    ))
  )
    // When it turns is for us alone: to whoever asked there is no such dataset.
    return { ...unknown, turnsAt }
  if (ask.version !== undefined && !(await rows.hasVersion(dataset.slug, ask.version)))
    return { ...nothing, dataset, turnsAt, missing: [{ step: 'dataset', why: 'unknown-version' }] }
  if (dataset.frozen !== null) return { ...nothing, dataset, turnsAt, missing: [{ step: 'dataset', why: 'frozen' }] }
  const attached = attachedTo(termsFor(await rows.termsOn([dataset.slug]), ask.service), ask.version)
  const judged = linesOn(lines, ask.version)
    .map((line) => judge(line, { ...bare, attached }))
    .toSorted(nearestFirst)
  const speaking = judged.filter(({ grant }) => covers(giftOf(grant), ask.verb))
  return {
    missing: missingOf(speaking, holder),
    dataset,
    lines: speaking,
    beside: speaking.length > 0 ? [] : judged,
    terms: () => termsViews({ holder, attached, named, lines: speaking.map(({ grant }) => grant) }),
    ...{ turnedAt, turnsAt },
  }
}

// Whoever was addressed by a line knows of a hidden dataset; all the others only by a line that needs terms at most.
async function isShown(rows: LedgerReads, { slug }: DatasetRecord, judged: readonly Judgement[]): Promise<boolean> {
  const versions = new Set((await rows.versions(slug)).map(({ version }) => version))
  return judged
    .filter(({ grant: { version } }) => version === undefined || versions.has(version))
    .some((one) => countsBeforeTerms(one) || (isAddressed(one.grant) && !isOver(one)))
}

function isAddressed({ subject }: Grant): boolean {
  return subject.kind !== 'signed-in' && subject.kind !== 'anyone'
}

function isOver({ missing }: Judgement): boolean {
  return missing.some(({ step }) => step === 'over')
}

function missingOf([nearest]: readonly Judgement[], holder: Holder): readonly Missing[] {
  if (nearest !== undefined && (holder.account !== undefined || !isOver(nearest))) return nearest.missing
  return [{ step: holder.account === undefined ? 'sign-in' : 'grant' }]
}

/** How far a step is for a person, the nearest first. */
const steps: readonly Missing['step'][] = ['terms', 'sign-in', 'not-yet', 'fact', 'group', 'over']

// A line that is over never counts again, however little it misses besides.
function nearestFirst(a: Judgement, b: Judgement): number {
  const far = ({ missing }: Judgement) => Math.max(-1, ...missing.map(({ step }) => steps.indexOf(step)))
  return (
    Number(isOver(a)) - Number(isOver(b)) ||
    a.missing.length - b.missing.length ||
    far(a) - far(b) ||
    a.grant.id - b.grant.id
  )
}
