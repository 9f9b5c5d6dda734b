/** What the parts of an import hand each other while it is applied: the slice in hand, and ids of what was made. @module */
import { type AccountId, type Clock, Fault, isFault, type Random } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import type { Ledger } from '../access/ledger.ts'
import type { Accounts } from '../accounts/accounts.ts'
import type { Change } from '../accounts/changes.ts'
import type { Groups } from '../accounts/groups.ts'
import type { ServiceAccounts } from '../accounts/service-accounts.ts'
import type { Storage } from '../storage/storage.ts'
import type { Here } from './here.ts'
import type { Key } from './model.ts'
import type { Plan } from './plan.ts'
import type { Kind, Step } from './steps.ts'

/** Who makes the rows of imports. */
export const importActor = { kind: 'system', name: 'import' } as const

/** What applying stands on. */
export interface ApplyNeeds {
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly change: Change
  readonly accounts: Pick<Accounts, 'setState'>
  readonly groups: Groups
  readonly serviceAccounts: ServiceAccounts
  readonly ledger: Ledger
  /** What the source is called in the trail and for the next import. */
  readonly source: string
  /** The sign-in that vouches for the people. */
  readonly signIn: string
}

/** Ids of what is here or was made, by kind and key. */
export type Ids = Map<string, string>

/** A part of a plan that is done in one transaction. */
export type Slice = Pick<Plan, 'steps' | 'ends'>

/** One slice while it is applied. */
export interface Applying extends ApplyNeeds {
  readonly em: EntityManager
  readonly plan: Slice
  readonly here: Here
  readonly ids: Ids
  /** Accounts about whom something has changed. */
  readonly touched: Set<AccountId>
}

/** How ids are kept. */
export const named = (kind: Kind, key: Key | undefined): string => `${kind} ${key}`

/** Ids of what earlier imports of the source made. */
export function idsHere(here: Here): Ids {
  const ids = new Map<string, string>()
  for (const kind of ['person', 'program', 'group', 'dataset', 'terms'] as const)
    for (const [key, { target }] of here.remembered.get(kind) ?? []) {
      const id = target.replace(/^=/, '')
      ids.set(named(kind, key), kind === 'person' || kind === 'program' ? (here.account(id)?.id ?? id) : id)
    }
  return ids
}

/** Steps that make something. */
export const added = <R>(steps: readonly Step<R>[]): Step<R>[] => steps.filter((step) => step.do === 'add')

/** Does a part; what is wrong with it is told with what it is. */
export async function at<T>(label: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isFault(error) || !['ERR_INPUT', 'ERR_CONFLICT', 'ERR_NOT_FOUND'].includes(error.code)) throw error
    throw new Fault('ERR_INPUT', `${label}: ${error.message}`, { cause: error })
  }
}
