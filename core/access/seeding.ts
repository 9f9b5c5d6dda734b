/** What the parts of seeding share: who does it, on what, and what is remembered from one start to the next. @module */
import type { Clock, Log } from '@labgate/contract'
import type { Change } from '../accounts/changes.ts'
import type { ConfigMembers } from '../accounts/config-members.ts'
import type { Groups } from '../accounts/groups.ts'
import type { ServiceAccounts } from '../accounts/service-accounts.ts'
import type { Locate, Path } from '../config/problems.ts'
import type { Config } from '../config/schema.ts'
import type { Storage } from '../storage/storage.ts'
import type { Ledger } from './ledger.ts'

/** Who makes the rows of the config file. */
export const seedActor = { kind: 'system', name: 'config' } as const

/** What seeding stands on. */
export interface SeedNeeds {
  readonly config: Pick<Config, 'datasets' | 'groups' | 'terms' | 'grants' | 'serviceAccounts'>
  readonly storage: Storage
  readonly clock: Clock
  readonly log: Log
  readonly change: Change
  readonly ledger: Ledger
  readonly groups: Groups
  readonly serviceAccounts: ServiceAccounts
  readonly members: ConfigMembers
  /** Finds lines and columns of the config file. */
  readonly locate?: Locate | undefined
}

/** What is remembered of former starts. */
export interface Kept {
  /** Ids of the service accounts that the file made, by username. */
  readonly serviceAccounts: Record<string, string>
  /** What the file had and left to the database: it may take it back. */
  readonly left: { datasets: string[]; groups: string[] }
}

/** One seeding under way. */
export interface Seeding extends SeedNeeds {
  readonly kept: Kept
  /** Texts of the terms by id, read before anything is written. */
  readonly texts: Readonly<Record<string, string>>
  /** Does a part; what is wrong with it is told as a mistake at its place in the file. */
  readonly at: <T>(path: Path, work: () => Promise<T>) => Promise<T>
}
