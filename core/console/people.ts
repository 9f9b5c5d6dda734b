/** The console’s rooms for people: groups, terms of use, service accounts, tokens and the audit trail. @module */
import type { TermsBook } from '../access/ledger.ts'
import type { Groups } from '../accounts/groups.ts'
import type { ServiceAccounts } from '../accounts/service-accounts.ts'
import type { ApiTokens } from '../accounts/tokens.ts'
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'
import type { AuditTrail } from '../storage/audit.ts'
import type { ConsoleFrame } from './frame.ts'

/** What the rooms stand on. */
export interface PeopleNeeds {
  readonly desk: Desk
  readonly groups: Groups
  readonly terms: TermsBook
  readonly serviceAccounts: ServiceAccounts
  readonly tokens: ApiTokens
  readonly trail: Pick<AuditTrail, 'list'>
  /** Scopes that a token may have, with their description. */
  scopes(): Readonly<Record<string, string>>
  /** Clients and dialect instances, for which terms can be asked. */
  services(): readonly string[]
}

/** Routes of `/console/groups`, `/terms`, `/service-accounts`, `/tokens` and `/audit`. */
export function peopleConsoleRoutes(_frame: ConsoleFrame, _needs: PeopleNeeds): Route[] {
  return []
}
