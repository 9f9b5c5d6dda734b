/** A dialect that does nothing but stand on one route: what a plugin costs those who do not use it. @module */
import { type AuthzAdapter, definePlugin, type RouteClaim } from '@labgate/contract'

const routes: readonly RouteClaim[] = [{ id: 'nothing', method: 'GET', path: '/nothing', guard: 'public' }]

const adapter: AuthzAdapter = { handlers: { nothing: async () => ({ status: 204 }) }, project: () => ({}) }

export default definePlugin({
  kind: 'authz',
  name: 'nothing',
  contract: 1,
  config: { type: 'object', additionalProperties: false, properties: {} },
  text: { en: {} },
  routes: () => routes,
  create: () => adapter,
})
