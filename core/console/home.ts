/** The first page: where people land who type the bare address. @module */
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'

export function homeRoutes(needs: { desk: Desk; services: readonly { href: string; label: string }[] }): Route[] {
  return [{ method: 'GET', path: '/', handler: (ctx) => needs.desk.show(ctx, 'home', { links: needs.services }) }]
}
