/** The dialect of CAVE: what middle_auth 2 answers to its services (middle_auth_client 3), CAVEclient and Neuroglancer. @module */
import { definePlugin } from '@labgate/contract'
import { caveAdapter } from './cave.ts'
import { configSchema } from './config.ts'
import { caveRoutes } from './routes.ts'
import { text } from './text.ts'

export default definePlugin({
  kind: 'authz',
  name: 'cave',
  contract: 1,
  config: configSchema,
  text,
  routes: caveRoutes,
  create: caveAdapter,
})
