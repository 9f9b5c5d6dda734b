/**
 * What is the same for every holder at one revision of the ledger, read once and put together once: datasets with their terms
 * and versions, the lines of groups and of everybody, and what lines without conditions come to.
 * @module
 */
import type { GrantView } from '@labgate/contract'
import type { HeldRecord, LedgerReads, TermsRecord } from '../storage/ledger-rows.ts'
import { frozen } from '../storage/memo.ts'
import { nobody } from './holders.ts'
import { viewsOf } from './holding.ts'
import type { Line } from './judge.ts'
import { giftIn, noConditions } from './lines.ts'
import { isOwnSubject, parseSubject } from './model.ts'

/** Of one dataset, whoever asks. */
export interface Place {
  readonly isFrozen: boolean
  readonly terms: readonly TermsRecord[]
  readonly versions: ReadonlySet<string>
}

/** What is known at one revision of the ledger. All `rows` read at that very revision. */
export interface Around {
  /** All that these subjects are given, by dataset. */
  lines(subjects: readonly string[], rows: LedgerReads): Promise<ReadonlyMap<string, readonly Line[]>>
  /** Those of these datasets that exist or not: each has an entry. */
  places(slugs: readonly string[], rows: LedgerReads): Promise<ReadonlyMap<string, Place>>
  /** What lines on one dataset without terms come to for anybody; `undefined`: that depends on who holds them and when. */
  views(lines: readonly Line[]): readonly GrantView[] | undefined
}

/** The memory of the newest revision that was asked for. Whatever changes a line, a dataset or terms raises the revision. */
export interface Places {
  at(revision: number): Around
}

/** More than that are not remembered, of each kind. */
const mostKept = 20_000

/** Makes the memory. */
export function createPlaces(): Places {
  let kept = { revision: Number.NaN, around: new Known() }
  return {
    at(revision) {
      // Whoever still reads at another one keeps its memory until then.
      if (kept.revision !== revision || kept.around.size > mostKept) kept = { revision, around: new Known() }
      return kept.around
    },
  }
}

/** A line for a whole dataset without conditions: one and the same for all who hold it, with what it comes to alone. */
class Simple implements Line {
  readonly conditions = noConditions
  readonly version = undefined
  views: readonly GrantView[] | undefined
  readonly dataset: string
  readonly level: Line['level']
  readonly permission: Line['permission']
  constructor({ dataset, level, permission }: Line) {
    this.dataset = dataset
    this.level = level
    this.permission = permission
  }
}

class Known implements Around {
  readonly #places = new Map<string, Place>()
  /** Of subjects that many are: groups, and everybody. */
  readonly #shared = new Map<string, readonly Line[]>()
  /** By dataset, then by what is given. */
  readonly #simple = new Map<string, Map<string, Simple>>()
  readonly #views = new Map<string, readonly GrantView[]>()

  get size(): number {
    return Math.max(this.#places.size, this.#shared.size, this.#simple.size, this.#views.size)
  }

  async lines(subjects: readonly string[], rows: LedgerReads): Promise<Map<string, Line[]>> {
    const unread = subjects.filter((one) => isOwnSubject(one) || !this.#shared.has(one))
    const read: Line[] = []
    if (unread.length > 0) {
      const fresh = new Map<string, Line[]>()
      // What this Labgate does not understand wholly never counts.
      for (const one of unread) if (parseSubject(one)) fresh.set(one, isOwnSubject(one) ? read : [])
      for (const row of await rows.held(unread)) {
        const line = this.#lineOf(row)
        if (line !== undefined) fresh.get(row.subject)?.push(line)
      }
      for (const one of unread) if (!isOwnSubject(one)) this.#shared.set(one, fresh.get(one) ?? [])
    }
    const byDataset = new Map<string, Line[]>()
    const add = (line: Line) => {
      const known = byDataset.get(line.dataset)
      if (known === undefined) byDataset.set(line.dataset, [line])
      else known.push(line)
    }
    read.forEach(add)
    for (const one of subjects) this.#shared.get(one)?.forEach(add)
    return byDataset
  }

  async places(slugs: readonly string[], rows: LedgerReads): Promise<ReadonlyMap<string, Place>> {
    const unread = slugs.filter((slug) => !this.#places.has(slug))
    if (unread.length > 0) for (const [slug, place] of await read(unread, rows)) this.#places.set(slug, place)
    return this.#places
  }

  views(lines: readonly Line[]): readonly GrantView[] | undefined {
    const [first] = lines
    if (!(first instanceof Simple)) return undefined
    if (lines.length === 1) {
      first.views ??= viewsOfSimple([first])
      return first.views
    }
    if (!lines.every((line) => line instanceof Simple)) return undefined
    const gifts = lines.map(({ level, permission }) => `${level ?? ''} ${permission ?? ''}`)
    const key = JSON.stringify([first.dataset, ...new Set(gifts.toSorted())])
    const known = this.#views.get(key) ?? viewsOfSimple(lines)
    this.#views.set(key, known)
    return known
  }

  #lineOf(row: HeldRecord): Line | undefined {
    const { dataset, level, permission } = row
    if (row.conditions !== '{}' || row.version !== null) return giftIn(row)
    const byGift = this.#simple.get(dataset) ?? new Map<string, Simple>()
    this.#simple.set(dataset, byGift)
    // No level has a space, and a line that has both a level and a permission is none of these.
    const gift = level !== null && permission !== null ? undefined : (level ?? ` ${permission}`)
    const known = gift === undefined ? undefined : byGift.get(gift)
    if (known !== undefined) return known
    const line = giftIn(row)
    if (line === undefined || gift === undefined) return line
    const simple = new Simple(line)
    byGift.set(gift, simple)
    return simple
  }
}

/** Nothing is asked of whoever holds them, so they come to the same for nobody in particular. */
function viewsOfSimple(lines: readonly Simple[]): readonly GrantView[] {
  const dataset = lines[0]?.dataset ?? ''
  const circumstances = { holder: nobody, now: new Date(0), named: new Map<string, never>() }
  return frozen(viewsOf({ dataset, lines, terms: [], versions: new Set() }, circumstances))
}

async function read(slugs: readonly string[], rows: LedgerReads): Promise<readonly (readonly [string, Place])[]> {
  const shut = new Set(await rows.frozenOf(slugs))
  const terms = Map.groupBy(await rows.termsOn(slugs), ({ dataset }) => dataset ?? '')
  const versions = Map.groupBy(await rows.versionsOf(slugs), ({ dataset }) => dataset)
  return slugs.map((slug) => [
    slug,
    {
      isFrozen: shut.has(slug),
      terms: terms.get(slug) ?? [],
      versions: new Set((versions.get(slug) ?? []).map(({ version }) => version)),
    },
  ])
}
