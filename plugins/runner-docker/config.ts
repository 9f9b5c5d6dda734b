/** The config of an engine of containers. @module */
import type { ConfigOf } from '@labgate/contract'

/** The config schema: where the engine listens. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    socket: {
      type: 'string',
      pattern: '^/',
      default: '/var/run/docker.sock',
      description: 'Socket of the engine. Whoever may write to it is root on its machine.',
    },
  },
} as const

export type RunnerDockerConfig = ConfigOf<typeof configSchema>
