/** What a deployer can set. @module */
import { type AuthContext, type ConfigOf, secret } from '@labgate/contract'

const url = (description: string) => ({ type: 'string', format: 'uri', description }) as const

const organization = {
  anyOf: [
    { type: 'integer', minimum: 1 },
    { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9_-]*$', maxLength: 100 },
  ],
  description: 'An organisation: its id (better), or its name, whose id is looked up once and then kept.',
} as const

const team = {
  anyOf: [
    { type: 'integer', minimum: 1 },
    { type: 'string', pattern: '^([1-9][0-9]*|[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9_.-]+)$', maxLength: 200 },
  ],
  description: 'A team: its id, or `organisation/team` with the organisation’s id or name.',
} as const

/** The config schema: the two values of an OAuth app are enough. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['clientId', 'clientSecret'],
  properties: {
    clientId: { type: 'string', minLength: 1, description: 'Client ID of the OAuth app registered at GitHub.' },
    clientSecret: secret({ description: 'Client secret of the OAuth app.' }),
    allow: {
      type: 'object',
      additionalProperties: false,
      required: ['mode'],
      properties: {
        mode: {
          type: 'string',
          enum: ['anyone', 'nobody', 'organizations'],
          description:
            '`anyone` with an account, `nobody`, or members of one of the `organizations` or `teams`. State and approval of new accounts are set in `admission`.',
        },
        organizations: {
          type: 'array',
          minItems: 1,
          maxItems: 50,
          items: organization,
          description: 'Members of one of these come in. Ids stay; names can be given up and taken by others.',
        },
        teams: {
          type: 'array',
          minItems: 1,
          maxItems: 50,
          items: team,
          description: 'Members of one of these teams come in, too.',
        },
      },
      description: 'Who may sign in. Absent: anyone with an account.',
    },
    githubOrgAllowList: {
      anyOf: [{ type: 'null' }, { type: 'array', maxItems: 50, items: organization }],
      description:
        'The same in datalab’s spelling: null is anyone, [] is nobody, a list is the members of these organisations. Not together with `allow`.',
    },
    teamGroups: {
      type: 'object',
      additionalProperties: false,
      properties: {
        organizations: {
          type: 'array',
          minItems: 1,
          maxItems: 50,
          items: organization,
          description: 'Whose teams. Absent: those of `allow.organizations`.',
        },
        names: {
          type: 'string',
          enum: ['organization/team', 'team'],
          default: 'organization/team',
          description: 'How the groups are called.',
        },
      },
      description: 'Teams become groups here.',
    },
    organizationFacts: {
      type: 'string',
      enum: ['listed', 'all'],
      default: 'listed',
      description:
        'Which memberships are kept as facts: only those in organisations that stand in this config, or all that the person lets us see.',
    },
    label: { type: 'string', minLength: 1, maxLength: 60, default: 'GitHub', description: 'Name on the button.' },
    url: {
      ...url('Address of GitHub’s pages: `https://HOST` of an Enterprise Server, `https://NAME.ghe.com`.'),
      default: 'https://github.com',
    },
    apiUrl: url(
      'Address of the REST API. Absent: `https://api.github.com`, `https://api.NAME.ghe.com` or `https://HOST/api/v3`, whatever fits `url`.',
    ),
    issuer: url(
      'What GitHub calls itself in the answer to the browser (`iss`, RFC 9207); also part of each identity. Absent: `url` and `/login/oauth`.',
    ),
    callbackPath: {
      type: 'string',
      pattern: '^/[A-Za-z0-9/._~-]*$',
      description:
        'A path of ours that is registered at GitHub already, from an older server; used instead of our own.',
    },
  },
} as const

export type Config = ConfigOf<typeof configSchema>
export type Context = AuthContext<Config>
