/** The first page: where people land who type the bare address. @module */
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'

/** The route of the first page. */
export function homeRoutes(needs: { desk: Desk; services: readonly { href: string; label: string }[] }): Route[] {
  const { desk, services } = needs
  const handler: Route['handler'] = async (ctx) => {
    const signedIn = (await desk.cookie.of(ctx.req)) !== undefined
    desk.show(ctx, 'home', { links: services, signedIn })
  }
  return [{ method: 'GET', path: '/', handler }]
}
