/** The first page: where people land who type the bare address. @module */
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'

/** The route of the first page. `workspaces`: where apps are started, if any are offered. */
export function homeRoutes(needs: {
  desk: Desk
  services: readonly { href: string; label: string }[]
  workspaces: string | undefined
}): Route[] {
  const { desk, services, workspaces } = needs
  const handler: Route['handler'] = async (ctx) => {
    const signedIn = (await desk.cookie.of(ctx.req)) !== undefined
    const own = workspaces === undefined ? [] : [{ href: workspaces, label: desk.text(ctx, 'workspaces.title') }]
    desk.show(ctx, 'home', { links: [...own, ...services], signedIn })
  }
  return [{ method: 'GET', path: '/', handler }]
}
