/** The console’s rooms for accounts: people, those who wait to be let in, invitations by mail. @module */
import type { Route } from '../http/routes.ts'
import type { ConsoleFrame } from './frame.ts'
import { type InvitationsNeeds, invitationRoutes } from './invitations.ts'
import { peopleListRoute } from './people-list.ts'
import { personRoutes } from './person.ts'
import { lifeRoutes } from './person-life.ts'
import type { PersonNeeds } from './person-needs.ts'
import { type WaitingNeeds, waitingRoutes } from './waiting.ts'

/** What the rooms stand on. */
export type AccountsNeeds = PersonNeeds & WaitingNeeds & InvitationsNeeds

/** Routes of `/console/people`, `/waiting` and `/invitations`. */
export function accountConsoleRoutes(frame: ConsoleFrame, needs: AccountsNeeds): Route[] {
  return [
    peopleListRoute(frame, needs),
    ...personRoutes(frame, needs),
    ...lifeRoutes(frame, needs),
    ...waitingRoutes(frame, needs),
    ...invitationRoutes(frame, needs),
  ]
}
