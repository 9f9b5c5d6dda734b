/** Terms of use as adapters and pages see them: which concern a holder, and which of those are accepted. @module */
import type { TermsView } from '@labgate/contract'
import type { LedgerReads, TermsRecord } from '../storage/ledger-rows.ts'
import { inOrder } from './holding.ts'
import { accepted, type Holder } from './judge.ts'
import type { Grant } from './model.ts'

/** The terms that lines name in their own conditions, by id. */
export async function namedTerms(
  rows: LedgerReads,
  lines: readonly Pick<Grant, 'conditions'>[],
): Promise<ReadonlyMap<string, TermsRecord>> {
  const ids = new Set(lines.flatMap(({ conditions }) => conditions.terms?.id ?? []))
  return new Map(ids.size === 0 ? [] : (await rows.termsById([...ids])).map((one) => [one.id, one]))
}

/** One view for each living terms document, by id, with the highest number that anything asks for. */
export function termsViews(found: {
  readonly holder: Holder
  readonly attached: readonly TermsRecord[]
  readonly named?: ReadonlyMap<string, TermsRecord>
  readonly lines?: readonly Pick<Grant, 'conditions'>[]
}): TermsView[] {
  const { holder, attached, named = new Map<string, TermsRecord>(), lines = [] } = found
  const all = new Map(attached.map((one) => [one.id, one]))
  for (const { conditions } of lines) {
    const own = conditions.terms && named.get(conditions.terms.id)
    if (own === undefined || own.isRetired) continue
    const asked = Math.max(all.get(own.id)?.requiredNumber ?? 0, conditions.terms?.number ?? 0)
    all.set(own.id, { ...own, requiredNumber: asked })
  }
  return [...all.values()].toSorted((a, b) => inOrder(a.id, b.id)).map((one) => termsView(one, holder))
}

/** One terms document as it concerns a holder. */
export function termsView(terms: TermsRecord, holder: Pick<Holder, 'acceptances'>): TermsView {
  const acceptance = accepted(holder, terms)
  return {
    terms: terms.id,
    numericId: terms.numericId,
    title: terms.title,
    requiredNumber: terms.requiredNumber,
    number: terms.number,
    dataset: terms.dataset ?? undefined,
    datasetNumericId: terms.datasetNumericId ?? undefined,
    version: terms.version ?? undefined,
    services: terms.services,
    acceptedAt: acceptance && new Date(acceptance.at),
  }
}
