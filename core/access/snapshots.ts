/** Everything about one account, or about anyone, at once; kept until a revision grows or time turns a condition. @module */
import {
  type AccountId,
  type Clock,
  Fault,
  type GrantView,
  type PublicSnapshot,
  type Snapshot,
} from '@labgate/contract'
import { type LedgerRows, type Revisions, sameRevisions, type TermsRecord } from '../storage/ledger-rows.ts'
import { createMemo, frozen } from '../storage/memo.ts'
import type { Storage } from '../storage/storage.ts'
import { type Holders, type KnownHolder, nobody, nobodyAt, revisionNumber } from './holders.ts'
import { inOrder, termsFor, viewsOf } from './holding.ts'
import { type Holder, turnsOf } from './judge.ts'
import { lineOf } from './lines.ts'
import type { Grant } from './model.ts'
import { namedTerms, termsViews } from './terms-views.ts'

/** Snapshots. All but `known` must be asked inside `reading`. */
export interface Snapshots {
  /** The one that is kept and still right, if any: by a single small read. */
  known(id: AccountId, service: string | undefined): Snapshot | undefined
  /** @throws Fault ERR_NOT_FOUND when there is no such account */
  of(id: AccountId, service: string | undefined): Snapshot
  anyone(service: string | undefined): PublicSnapshot
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
  const { ledgerRows: rows } = storage
  const memo = createMemo<Kept>(size)
  const isOf = (now: number, kept: Kept) => kept.from <= now && now < kept.to
  const fitsAt = (revisions: Revisions, now: number) => (kept: Kept) =>
    isOf(now, kept) && sameRevisions(kept.revisions, revisions)
  const keep = <T extends Snapshot | PublicSnapshot>(
    key: string,
    { revisions, make }: { revisions: Revisions; make: (now: Date) => Made<T> },
  ): T => {
    const now = clock.now()
    const { snapshot } = memo.get(key, {
      fits: fitsAt(revisions, now.getTime()),
      make: () => {
        const { snapshot, turnsAt } = make(now)
        return { seen: Number.NaN, revisions, from: now.getTime(), to: turnsAt, snapshot: frozen(snapshot) }
      },
    })
    // The key says which of the two it is.
    return snapshot as T
  }
  return {
    known(id, service) {
      const now = clock.now().getTime()
      const key = keyOf(id, service)
      const seen = storage.generation()
      let kept = memo.peek(key, (one) => one.seen === seen && isOf(now, one))
      if (kept === undefined) {
        const revisions = rows.revisions(id)
        kept = revisions && memo.peek(key, fitsAt(revisions, now))
        if (kept) kept.seen = seen
      }
      // The key says which of the two it is.
      return kept?.snapshot as Snapshot | undefined
    },
    of(id, service) {
      const known = holders.find(id)
      if (known === undefined) throw new Fault('ERR_NOT_FOUND', `there is no account ${id}`)
      return keep(keyOf(id, service), {
        revisions: known.revisions,
        make: (now) => make(known, { rows, now, service }),
      })
    },
    anyone(service) {
      const revisions = nobodyAt(rows.ledgerRevision())
      return keep(keyOf('', service), {
        revisions,
        make: (now) => {
          const { grants, turnsAt, turnedAt } = everything(nobody, { rows, now, service })
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
  readonly rows: LedgerRows
  readonly now: Date
  readonly service: string | undefined
}

function make(
  { view, parentNumericId, holder, managedGroups, revisions, blocked }: KnownHolder,
  given: Given,
): Made<Snapshot> {
  const none = { grants: [], terms: [], turnedAt: 0, turnsAt: Number.POSITIVE_INFINITY }
  const { grants, terms, turnedAt, turnsAt } = blocked === undefined ? everything(holder, given) : none
  const { groups, facts } = holder
  const revision = revisionNumber(revisions, turnedAt)
  return {
    snapshot: { account: view, parentNumericId, groups, managedGroups, grants, terms, facts, revision },
    turnsAt,
  }
}

function everything(holder: Holder, { rows, now, service }: Given) {
  const lines = rows.grants(holder.subjects).flatMap((row) => lineOf(row) ?? [])
  const named = namedTerms(rows, lines)
  const slugs = [...new Set(lines.map(({ dataset }) => dataset))].toSorted(inOrder)
  const closed = new Set(rows.frozenOf(slugs))
  const open = slugs.filter((slug) => !closed.has(slug))
  const byDataset = {
    lines: Map.groupBy(lines, ({ dataset }) => dataset),
    terms: Map.groupBy(rows.termsOn(open), ({ dataset }) => dataset ?? ''),
    versions: Map.groupBy(rows.versionsOf(open), ({ dataset }) => dataset),
  }
  const grants: GrantView[] = []
  const concerned: { lines: Grant[]; attached: TermsRecord[] } = { lines: [], attached: [] }
  for (const dataset of open) {
    const own = byDataset.lines.get(dataset) ?? []
    const attached = byDataset.terms.get(dataset) ?? []
    const versions = new Set((byDataset.versions.get(dataset) ?? []).map(({ version }) => version))
    const views = viewsOf({ dataset, lines: own, terms: termsFor(attached, service), versions }, { holder, now, named })
    if (views.length === 0) continue
    grants.push(...views)
    concerned.lines.push(...own)
    concerned.attached.push(...attached)
  }
  return { grants, terms: termsViews({ holder, named, ...concerned }), ...turnsOf(lines, { holder, now }) }
}
