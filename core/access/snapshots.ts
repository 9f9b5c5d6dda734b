/** Everything about one account, or about anyone, at once; kept until a revision grows or time turns a condition. @module */
import {
  type AccountId,
  type Clock,
  Fault,
  type GrantView,
  type PublicSnapshot,
  type Snapshot,
} from '@labgate/contract'
import {
  type LedgerReading,
  type LedgerReads,
  type Revisions,
  sameRevisions,
  type TermsRecord,
} from '../storage/ledger-rows.ts'
import { createMemo, frozen } from '../storage/memo.ts'
import type { Storage } from '../storage/storage.ts'
import { type Holders, type KnownHolder, nobody, nobodyAt, revisionNumber } from './holders.ts'
import { inOrder, termsFor, viewsOf } from './holding.ts'
import { type Holder, turnsOf } from './judge.ts'
import { lineOf } from './lines.ts'
import type { Grant } from './model.ts'
import { createPlaces, type Places } from './places.ts'
import { namedTerms, termsViews } from './terms-views.ts'

/** Snapshots, those that are kept and those that a reading makes. */
export interface Snapshots {
  /** The one that is kept and still right, if that can be told without a read. */
  warm(id: AccountId, service: string | undefined): Snapshot | undefined
  /** The one that is kept and still right, if any: by a single small read. */
  known(id: AccountId, service: string | undefined): Promise<Snapshot | undefined>
  /** @throws Fault ERR_NOT_FOUND when there is no such account */
  of(rows: LedgerReading, id: AccountId, service: string | undefined): Promise<Snapshot>
  anyone(rows: LedgerReading, service: string | undefined): Promise<PublicSnapshot>
}

interface Kept {
  /** At which everything was last found unchanged. */
  seen: number
  readonly revisions: Revisions
  readonly from: number
  readonly to: number
  readonly snapshot: Snapshot | PublicSnapshot
}

/** Makes the snapshots; at most `size` are kept. */
export function createSnapshots(
  { storage, holders, clock }: { storage: Pick<Storage, 'generation' | 'ledgerRows'>; holders: Holders; clock: Clock },
  size = 10_000,
): Snapshots {
  const memo = createMemo<Kept>(size)
  const places = createPlaces()
  const isOf = (now: number, kept: Kept) => kept.from <= now && now < kept.to
  const fitsAt = (revisions: Revisions, now: number) => (kept: Kept) =>
    isOf(now, kept) && sameRevisions(kept.revisions, revisions)
  const keep = async <T extends Snapshot | PublicSnapshot>(
    key: string,
    { revisions, make }: { revisions: Revisions; make: (now: Date) => Promise<Made<T>> },
  ): Promise<T> => {
    const now = clock.now()
    const known = memo.peek(key, fitsAt(revisions, now.getTime()))
    // The key says which of the two it is.
    if (known) return known.snapshot as T
    const { snapshot, turnsAt } = await make(now)
    memo.keep(key, { seen: Number.NaN, revisions, from: now.getTime(), to: turnsAt, snapshot: frozen(snapshot) })
    return snapshot
  }
  return {
    warm(id, service) {
      const now = clock.now().getTime()
      const seen = storage.generation()
      const kept = memo.peek(keyOf(id, service), (one) => one.seen === seen && isOf(now, one))
      // The key says which of the two it is.
      return kept?.snapshot as Snapshot | undefined
    },
    async known(id, service) {
      const now = clock.now().getTime()
      const seen = storage.generation()
      const key = keyOf(id, service)
      // Of whom nothing is kept, nothing is asked.
      if (memo.peek(key, (one) => isOf(now, one)) === undefined) return undefined
      const revisions = await storage.ledgerRows.revisions(id)
      const kept = revisions && memo.peek(key, fitsAt(revisions, now))
      if (kept) kept.seen = seen
      // The key says which of the two it is.
      return kept?.snapshot as Snapshot | undefined
    },
    async of(rows, id, service) {
      const known = await holders.find(rows, id)
      if (known === undefined) throw new Fault('ERR_NOT_FOUND', `there is no account ${id}`)
      return keep(keyOf(id, service), {
        revisions: known.revisions,
        make: (now) => make(known, { rows, now, service, places, revision: known.revisions.ledger }),
      })
    },
    async anyone(rows, service) {
      const revisions = nobodyAt(await rows.ledgerRevision())
      return keep(keyOf('', service), {
        revisions,
        make: async (now) => {
          const { grants, turnsAt, turnedAt } = await everything(nobody, {
            ...{ rows, now, service, places },
            revision: revisions.ledger,
          })
          return { snapshot: { grants, revision: revisionNumber(revisions, turnedAt) }, turnsAt }
        },
      })
    },
  }
}

/** No id holds a space. */
function keyOf(id: AccountId, service: string | undefined): string {
  return service === undefined ? id : `${id} ${service}`
}

interface Made<T> {
  readonly snapshot: T
  readonly turnsAt: number
}

interface Given {
  readonly rows: LedgerReads
  readonly places: Places
  /** Of the ledger, at which `rows` read. */
  readonly revision: number
  readonly now: Date
  readonly service: string | undefined
}

async function make(
  { view, parentNumericId, holder, managedGroups, revisions, blocked }: KnownHolder,
  given: Given,
): Promise<Made<Snapshot>> {
  const none = { grants: [], terms: [], turnedAt: 0, turnsAt: Number.POSITIVE_INFINITY }
  const { grants, terms, turnedAt, turnsAt } = blocked === undefined ? await everything(holder, given) : none
  const { groups, facts } = holder
  const revision = revisionNumber(revisions, turnedAt)
  return {
    snapshot: { account: view, parentNumericId, groups, managedGroups, grants, terms, facts, revision },
    turnsAt,
  }
}

async function everything(holder: Holder, { rows, now, service, places, revision }: Given) {
  const lines = (await rows.grants(holder.subjects)).flatMap((row) => lineOf(row) ?? [])
  const named = await namedTerms(rows, lines)
  const slugs = [...new Set(lines.map(({ dataset }) => dataset))].toSorted(inOrder)
  const around = await places.at(revision, slugs, rows)
  const ofDataset = Map.groupBy(lines, ({ dataset }) => dataset)
  const grants: GrantView[] = []
  const concerned: { lines: Grant[]; attached: TermsRecord[] } = { lines: [], attached: [] }
  for (const dataset of slugs) {
    const own = ofDataset.get(dataset) ?? []
    const place = around.get(dataset)
    if (place === undefined || place.isFrozen) continue
    const { terms: attached, versions } = place
    const views = viewsOf({ dataset, lines: own, terms: termsFor(attached, service), versions }, { holder, now, named })
    if (views.length === 0) continue
    grants.push(...views)
    concerned.lines.push(...own)
    concerned.attached.push(...attached)
  }
  return { grants, terms: termsViews({ holder, named, ...concerned }), ...turnsOf(lines, { holder, now }) }
}
