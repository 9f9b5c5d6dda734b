/** How rows of a source are compared with what is here: one comparison for all kinds. Pure. @module */
import { createHash } from 'node:crypto'
import type { Here } from './here.ts'
import type { Found, Key } from './model.ts'
import type { Notebook } from './reading.ts'
import type { Kind, Step } from './steps.ts'

/** What a plan is made for. */
export interface PlanNeeds {
  readonly found: Found
  readonly here: Here
  /** Slug of the group that names admins of datasets. */
  readonly steeringCommittee: string
}

/** Where a row of the source is here: `''` while it is to be made. */
export type Place = { readonly id: string; readonly isNew: boolean }

/** A plan in the making. */
export interface Planning extends PlanNeeds {
  readonly notebook: Notebook
  readonly places: ReadonlyMap<Kind, Map<Key, Place>>
}

/** How rows of a kind are compared. */
export interface Comparing<R> {
  readonly kind: Kind
  readonly rows: readonly R[]
  keyOf(row: R): Key
  /** What of it counts as a change. */
  says(row: R): unknown
  labelOf(row: R): string
  /** Id of what is the same here without an import. */
  same(row: R): string | undefined
  isThere(target: string, row: R): boolean
  /** Whether what it hangs on is here, or comes with this plan. */
  hangs?(row: R): boolean
  /** The id it will have, where that can be said before. */
  idOf?(row: R): string
}

/** Tells a change without keeping what a row says. What one import must know of the last stands before the dot. */
export function digestOf(says: unknown): string {
  return createHash('sha256').update(JSON.stringify(says)).digest('base64url').slice(0, 22)
}

/** A remembered target that an import did not make. */
export const adopted = (target: string): string => `=${target}`
/** Whether somebody here had it before. */
export const isAdopted = (target: string): boolean => target.startsWith('=')
const ownOf = (target: string) => (isAdopted(target) ? target.slice(1) : target)

const removedHere = (kind: Kind) => `removed here after an import, and left so: ${kind}`

/** The steps that make what is here what the source says. */
export function compare<R>(planning: Planning, comparing: Comparing<R>): Step<R>[] {
  const { here, notebook, places } = planning
  const { kind, rows } = comparing
  const [remembered, place] = [here.remembered.get(kind), places.get(kind) ?? new Map<Key, Place>()]
  return rows.flatMap((row): Step<R>[] => {
    const [key, label] = [comparing.keyOf(row), comparing.labelOf(row)]
    const before = remembered?.get(key)
    if (before === undefined && comparing.hangs?.(row) === false) {
      notebook.add('lost', `left out, because what it hangs on was removed here or left out: ${kind}`, label)
      return []
    }
    const digest = `${stateOf(row)}.${digestOf(comparing.says(row))}`
    const same =
      before === undefined || !comparing.isThere(ownOf(before.target), row) ? comparing.same(row) : ownOf(before.target)
    const step = { key, row, label, digest, before: before?.digest }
    if (before === undefined) {
      place.set(key, { id: same ?? comparing.idOf?.(row) ?? '', isNew: same === undefined })
      return [{ ...step, do: same === undefined ? 'add' : 'adopt', target: same ?? comparing.idOf?.(row) }]
    }
    if (same === undefined) {
      notebook.add('mind', removedHere(kind), label)
      return []
    }
    place.set(key, { id: same, isNew: false })
    return before.digest === digest ? [] : [{ ...step, do: 'change', target: same }]
  })
}

function stateOf(row: unknown): string {
  return typeof row === 'object' && row !== null && 'state' in row ? String(row.state) : ''
}

/** Where a row of the source is here, or will be. */
export const placeOf = ({ places }: Planning, kind: Kind, key: Key | undefined): Place | undefined =>
  places.get(kind)?.get(key ?? '')
/** The id of what is here, and nothing for what is to be made. */
export const idHere = (planning: Planning, kind: Kind, key: Key | undefined): string | undefined => {
  const place = placeOf(planning, kind, key)
  return place === undefined || place.isNew ? undefined : place.id
}
