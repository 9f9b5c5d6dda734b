/** The console's rooms for the ledger: datasets and their roots, grants, requests, explanations. @module */
import type { Access } from '../access/access.ts'
import type { Ledger } from '../access/ledger.ts'
import type { Accounts } from '../accounts/accounts.ts'
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'
import type { AuthzInstance } from '../registry/instance.ts'
import type { AuditTrail } from '../storage/audit.ts'
import { datasetRoutes } from './datasets.ts'
import { explainRoutes } from './explain.ts'
import type { ConsoleFrame } from './frame.ts'
import { grantRoutes } from './grants.ts'
import { requestRoutes } from './requests.ts'
import { rootRoutes } from './roots.ts'

/** What the rooms stand on. */
export interface LedgerConsoleNeeds {
  readonly desk: Desk
  readonly ledger: Ledger
  readonly access: Access
  readonly accounts: Accounts
  readonly trail: Pick<AuditTrail, 'list' | 'about'>
  /** Whose answers are shown beside an explanation. */
  readonly dialects: readonly Pick<AuthzInstance, 'id' | 'plugin' | 'adapter'>[]
  /** Clients and dialect instances, for which it can be asked. */
  services(): readonly string[]
}

/** Routes of `/console/datasets`, `/grants`, `/requests` and `/explain`. */
export function ledgerConsoleRoutes(frame: ConsoleFrame, needs: LedgerConsoleNeeds): Route[] {
  return [
    ...datasetRoutes(frame, needs),
    ...rootRoutes(frame, needs),
    ...grantRoutes(frame, needs),
    ...requestRoutes(frame, needs),
    ...explainRoutes(frame, needs),
  ]
}
