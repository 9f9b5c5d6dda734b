/**
 * A plan in slices, each a transaction of its own that remembers what it did: others write in between, and an import that
 * was cut off goes on where it stood when it is repeated. What is small is one slice, all or nothing.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault, isFault } from '@labgate/contract'
import type { Reads } from '../storage/late-orm.ts'
import { applyIn, reserve } from './apply.ts'
import { settleStates } from './apply-accounts.ts'
import { type ApplyNeeds, idsHere, type Slice } from './applying.ts'
import type { Here } from './here.ts'
import type { Plan } from './plan.ts'
import { type Kind, kinds, type Steps } from './steps.ts'

/** As many steps are one slice in any case. */
const least = 200
const most = 20_000
/** How long a slice should hold the place of the one that writes. */
const sliceMs = 120
/** Who waits for that place looks for it about as often. */
const gapMs = 60

/** The few that may be refused come before the many, and all before what hangs on them. */
const order: readonly Kind[] = ['group', 'dataset', 'terms', ...kinds.filter((kind) => !isContainer(kind))]

function isContainer(kind: Kind): boolean {
  return kind === 'group' || kind === 'dataset' || kind === 'terms'
}

/** What an import is planned upon, as one word: it differs when others have changed any of it. */
export async function stampOf(em: Reads): Promise<string> {
  const [row] = await em.execute<Record<string, unknown>[]>(
    `select (select value from setting where "key" = 'ledger.revision') as ledger, count(*) as accounts,
       count(erased_at) as erased, count(merged_into) as merged,
       (select count(*) from identity where removed_at is null) as identities from account`,
  )
  return JSON.stringify(row)
}

/** What one planning has found, and the stamp it began with. */
export interface Planned {
  readonly plan: Plan
  readonly here: Here
  readonly stamp: string
}

/**
 * Does a plan slice by slice; `false`: others have changed what it stands on, and the rest must be planned anew.
 * @throws Fault ERR_INPUT naming the row that cannot be made
 */
export async function applyPlan(needs: ApplyNeeds, { plan, here, stamp }: Planned): Promise<boolean> {
  const ids = idsHere(here)
  let [expected, isBegun] = [stamp, false]
  const apply = async (slice: Slice): Promise<boolean> => {
    const next = await needs.storage.transaction(async (em) => {
      if ((await stampOf(em)) !== expected) return undefined
      await reserve(em, plan)
      await applyIn(em, needs, { slice, here, ids }).catch((error: unknown) => {
        throw isFault(error) && error.code === 'ERR_INPUT' ? mendable(error, isBegun) : error
      })
      return stampOf(em)
    })
    ;[expected, isBegun] = [next ?? expected, isBegun || next !== undefined]
    return next !== undefined
  }
  if (plan.work > 0 && !(await inSlices(plan, apply))) return false
  await settleStates({ ...needs, plan, ids })
  return true
}

function mendable(error: Fault, isBegun: boolean): Fault {
  const rest = isBegun ? 'what came before it is done, and is not done again the next time.' : 'nothing was imported.'
  return new Fault('ERR_INPUT', `${error.message} Mend it at the source or here; ${rest}`, { cause: error })
}

/** Hands out slices of a length that takes about as long as it should. */
async function inSlices(plan: Plan, apply: (slice: Slice) => Promise<boolean>): Promise<boolean> {
  if (plan.work <= least) return apply(plan)
  for (const part of [{ ...emptyPlan, ends: plan.ends }, ...order.map((kind) => only(kind, plan.steps[kind]))]) {
    const length = part.ends.length + kinds.reduce((sum, kind) => sum + part.steps[kind].length, 0)
    let size = least
    for (let from = 0; from < length; ) {
      const begun = performance.now()
      if (!(await apply(cut(part, from, from + size)))) return false
      from += size
      const took = performance.now() - begun
      size = Math.round(Math.min(most, Math.max(20, size * Math.min(2, sliceMs / took))))
      await sleep(gapMs)
    }
  }
  return true
}

const emptyPlan: Slice = { steps: Object.fromEntries(kinds.map((kind) => [kind, []])) as unknown as Steps, ends: [] }

function only<K extends Kind>(kind: K, steps: Steps[K]): Slice {
  return { steps: { ...emptyPlan.steps, [kind]: steps }, ends: [] }
}

function cut({ steps, ends }: Slice, from: number, to: number): Slice {
  const parts = kinds.map((kind) => [kind, steps[kind].slice(from, to)])
  // One kind has any.
  return { steps: Object.fromEntries(parts) as unknown as Steps, ends: ends.slice(from, to) }
}
