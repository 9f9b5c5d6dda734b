/** Sign-in with a badge: the lab's badge office sends people back with a ticket, which is redeemed once. @module */
import { definePlugin } from '@labgate/contract'
import { configSchema } from './config.ts'
import { createMethod } from './method.ts'
import { text } from './text.ts'

export default definePlugin({
  kind: 'auth',
  name: 'badge',
  contract: 1,
  config: configSchema,
  text,
  create: createMethod,
})
