/** The console’s rooms for people: groups, terms of use, service accounts, tokens and the audit trail. @module */
import type { Route } from '../http/routes.ts'
import { type AuditNeeds, auditRoutes } from './audit.ts'
import { type ClientsNeeds, clientRoutes } from './clients.ts'
import type { ConsoleFrame } from './frame.ts'
import { type GroupsNeeds, groupRoutes } from './groups.ts'
import { type ServiceAccountsNeeds, serviceAccountRoutes } from './service-accounts.ts'
import { termsRoutes } from './terms.ts'
import type { TermsNeeds } from './terms-pages.ts'
import { type TokensNeeds, tokenRoutes } from './tokens.ts'

/** What the rooms stand on. */
export type PeopleNeeds = GroupsNeeds & TermsNeeds & ServiceAccountsNeeds & TokensNeeds & ClientsNeeds & AuditNeeds

/** Routes of `/console/groups`, `/terms`, `/service-accounts`, `/tokens`, `/clients` and `/audit`. */
export function peopleConsoleRoutes(frame: ConsoleFrame, needs: PeopleNeeds): Route[] {
  return [
    ...groupRoutes(frame, needs),
    ...termsRoutes(frame, needs),
    ...serviceAccountRoutes(frame, needs),
    ...tokenRoutes(frame, needs),
    ...clientRoutes(frame, needs),
    ...auditRoutes(frame, needs),
  ]
}
