/** Everything about one account, or about anyone, at once; kept until a revision grows or time turns a condition. @module */
import {
  type AccountId,
  type Clock,
  Fault,
  type GrantView,
  type PublicSnapshot,
  type Snapshot,
  type TermsView,
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
import { termsFor, viewsOf } from './holding.ts'
import { type Holder, type Line, type Turns, turnsOf } from './judge.ts'
import { noConditions } from './lines.ts'
import { type Around, createPlaces } from './places.ts'
import { namedTerms, termsViews } from './terms-views.ts'

/** Snapshots, those that are kept and those that a reading makes. */
export interface Snapshots {
  /** The one that is kept and still right, if any: at once where that can be told without a read, else by a single small one. */
  kept(id: AccountId, service: string | undefined): Snapshot | Promise<Snapshot | undefined> | undefined
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
  const memo = createMemo<Kept>(size, { keepsAt: 'second' })
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
    memo.keep(key, { seen: Number.NaN, revisions, from: now.getTime(), to: turnsAt, snapshot })
    return snapshot
  }
  const stillRight = async (id: AccountId, kept: Kept, seen: number): Promise<Snapshot | undefined> => {
    const revisions = await storage.ledgerRows.revisions(id)
    if (revisions === undefined || !sameRevisions(kept.revisions, revisions)) return undefined
    kept.seen = seen
    // As above.
    return kept.snapshot as Snapshot
  }
  return {
    kept(id, service) {
      const now = clock.now().getTime()
      const seen = storage.generation()
      const kept = memo.peek(keyOf(id, service), (one) => isOf(now, one))
      // Of whom nothing is kept, nothing is asked.
      if (kept === undefined) return undefined
      // The key says which of the two it is.
      return kept.seen === seen ? (kept.snapshot as Snapshot) : stillRight(id, kept, seen)
    },
    async of(rows, id, service) {
      const known = await holders.find(rows, id)
      if (known === undefined) throw new Fault('ERR_NOT_FOUND', `there is no account ${id}`)
      return keep(keyOf(id, service), {
        revisions: known.revisions,
        make: (now) => make(known, { rows, now, service, around: places.at(known.revisions.ledger) }),
      })
    },
    async anyone(rows, service) {
      const revisions = nobodyAt(await rows.ledgerRevision())
      return keep(keyOf('', service), {
        revisions,
        make: async (now) => {
          const given = { rows, now, service, around: places.at(revisions.ledger) }
          const { grants, turnsAt, turnedAt } = await everything(nobody, given)
          return {
            snapshot: Object.freeze({
              grants: frozen(grants),
              get revision() {
                return revisionNumber(revisions, turnedAt)
              },
            }),
            turnsAt,
          }
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
  /** Of the revision at which `rows` read. */
  readonly around: Around
  readonly now: Date
  readonly service: string | undefined
}

async function make(known: KnownHolder, given: Given): Promise<Made<Snapshot>> {
  const { view, parentNumericId, holder, managedGroups, revisions, blocked } = known
  const { grants, terms, turnedAt, turnsAt } = blocked === undefined ? await everything(holder, given) : nothing
  // It is handed to many; what all of them have in common is frozen already.
  const snapshot = Object.freeze({
    account: frozen(view),
    parentNumericId,
    groups: frozen(holder.groups),
    managedGroups: frozen(managedGroups),
    // Each of them is frozen.
    grants: Object.freeze(grants),
    terms: frozen(terms),
    facts: frozen(holder.facts),
    // Hardly anybody asks for it.
    get revision() {
      return revisionNumber(revisions, turnedAt)
    },
  })
  return { snapshot, turnsAt }
}

interface Everything extends Turns {
  readonly grants: readonly GrantView[]
  readonly terms: readonly TermsView[]
}

const noTerms: readonly TermsView[] = Object.freeze([])
const nothing: Everything = frozen({ grants: [], terms: noTerms, turnedAt: 0, turnsAt: Number.POSITIVE_INFINITY })

async function everything(holder: Holder, { rows, now, service, around }: Given): Promise<Everything> {
  const ofDataset = await around.lines(holder.subjects, rows)
  const conditional: Line[] = []
  for (const lines of ofDataset.values())
    for (const line of lines) if (line.conditions !== noConditions) conditional.push(line)
  const named = await namedTerms(rows, conditional)
  // By code units, the same on every machine.
  const slugs = [...ofDataset.keys()].toSorted()
  const places = await around.places(slugs, rows)
  const grants: GrantView[] = []
  const concerned: { lines: Line[]; attached: TermsRecord[] } = { lines: [], attached: [] }
  for (const dataset of slugs) {
    const lines = ofDataset.get(dataset) ?? []
    const place = places.get(dataset)
    if (place === undefined || place.isFrozen) continue
    const { terms: attached, versions } = place
    const terms = attached.length === 0 ? attached : termsFor(attached, service)
    const common = terms.length === 0 ? around.views(lines) : undefined
    const views = common ?? frozen(viewsOf({ dataset, lines, terms, versions }, { holder, now, named }))
    if (views.length === 0) continue
    grants.push(...views)
    concerned.attached.push(...attached)
    if (common === undefined) concerned.lines.push(...lines)
  }
  const hasTerms = concerned.attached.length + named.size > 0
  return {
    grants,
    terms: hasTerms ? termsViews({ holder, named, ...concerned }) : noTerms,
    ...turnsOf(conditional, { holder, now }),
  }
}
