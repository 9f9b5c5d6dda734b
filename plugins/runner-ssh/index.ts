/** Hosts reached by SSH as a place to run workspaces. What is here so far is the library `connect`; the runner follows. @module */
import { definePlugin, Fault } from '@labgate/contract'
import { configSchema } from './settings.ts'

export default definePlugin({
  kind: 'runner',
  name: 'ssh',
  contract: 1,
  config: configSchema,
  text: { en: {} },
  create: ({ id }) => {
    throw new Fault('ERR_PLUGIN', `${id}: @labgate/runner-ssh runs no workspaces yet; take it out of \`plugins\``)
  },
})
