/** The config of a place to run that consists of hosts reached by SSH. @module */
import type { ConfigOf } from '@labgate/contract'
import { sshHostProperties } from './connect/config.ts'

/** The config schema: hosts, each with its pinned keys. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['hosts'],
  properties: {
    hosts: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'host', 'user', 'hostKeys'],
        properties: {
          name: {
            type: 'string',
            pattern: '^[a-z0-9][a-z0-9-]{0,31}$',
            description: 'What rows and pages call it; it stays when the host moves.',
          },
          ...sshHostProperties,
        },
        description: 'A host.',
      },
      description: 'Hosts that workspaces run on.',
    },
  },
} as const

export type RunnerSshConfig = ConfigOf<typeof configSchema>
