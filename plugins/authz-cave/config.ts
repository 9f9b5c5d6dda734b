/** The config of the dialect of CAVE. @module */
import type { AuthzContext, ConfigOf } from '@labgate/contract'

const origin = {
  type: 'string',
  pattern: '^https?://[a-z0-9.-]+(:[0-9]+)?$',
  description: 'An origin without a path: `https://neuroglancer.example.org`.',
} as const
const prefix = {
  type: 'string',
  pattern: '^(/[a-z0-9_-]+)+$',
  description: 'A path that begins with a slash and has none at its end.',
} as const

/** The config schema: without `viewers` and `services` no browser is ever sent away with a token. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    prefix: {
      ...prefix,
      default: '/auth',
      description: 'Below which services find the API; CAVEclient knows `/auth` only.',
    },
    stickyPrefix: {
      ...prefix,
      default: '/sticky_auth',
      description: 'Below which browsers sign in; CAVEclient knows `/sticky_auth` only.',
    },
    viewers: {
      type: 'array',
      items: origin,
      default: [],
      description:
        'Origins of viewers such as Neuroglancer: they are given a token of the person who signs in from them.',
    },
    services: {
      type: 'array',
      items: origin,
      default: [],
      description:
        'Origins of CAVE services: browsers go back to them with a token in the query, and viewers are told to use their token there.',
    },
    tableNamespaces: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', minLength: 1, description: 'A namespace of service tables.' },
      default: ['datastack', 'aligned_volume'],
      description: 'Where the tables of public roots are looked for, the first that has the table counts.',
    },
    permissions: {
      type: 'array',
      items: { type: 'string', pattern: '^[a-z][a-z0-9_-]{0,62}$', description: 'A permission that grants name.' },
      default: ['admin_view'],
      description: 'Permissions besides the levels that may be granted by number.',
    },
    signInDays: {
      type: 'integer',
      minimum: 1,
      maximum: 90,
      default: 7,
      description: 'How many days the token of a sign-in lives.',
    },
  },
} as const

export type CaveConfig = ConfigOf<typeof configSchema>
export type CaveContext = AuthzContext<CaveConfig>
