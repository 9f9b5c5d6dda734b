/** The dialect of datalab: the identity surface that its Python client (datalab-api), web application and server ask. @module */
import { definePlugin } from '@labgate/contract'
import { configSchema } from './config.ts'
import { datalabAdapter } from './datalab.ts'
import { datalabRoutes } from './routes.ts'
import { text } from './text.ts'

export default definePlugin({
  kind: 'authz',
  name: 'datalab',
  contract: 1,
  config: configSchema,
  text,
  routes: datalabRoutes,
  unique: ({ identifierPrefix }) => [`identifierPrefix ${identifierPrefix}`],
  create: datalabAdapter,
})
