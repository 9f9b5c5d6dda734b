/** The schema of the sections that fill the ledger: datasets, groups, terms of use, grants, service accounts. @module */
import { duration } from '@labgate/contract'

/** How the ledger is kept. */
export const accessSchema = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'How the ledger of datasets and grants is kept.',
  properties: {
    steeringCommittee: {
      type: 'string',
      format: 'slug',
      default: 'sc',
      description: 'Group whose members name the admins of datasets.',
    },
    adminFreshness: duration({
      default: '30m',
      description: 'Changes in the console ask for a sign-in that is newer than this (duration).',
    }),
    ownServiceAccounts: {
      type: 'boolean',
      default: false,
      description: '`true`: people make service accounts for themselves; else site admins do.',
    },
    tokenLife: duration({ default: '90d', description: 'How long a new API token lives, unless chosen (duration).' }),
    tokenMaxLife: duration({ default: '366d', description: 'The longest life of a person’s API token (duration).' }),
  },
} as const

const text = (description: string) => ({ type: 'string', minLength: 1, description }) as const
const version = text('A version of the dataset. Absent: the whole dataset.')

const place = {
  type: 'object',
  additionalProperties: false,
  required: ['bucket'],
  description: 'A bucket, or a part of one.',
  properties: {
    bucket: { type: 'string', format: 'bucket', description: 'The bucket with its scheme, such as gs://lab-bucket.' },
    prefix: { type: 'string', default: '', description: 'Path within it, without a leading slash. Empty: all of it.' },
  },
} as const

const places = (description: string) => ({ type: 'array', items: place, default: [], description }) as const

const tableName = {
  namespace: text('The service’s own name space, such as datastack or pychunkedgraph.'),
  name: text('The name within it.'),
}

const versions = {
  type: 'object',
  default: {},
  description: 'Its versions by name, such as v1.2.',
  additionalProperties: {
    type: 'object',
    additionalProperties: false,
    description: 'One version.',
    properties: {
      title: { type: 'string', default: '', description: 'Title for people.' },
      places: places('Where the data of this version lie.'),
    },
  },
} as const

const publicRoots = {
  type: 'array',
  default: [],
  description: 'Objects of its tables that anyone may see.',
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['namespace', 'name', 'roots'],
    description: 'Objects of one table.',
    properties: {
      ...tableName,
      roots: {
        type: 'array',
        items: { type: 'string', format: 'root-id', description: 'An id in quotes: "720575940621039145".' },
        description: 'Ids: unsigned 64-bit integers in quotes.',
      },
    },
  },
} as const

/** Datasets by slug. */
export const datasetsSchema = {
  type: 'object',
  default: {},
  description: 'Datasets by slug. Those written here are changed here only; others are made in the console.',
  propertyNames: { type: 'string', format: 'slug' },
  additionalProperties: {
    type: 'object',
    additionalProperties: false,
    description: 'One dataset.',
    properties: {
      title: text('Title for people. Absent: the slug.'),
      description: { type: 'string', default: '', description: 'What it is.' },
      visibility: {
        enum: ['listed', 'hidden'],
        type: 'string',
        default: 'listed',
        description: '`listed`: people find it and ask for access; `hidden`: only who has access knows of it.',
      },
      frozen: text('Closes it for everybody, with this reason.'),
      aliases: {
        type: 'array',
        items: { type: 'string', format: 'alias', description: 'Another name.' },
        default: [],
        description: 'Other names that services know it by.',
      },
      versions,
      places: places('Where its data lie, of whatever version.'),
      tables: {
        type: 'array',
        default: [],
        description: 'Names by which services know it.',
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['namespace', 'name'],
          description: 'A table of a service.',
          properties: tableName,
        },
      },
      publicRoots,
    },
  },
} as const

const people = (description: string) =>
  ({
    type: 'array',
    items: {
      type: 'string',
      format: 'admin',
      description: '`instance:value` of a verified e-mail address or a subject, or `account:USERNAME`.',
    },
    default: [],
    description,
  }) as const

/** Groups by slug. */
export const groupsSchema = {
  type: 'object',
  default: {},
  description: 'Groups by slug. Those written here are changed here only; others are made in the console.',
  propertyNames: { type: 'string', format: 'slug' },
  additionalProperties: {
    type: 'object',
    additionalProperties: false,
    description: 'One group.',
    properties: {
      title: text('Title for people. Absent: the slug.'),
      description: { type: 'string', default: '', description: 'What it is for.' },
      members: people('Who is in it, from their first sign-in on.'),
      managers: people('Who looks after its members.'),
    },
  },
} as const

