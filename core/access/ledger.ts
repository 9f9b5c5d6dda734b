/** The ledger: datasets, grants, terms of use and requests; how they are listed and changed. Answers are made in `access.ts`. @module */
import type { AccessFace, Clock, Random } from '@labgate/contract'
import type { Change } from '../accounts/changes.ts'
import type { Storage } from '../storage/storage.ts'
import { createDatasets, type Datasets } from './datasets.ts'
import { createGrants, type Grants } from './grants.ts'
import type { AccessRequest } from './model.ts'
import { createRequests, type Requests } from './requests.ts'
import { createTerms, type TermsBook } from './terms.ts'

export type { Datasets } from './datasets.ts'
export type { Grants } from './grants.ts'
export type { Requests } from './requests.ts'
export type { TermsBook } from './terms.ts'

/** The whole ledger. */
export interface Ledger {
  readonly datasets: Datasets
  readonly grants: Grants
  readonly terms: TermsBook
  readonly requests: Requests
}

/** What the ledger stands on. */
export interface LedgerNeeds {
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly change: Change
  /** What somebody holds: a hidden dataset is asked for by those only who hold something on it. */
  readonly access: Pick<AccessFace, 'snapshot'>
  /** Tells people of requests; never throws. */
  readonly tell: {
    requested(request: AccessRequest): Promise<void>
    decided(request: AccessRequest): Promise<void>
  }
}

/** Makes the ledger on a storage. */
export function createLedger(needs: LedgerNeeds): Ledger {
  const grants = createGrants(needs)
  return {
    datasets: createDatasets(needs),
    grants,
    terms: createTerms({ ...needs, grants }),
    requests: createRequests({ ...needs, grants }),
  }
}
