/** Hosts reached by SSH as a place to run workspaces: processes in sessions of their own, reached by forwarded channels (RFC 4254 §7.2). @module */
import { definePlugin } from '@labgate/contract'
import { configSchema } from './settings.ts'
import { createSsh } from './ssh.ts'

export default definePlugin({
  kind: 'runner',
  name: 'ssh',
  contract: 1,
  config: configSchema,
  text: { en: {} },
  create: createSsh,
})
