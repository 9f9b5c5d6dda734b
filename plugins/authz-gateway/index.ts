/**
 * Forward authentication: a reverse proxy asks about each request, and hands the identity of the person (or their own key)
 * on to a service that knows nothing of Labgate. nginx `auth_request`, Caddy `forward_auth`, Traefik ForwardAuth.
 * @module
 */
import { definePlugin } from '@labgate/contract'
import { configSchema } from './config.ts'
import { gatewayAdapter } from './gateway.ts'
import { gatewayRoutes } from './routes.ts'
import { text } from './text.ts'

export default definePlugin({
  kind: 'authz',
  name: 'gateway',
  contract: 1,
  config: configSchema,
  text,
  routes: gatewayRoutes,
  create: gatewayAdapter,
})
