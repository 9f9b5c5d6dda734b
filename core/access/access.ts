/**
 * Answers from the ledger: may this account do this, why, and everything about one account at once. One pure
 * judgement (`judge.ts`) stands behind all of them.
 * @module
 */
import type {
  AccessAsk,
  AccessFace,
  AccountId,
  Clock,
  DatasetView,
  Decision,
  Missing,
  SourcedFact,
  TermsView,
} from '@labgate/contract'
import type { DatasetRecord, LedgerRows } from '../storage/ledger-rows.ts'
import type { Storage } from '../storage/storage.ts'
import { type Found, findOut } from './decide.ts'
import { createHolders, type KnownHolder, nobody, nobodyAt, revisionNumber } from './holders.ts'
import type { Grant } from './model.ts'
import { createSnapshots } from './snapshots.ts'
import { termsView } from './terms-views.ts'
import { wordsOf } from './words.ts'

/** A grant that speaks to a question, and whether it counts. */
export interface ExplainedGrant {
  readonly grant: Grant
  readonly counts: boolean
  /** What each of its conditions still misses. */
  readonly missing: readonly Missing[]
}

/** The answer with its reasons. */
export interface Explanation extends Decision {
  readonly ask: AccessAsk
  /** The dataset's slug, when there is one. */
  readonly dataset: string | undefined
  /** Those that count first. */
  readonly lines: readonly ExplainedGrant[]
  readonly terms: readonly TermsView[]
  /** In words, for a person: why, or what is missing and how to get it. */
  readonly words: readonly string[]
}

/** What the rooms of the house may ask. */
export interface Access extends AccessFace {
  explain(ask: AccessAsk): Promise<Explanation>
  /** Terms that must be accepted before a person may use a client or dialect instance, accepted ones left out. */
  missingTerms(ask: { readonly account: AccountId; readonly service: string }): Promise<readonly TermsView[]>
}

/**
 * Makes the answers. Each is right as of one instant of the database, whichever process has written; inside a
 * transaction it is that of before the transaction.
 */
export function createAccess(needs: {
  storage: Storage
  clock: Clock
  /** What people call a sign-in; its id, without this. */
  labelOf?: (instance: string) => string | undefined
  /** What people say of themselves; nothing, without it. */
  selfSaid?: (account: AccountId) => readonly SourcedFact[]
}): Access {
  const { clock } = needs
  const rows = needs.storage.ledgerRows
  const holders = createHolders(needs)
  const snapshots = createSnapshots({ storage: needs.storage, holders, clock })
  const labelOf = (instance: string) => needs.labelOf?.(instance) ?? instance
  const answer = (ask: AccessAsk) => rows.reading(() => lookUp(ask, { rows, now: clock.now(), find: holders.find }))
  return {
    snapshot: async (id, where) =>
      snapshots.known(id, where?.service) ?? rows.reading(() => snapshots.of(id, where?.service)),
    anyone: async (where) => rows.reading(() => snapshots.anyone(where?.service)),
    decide: async (ask) => decisionOf(answer(ask)),
    async explain(ask) {
      const { found, holder, now, ...rest } = rows.reading(() => {
        const looked = lookUp(ask, { rows, now: clock.now(), find: holders.find })
        return { ...looked, terms: looked.found.terms() }
      })
      return {
        ...decisionOf({ found, revision: rest.revision }),
        ask,
        dataset: found.dataset?.slug,
        lines: found.lines.map(({ grant, missing }) => ({ grant, missing, counts: missing.length === 0 })),
        terms: rest.terms,
        words: wordsOf({ ask, found, facts: holder.facts, now, labelOf }),
      }
    },
    async missingTerms({ account, service }) {
      return rows.reading(() => {
        const holder = holders.find(account)?.holder ?? nobody
        const prompted = rows.siteTerms().filter(({ services }) => service !== undefined && services.includes(service))
        return prompted.map((one) => termsView(one, holder)).filter(({ acceptedAt }) => acceptedAt === undefined)
      })
    },
    ...datasetFaces(rows),
  }
}

interface LookedUp {
  readonly found: Found
  readonly holder: KnownHolder['holder']
  readonly now: Date
  readonly revision: number
}

function lookUp(
  ask: AccessAsk,
  given: { rows: LedgerRows; now: Date; find(id: AccountId): KnownHolder | undefined },
): LookedUp {
  const { rows, now } = given
  const known = ask.account === undefined ? undefined : given.find(ask.account)
  const holder = known?.holder ?? nobody
  const revisions = known?.revisions ?? nobodyAt(rows.ledgerRevision())
  const state = ask.account === undefined ? undefined : known === undefined ? 'unknown' : known.blocked
  const found: Found =
    state === undefined
      ? findOut(ask, { rows, holder, now })
      : {
          missing: [{ step: 'account', state }],
          dataset: undefined,
          lines: [],
          beside: [],
          terms: () => [],
          turnedAt: 0,
        }
  return { found, holder, now, revision: revisionNumber(revisions, found.turnedAt) }
}

function decisionOf({ found, revision }: Pick<LookedUp, 'found' | 'revision'>): Decision {
  const [missing] = found.missing
  return { allowed: missing === undefined, missing, revision }
}

type DatasetFaces = Pick<AccessFace, 'dataset' | 'datasetOfTable' | 'placesIn' | 'publicRoots' | 'terms'>

function datasetFaces(rows: LedgerRows): DatasetFaces {
  const place = ({ version, ...rest }: ReturnType<LedgerRows['places']>[number]) => ({
    ...rest,
    version: version ?? undefined,
  })
  const view = (record: DatasetRecord | undefined): DatasetView | undefined =>
    record && {
      ...record,
      frozen: record.frozen ?? undefined,
      aliases: rows.aliases(record.slug),
      versions: rows.versions(record.slug),
      places: rows.places(record.slug).map(place),
      tables: rows.tables(record.slug),
    }
  return {
    dataset: async (name) =>
      rows.reading(() => view(typeof name === 'number' ? rows.datasetByNumericId(name) : rows.dataset(name))),
    datasetOfTable: async ({ namespace, name }) => rows.reading(() => view(rows.datasetOfTable(namespace, name))),
    placesIn: async (bucket) => rows.placesIn(bucket).map(place),
    async terms(id) {
      const found = rows.termsByNumericId(id)
      return found && { terms: found.id, title: found.title }
    },
    async publicRoots({ roots, ...table }) {
      const found = rows.publicRoots(table, roots && [...new Set(roots.map(String))]).map(BigInt)
      return found.toSorted((a, b) => (a < b ? -1 : Number(a > b)))
    },
  }
}
