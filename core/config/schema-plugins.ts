/** The schema of the sections `plugins` and `claims`, and the shape of an admission rule. @module */
import { duration, type Json } from '@labgate/contract'

/** Who may come in by an instance; exactly one kind of condition in each rule. */
export type Rule =
  | { readonly all: readonly Rule[] }
  | { readonly any: readonly Rule[] }
  | { readonly not: Rule }
  | { readonly domains: readonly string[] }
  | { readonly organisations: readonly string[] }
  | ({ readonly claim: string } & (
      | { readonly equals: Json }
      | { readonly oneOf: readonly Json[] }
      | { readonly contains: Json }
    ))

/** A rule as the file has it; that exactly one condition is there is checked in `conditions.ts`. */
export const ruleSchema = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  description: 'A condition on the person who signs in.',
  properties: {
    all: { type: 'array', items: { $ref: '#/$defs/rule' }, description: 'Every one of these rules holds.' },
    any: { type: 'array', items: { $ref: '#/$defs/rule' }, description: 'At least one of these rules holds.' },
    not: { $ref: '#/$defs/rule', description: 'This rule does not hold.' },
    domains: {
      type: 'array',
      items: { type: 'string', format: 'domain', description: 'A domain.' },
      description:
        'The verified e-mail address is of one of these domains: `example.org` is that domain only, `*.example.org` its subdomains.',
    },
    organisations: {
      type: 'array',
      items: { type: 'string', minLength: 1, description: 'An organisation’s name at the upstream.' },
      description: 'The person is a member of one of these organisations.',
    },
    claim: { type: 'string', minLength: 1, description: 'Name of a fact, to be compared by one of the next three.' },
    equals: { description: 'The fact has this value.' },
    oneOf: { type: 'array', description: 'The fact has one of these values.', items: { description: 'A value.' } },
    contains: { description: 'The fact is a list with this value in it.' },
  },
} as const

const admission = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'Who may come in by this instance, and how their new account begins.',
  properties: {
    allow: { $ref: '#/$defs/rule', description: 'Rule that must hold. Absent: everyone the upstream vouches for.' },
    state: {
      enum: ['active', 'pending', 'refused'],
      type: 'string',
      default: 'active',
      description: 'State of a new account: `pending` waits for an admin; `refused` lets in known people only.',
    },
  },
} as const

const groups = {
  type: 'object',
  default: {},
  description:
    'Groups of the upstream that are groups of ours: the upstream’s name to our short name. All others are `INSTANCE:NAME` here.',
  propertyNames: { type: 'string', minLength: 1, maxLength: 200 },
  additionalProperties: { type: 'string', format: 'slug', description: 'Short name of the group here.' },
} as const

const jobs = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description:
    'Tokens for programs without a browser: `POST /sign-in/INSTANCE/token` trades what the person fetched upstream for a short API token.',
  properties: {
    enabled: {
      type: 'boolean',
      default: false,
      description: '`true`: the address answers. For ways to sign in that can do it, such as auth-labarchives.',
    },
    life: duration({ default: '15m', description: 'How long such a token lives, 1m to 24h (duration).' }),
    scopes: {
      type: 'array',
      default: [],
      uniqueItems: true,
      items: { type: 'string', minLength: 1, description: 'A scope of a dialect; never `admin`.' },
      description: 'Scopes of such a token. Empty: it opens what asks for no scope.',
    },
  },
} as const

/** Instances by id: `^[a-z][a-z0-9-]{0,30}$`, in URLs and database rows. */
export const pluginsSchema = {
  type: 'object',
  default: {},
  description: 'Instances of plugins by id. The id is in URLs and rows: keep it.',
  propertyNames: { type: 'string', format: 'instance-id' },
  additionalProperties: {
    type: 'object',
    additionalProperties: false,
    required: ['use'],
    description: 'One instance.',
    properties: {
      use: {
        type: 'string',
        minLength: 1,
        description: 'Package name, or a path relative to this file beginning with `./` or `/`.',
      },
      enabled: { type: 'boolean', default: true, description: '`false`: the instance is not loaded.' },
      optional: {
        type: 'boolean',
        default: false,
        description: '`true`: when it fails, Labgate starts without it and says so.',
      },
      realm: {
        type: 'string',
        format: 'instance-id',
        description:
          'Where its identities are filed. Absent: the id. Set it when renaming an instance, to keep its people.',
      },
      host: { type: 'string', format: 'host', description: 'Host (and port) of its own for the routes of a dialect.' },
      prefix: {
        type: 'string',
        format: 'prefix',
        description: 'Path before the routes of a dialect, such as /ngauth.',
      },
      home: { type: 'boolean', default: false, description: '`true`: this dialect answers `/` on its host.' },
      config: {
        type: 'object',
        additionalProperties: true,
        default: {},
        description: 'The plugin’s own settings, checked against its schema.',
      },
      admission,
      groups,
      jobs,
    },
  },
} as const

const source = {
  type: 'string',
  format: 'claim-source',
  description:
    '`fact:NAME` of a sign-in, `answer:ID` of a question in `profile`, or `account:` with id, username, displayName, email, emailVerified, groups, role.',
} as const

const scope = <const D extends Readonly<Record<string, string>>>(description: string, from: D) =>
  ({ type: 'object', additionalProperties: source, description, default: from }) as const

/** Claims by scope; a scope that is written replaces the default of that scope, the others stay. */
export const claimsSchema = {
  type: 'object',
  default: {},
  description: 'Which claims a scope opens, and where each comes from. A scope written here replaces its default.',
  properties: {
    profile: scope('Claims of the scope `profile`.', {
      name: 'account:displayName',
      preferred_username: 'account:username',
      given_name: 'fact:given_name',
      family_name: 'fact:family_name',
      picture: 'fact:picture',
    }),
    email: scope('Claims of the scope `email`; given only when verified.', {
      email: 'account:email',
      email_verified: 'account:emailVerified',
    }),
    groups: scope('Claims of the scope `groups`.', { groups: 'account:groups' }),
    roles: scope('Claims of the scope `roles`.', { role: 'account:role' }),
    orcid: scope('Claims of the scope `orcid`.', { orcid: 'fact:orcid' }),
    github: scope('Claims of the scope `github`.', { github_login: 'fact:login' }),
  },
  additionalProperties: {
    type: 'object',
    additionalProperties: source,
    description: 'Claims of a scope of your own: claim name to where it comes from.',
  },
} as const
