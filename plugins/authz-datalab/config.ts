/** The config of the dialect of datalab. @module */
import type { AuthzContext, ConfigOf } from '@labgate/contract'
import { remotesSchema } from './remotes/config.ts'

const web = { type: 'string', pattern: '^https?://[^\\s"<>]+$' } as const

const deployment = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'What `/info` tells of the deployment (datalab’s `DEPLOYMENT_METADATA`).',
  properties: {
    maintainer: {
      type: 'object',
      additionalProperties: false,
      required: ['contactEmail'],
      description: 'Whom to write to; everybody sees it.',
      properties: {
        displayName: { type: 'string', minLength: 1, maxLength: 150, description: 'The name.' },
        contactEmail: { type: 'string', minLength: 3, maxLength: 254, description: 'The address.' },
      },
    },
    issueTracker: { ...web, description: 'Where faults are reported.' },
    homepage: { ...web, description: 'Where people read about the lab.' },
    sourceRepository: { ...web, description: 'Where the code is.' },
  },
} as const

const block = {
  type: 'object',
  additionalProperties: false,
  required: ['id'],
  description: 'A block type of the datalab behind.',
  properties: {
    id: { type: 'string', minLength: 1, description: 'Its type.' },
    name: { type: 'string', default: '', description: 'For people.' },
    description: { type: 'string', default: '', description: 'For people.' },
    version: { type: 'string', default: '0.1.0', description: 'Its version.' },
    acceptedFileExtensions: {
      type: 'array',
      default: [],
      items: { type: 'string', description: 'With its dot.' },
      description: 'Files it takes.',
    },
  },
} as const

const itemType = {
  type: 'object',
  additionalProperties: false,
  required: ['id'],
  description: 'An item type of the datalab behind.',
  properties: {
    id: { type: 'string', minLength: 1, description: 'Its name.' },
    schema: { type: 'object', default: {}, additionalProperties: true, description: 'Its JSON Schema.' },
  },
} as const

const instanceOf = (name: string) =>
  ({ type: 'string', minLength: 1, description: `Instance that is datalab’s \`${name}\`.` }) as const

/** The config schema. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['identifierPrefix', 'appUrl'],
  properties: {
    identifierPrefix: {
      type: 'string',
      pattern: '^[a-z]{2,10}$',
      description:
        'What refcodes of this datalab begin with, 2 to 10 small letters. No two instances share one. It is remembered: a changed one stops the start.',
    },
    allowPrefixChange: {
      type: 'boolean',
      default: false,
      description: 'Let a changed `identifierPrefix` take the place of the remembered one. Refcodes do not follow it.',
    },
    appUrl: {
      ...web,
      description: 'The web application: every sign-in ends here, and its scripts may call with a person’s session.',
    },
    deployment,
    serverVersion: {
      type: 'string',
      pattern: '^[0-9]+\\.[0-9]+\\.[0-9]+$',
      default: '0.7.5',
      description: 'The version of datalab that clients are told.',
    },
    maxUploadBytes: {
      type: 'integer',
      minimum: 1,
      default: 10_000_000_000,
      description: 'The upload limit that clients are told, in bytes (`MAX_CONTENT_LENGTH`).',
    },
    blocks: { type: 'array', default: [], items: block, description: 'What `/info/blocks` lists.' },
    types: { type: 'array', default: [], items: itemType, description: 'What `/info/types` lists.' },
    providers: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description:
        'Sign-ins behind datalab’s names. Absent: the first instance of the plugin of that name; Microsoft has none.',
      properties: {
        github: instanceOf('github'),
        orcid: instanceOf('orcid'),
        google: instanceOf('google'),
        microsoft: instanceOf('microsoft'),
        email: instanceOf('email'),
      },
    },
    remotes: remotesSchema,
    magicLinks: {
      type: 'boolean',
      default: true,
      description: 'Whether `POST /login/magic-link` sends mails (datalab’s `DISABLE_MAGIC_LINK_AUTH` turned round).',
    },
  },
} as const

export type DatalabConfig = ConfigOf<typeof configSchema>
export type DatalabContext = AuthzContext<DatalabConfig>
