/** Containers of Docker or Podman as a place to run workspaces. Its config is checked; the runner follows. @module */
import { definePlugin, Fault } from '@labgate/contract'
import { configSchema } from './config.ts'

export default definePlugin({
  kind: 'runner',
  name: 'docker',
  contract: 1,
  config: configSchema,
  text: { en: {} },
  create: ({ id }) => {
    throw new Fault('ERR_PLUGIN', `${id}: @labgate/runner-docker runs no workspaces yet; take it out of \`plugins\``)
  },
})
