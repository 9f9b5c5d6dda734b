/** The console’s list of accounts: found by name, state, role and kind, however many there are. @module */
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import { accountHref, byAdmin, type PersonNeeds, peopleBase, stateOf } from './person-needs.ts'

const states = ['active', 'pending', 'deactivated', 'shut'] as const
const roles = ['user', 'manager', 'admin'] as const
const kinds = ['person', 'service'] as const

/** `/console/people`. */
export function peopleListRoute(frame: ConsoleFrame, needs: Pick<PersonNeeds, 'directory'>): Route {
  const list = async (ctx: Ctx, visit: Visit): Promise<void> => {
    const [state, role, kind] = [
      states.find((one) => one === ctx.query.state),
      roles.find((one) => one === ctx.query.role),
      kinds.find((one) => one === ctx.query.kind),
    ]
    const found = await needs.directory.list({ ...frame.asked(ctx), state, role, kind })
    frame.show(ctx, 'console-people', {
      frame: await frame.frame(ctx, visit, 'people'),
      paging: frame.paging(ctx, found),
      filter: { state: state ?? '', role: role ?? '', kind: kind ?? '' },
      people: found.rows.map((account) => ({
        id: account.id,
        displayName: account.displayName || account.username,
        username: account.username,
        email: account.email,
        state: stateOf(account),
        role: account.role,
        isService: account.kind === 'service',
        lastSignIn: account.lastSignInAt,
        href: accountHref(account),
      })),
    })
  }
  return frame.page(peopleBase, list, byAdmin)
}
