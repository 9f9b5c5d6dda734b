/** Containers of Docker or Podman as a place to run workspaces. @module */
import { definePlugin } from '@labgate/contract'
import { configSchema } from './config.ts'
import { createDocker } from './docker.ts'

export default definePlugin({
  kind: 'runner',
  name: 'docker',
  contract: 1,
  config: configSchema,
  text: { en: {} },
  create: createDocker,
})
