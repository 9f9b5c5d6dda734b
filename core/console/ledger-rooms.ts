/** The console's rooms for the ledger: datasets and their roots, grants, requests, explanations. @module */
import type { Route } from '../http/routes.ts'
import { datasetRoutes } from './datasets.ts'
import { explainRoutes } from './explain.ts'
import type { ConsoleFrame } from './frame.ts'
import { grantRoutes } from './grants.ts'
import type { LedgerConsoleNeeds } from './ledger-needs.ts'
import { requestRoutes } from './requests.ts'
import { rootRoutes } from './roots.ts'

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
