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
  TermsView,
} from '@labgate/contract'
import type { DatasetRecord, LedgerReading, LedgerReads, LedgerRows, PlaceRecord } from '../storage/ledger-rows.ts'
import { frozen } from '../storage/memo.ts'
import type { Storage } from '../storage/storage.ts'
import { createWarm } from '../storage/warm.ts'
import { type Found, findOut } from './decide.ts'
import {
  createHolders,
  type Holders,
  type KnownHolder,
  nobody,
  nobodyAt,
  revisionNumber,
  type SelfSaid,
} from './holders.ts'
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
  selfSaid?: SelfSaid
}): Access {
  const { clock } = needs
  const rows = needs.storage.ledgerRows
  const holders = createHolders(needs)
  const snapshots = createSnapshots({ storage: needs.storage, holders, clock })
  const labelOf = (instance: string) => needs.labelOf?.(instance) ?? instance
  const answer = (ask: AccessAsk) => rows.reading((at) => lookUp(ask, { rows: at, now: clock.now(), holders }))
  const decisions = createWarm<Decision>(needs.storage)
  return {
    async snapshot(id, where) {
      const kept = snapshots.kept(id, where?.service)
      const known = kept instanceof Promise ? await kept : kept
      return known ?? rows.reading((at) => snapshots.of(at, id, where?.service))
    },
    anyone: (where) => rows.reading((at) => snapshots.anyone(at, where?.service)),
    decide: (ask) =>
      decisions.get(keyOf(ask), clock.now().getTime(), async () => {
        const looked = await answer(ask)
        return { value: frozen(decisionOf(looked)), until: looked.found.turnsAt }
      }),
    async explain(ask) {
      const { found, holder, now, revision } = await answer(ask)
      return {
        ...decisionOf({ found, revision }),
        ask,
        dataset: found.dataset?.slug,
        lines: found.lines.map(({ grant, missing }) => ({ grant, missing, counts: missing.length === 0 })),
        terms: found.terms(),
        words: wordsOf({ ask, found, facts: holder.facts, now, labelOf }),
      }
    },
    missingTerms: missingTerms({ storage: needs.storage, holders, clock }),
    ...datasetFaces(rows, needs.storage),
  }
}

function missingTerms(needs: { storage: Storage; holders: Holders; clock: Clock }): Access['missingTerms'] {
  const { storage, holders, clock } = needs
  const rows = storage.ledgerRows
  const services = createWarm<ReadonlySet<string>>({ generation: () => storage.ledgerGeneration() }, 2)
  const prompts = createWarm<readonly TermsView[]>(storage)
  const prompted = (account: AccountId, service: string) =>
    rows.reading(async (at) => {
      const holder = (await holders.find(at, account))?.holder ?? nobody
      const terms = (await at.siteTerms()).filter((one) => one.services.includes(service))
      const views = terms.map((one) => termsView(one, holder))
      return {
        value: frozen(views.filter(({ acceptedAt }) => acceptedAt === undefined)),
        until: Number.POSITIVE_INFINITY,
      }
    })
  return async ({ account, service }) => {
    // Mostly nothing is asked of anybody, and that is known of everybody at once.
    const asking = await services.get('', 0, async () => ({
      value: new Set((await rows.siteTerms()).flatMap((one) => one.services)),
      until: Number.POSITIVE_INFINITY,
    }))
    if (!asking.has(service)) return []
    return prompts.get(`${account} ${service}`, clock.now().getTime(), () => prompted(account, service))
  }
}

interface LookedUp {
  readonly found: Found
  readonly holder: KnownHolder['holder']
  readonly now: Date
  readonly revision: number
}

async function lookUp(
  ask: AccessAsk,
  { rows, now, holders }: { rows: LedgerReading; now: Date; holders: Holders },
): Promise<LookedUp> {
  const known = ask.account === undefined ? undefined : await holders.find(rows, ask.account)
  const holder = known?.holder ?? nobody
  const revisions = known?.revisions ?? nobodyAt(await rows.ledgerRevision())
  const state = ask.account === undefined ? undefined : known === undefined ? 'unknown' : known.blocked
  const found: Found =
    state === undefined
      ? await findOut(ask, { rows, holder, now })
      : {
          missing: [{ step: 'account', state }],
          dataset: undefined,
          lines: [],
          beside: [],
          terms: () => [],
          turnedAt: 0,
          turnsAt: Number.POSITIVE_INFINITY,
        }
  return { found, holder, now, revision: revisionNumber(revisions, found.turnedAt) }
}

/** A question as one text; no two have the same. */
function keyOf({ account, dataset, version, verb, service }: AccessAsk): string {
  return JSON.stringify([account, dataset, version, verb, service])
}

function decisionOf({ found, revision }: Pick<LookedUp, 'found' | 'revision'>): Decision {
  const [missing] = found.missing
  return { allowed: missing === undefined, missing, revision }
}

type DatasetFaces = Pick<AccessFace, 'dataset' | 'datasetOfTable' | 'placesIn' | 'publicRoots' | 'terms'>

function datasetFaces(rows: LedgerRows, storage: Pick<Storage, 'generation'>): DatasetFaces {
  const places = createWarm<Awaited<ReturnType<AccessFace['placesIn']>>>(storage, 1000)
  const place = ({ version, ...rest }: PlaceRecord) => ({
    ...rest,
    version: version ?? undefined,
  })
  const view = async (at: LedgerReads, record: DatasetRecord | undefined): Promise<DatasetView | undefined> =>
    record && {
      ...record,
      frozen: record.frozen ?? undefined,
      aliases: await at.aliases(record.slug),
      versions: await at.versions(record.slug),
      places: (await at.places(record.slug)).map(place),
      tables: await at.tables(record.slug),
    }
  return {
    dataset: (name) =>
      rows.reading(async (at) =>
        view(at, await (typeof name === 'number' ? at.datasetByNumericId(name) : at.dataset(name))),
      ),
    datasetOfTable: ({ namespace, name }) =>
      rows.reading(async (at) => view(at, await at.datasetOfTable(namespace, name))),
    placesIn: (bucket) =>
      places.get(bucket, 0, async () => ({
        value: frozen((await rows.placesIn(bucket)).map(place)),
        until: Number.POSITIVE_INFINITY,
      })),
    async terms(id) {
      const found = await rows.termsByNumericId(id)
      return found && { terms: found.id, title: found.title }
    },
    async publicRoots({ roots, ...table }) {
      const found = (await rows.publicRoots(table, roots && [...new Set(roots.map(String))])).map(BigInt)
      return found.toSorted((a, b) => (a < b ? -1 : Number(a > b)))
    },
  }
}
