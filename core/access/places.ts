/** What lies around grants and is the same for every holder: which datasets are frozen, their terms, their versions. @module */
import type { LedgerReads, TermsRecord } from '../storage/ledger-rows.ts'

/** Of one dataset, whoever asks. */
export interface Place {
  readonly isFrozen: boolean
  readonly terms: readonly TermsRecord[]
  readonly versions: ReadonlySet<string>
}

/** Places as they are at one revision of the ledger. */
export interface Places {
  /** Those of these datasets that exist or not: each has an entry. `rows` read at that very revision. */
  at(revision: number, slugs: readonly string[], rows: LedgerReads): Promise<ReadonlyMap<string, Place>>
}

/** More than that are not remembered. */
const mostPlaces = 20_000

/** Makes the memory of the newest revision that was asked for. Whatever changes a dataset raises the revision. */
export function createPlaces(): Places {
  let kept = { revision: Number.NaN, bySlug: new Map<string, Place>() }
  return {
    async at(revision, slugs, rows) {
      if (kept.revision !== revision || kept.bySlug.size > mostPlaces) kept = { revision, bySlug: new Map() }
      // This one, although another revision may take its place while it is read.
      const { bySlug } = kept
      const unread = slugs.filter((slug) => !bySlug.has(slug))
      if (unread.length > 0) for (const [slug, place] of await read(unread, rows)) bySlug.set(slug, place)
      return bySlug
    },
  }
}

async function read(slugs: readonly string[], rows: LedgerReads): Promise<readonly (readonly [string, Place])[]> {
  const frozen = new Set(await rows.frozenOf(slugs))
  const terms = Map.groupBy(await rows.termsOn(slugs), ({ dataset }) => dataset ?? '')
  const versions = Map.groupBy(await rows.versionsOf(slugs), ({ dataset }) => dataset)
  return slugs.map((slug) => [
    slug,
    {
      isFrozen: frozen.has(slug),
      terms: terms.get(slug) ?? [],
      versions: new Set((versions.get(slug) ?? []).map(({ version }) => version)),
    },
  ])
}