/** Terms of use by id. */
export const termsSchema = {
  type: 'object',
  default: {},
  description: 'Terms of use by id. A changed text is published as a new one.',
  propertyNames: { type: 'string', format: 'slug' },
  additionalProperties: {
    type: 'object',
    additionalProperties: false,
    required: ['title', 'text'],
    description: 'One document.',
    properties: {
      title: text('Title for people.'),
      text: {
        type: 'object',
        additionalProperties: false,
        description: 'The text in Markdown: exactly one of `file` and `markdown`.',
        properties: { file: text('Path of the file.'), markdown: text('The text itself.') },
      },
      dataset: text('Dataset whose every grant asks for them. Absent: they are the site’s.'),
      version: text('Only this version of the dataset.'),
      services: {
        type: 'array',
        items: text('Id of a client or of a dialect’s instance.'),
        default: [],
        description: 'Only within these services; without a dataset, asked for at sign-in to them.',
      },
      again: {
        enum: ['accept', 'keep'],
        type: 'string',
        default: 'accept',
        description:
          'When the text changes: `accept`: everybody is asked again; `keep`: who has accepted has accepted.',
      },
    },
  },
} as const

const fact = {
  type: 'object',
  additionalProperties: false,
  required: ['claim'],
  description: 'A fact that must be known; at most one of equals, oneOf, contains.',
  properties: {
    claim: text('Name of the fact, such as orcid.'),
    equals: { description: 'It has this value.' },
    oneOf: { type: 'array', description: 'It has one of these values.', items: { description: 'A value.' } },
    contains: { description: 'It is a list with this value in it.' },
    via: {
      type: 'string',
      format: 'instance-id',
      description: 'Only as this sign-in says; `profile`: as people say of themselves.',
    },
    trust: {
      enum: ['verified', 'asserted', 'self'],
      type: 'string',
      default: 'verified',
      description: 'At least so trusted.',
    },
    withinDays: { type: 'integer', minimum: 1, description: 'Seen within so many days.' },
  },
} as const

/** Lines of the ledger. */
export const grantsSchema = {
  type: 'array',
  default: [],
  description: 'Who may do what. A line that is taken out here ends.',
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['to', 'dataset'],
    description: 'One line; exactly one of `level` and `permission`.',
    properties: {
      to: {
        type: 'string',
        format: 'grant-subject',
        description:
          '`group:SLUG`, `signed-in`, `anyone`, `account:USERNAME`, or `name:INSTANCE:VALUE` of a verified e-mail address or a subject.',
      },
      dataset: text('Slug of the dataset.'),
      version,
      level: {
        enum: ['view', 'edit', 'manage', 'admin'],
        type: 'string',
        description: 'Level of access; each contains those before it.',
      },
      permission: { type: 'string', format: 'permission', description: 'A permission beside the levels.' },
      terms: {
        type: 'object',
        additionalProperties: false,
        required: ['id'],
        description: 'Terms that must be accepted for this line, besides those of the dataset.',
        properties: {
          id: text('Id of the terms.'),
          number: { type: 'integer', minimum: 1, default: 1, description: 'The least number of their text.' },
        },
      },
      from: { type: 'string', format: 'instant', description: 'Counts from this date (UTC) or instant on.' },
      until: {
        type: 'string',
        format: 'instant',
        description: 'Counts to the end of this date (UTC) or to this instant.',
      },
      facts: { type: 'array', items: fact, default: [], description: 'Facts that must be known of the holder.' },
      withinGroup: { type: 'string', format: 'slug', description: 'Counts only while the holder is in this group.' },
      why: { type: 'string', default: '', description: 'The reason, for whoever asks later.' },
    },
  },
} as const

/** Service accounts by username. */
export const serviceAccountsSchema = {
  type: 'object',
  default: {},
  description: 'Accounts of programs by username. One that is taken out here is deactivated.',
  propertyNames: { type: 'string', format: 'service-username' },
  additionalProperties: {
    type: 'object',
    additionalProperties: false,
    description: 'One service account.',
    properties: {
      displayName: text('Name for people. Absent: the username.'),
      description: { type: 'string', default: '', description: 'What it does.' },
      parent: { type: 'string', format: 'username', description: 'Whom it belongs to: it acts only while they may.' },
    },
  },
} as const
