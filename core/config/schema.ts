/**
 * The schema of the config file and the type of a loaded config. Every default of the core stands here and nowhere else;
 * what a schema says badly (exactly one of two keys, references between sections) is in `conditions.ts` and `check.ts`.
 * @module
 */
import { type ConfigOf, type ConfigSchema, duration, secret } from '@labgate/contract'
import {
  accessSchema,
  datasetsSchema,
  grantsSchema,
  groupsSchema,
  serviceAccountsSchema,
  termsSchema,
} from './schema-access.ts'
import { clientRegistrationSchema, clientsSchema, resourcesSchema } from './schema-clients.ts'
import { databaseSchema, redisSchema } from './schema-database.ts'
import { reloadSchema, signingSchema } from './schema-operation.ts'
import { claimsSchema, pluginsSchema, type Rule, ruleSchema } from './schema-plugins.ts'
import { profileSchema } from './schema-profile.ts'
import { workspacesSchema } from './schema-workspaces.ts'

const listen = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'Where Labgate listens for browsers and services.',
  properties: {
    host: { type: 'string', default: '127.0.0.1', description: 'Address or host name to listen on.' },
    port: {
      type: 'integer',
      minimum: 0,
      maximum: 65535,
      default: 8080,
      description: 'TCP port; 0 takes any free one.',
    },
    socket: {
      type: 'string',
      minLength: 1,
      description: 'Path of a Unix socket to listen on instead of host and port.',
    },
    tls: {
      type: 'object',
      additionalProperties: false,
      required: ['cert', 'key'],
      description: 'Certificate and key in PEM, to speak TLS without a proxy in front.',
      properties: {
        cert: {
          type: 'object',
          additionalProperties: false,
          required: ['file'],
          description: 'The certificate with its chain.',
          properties: { file: { type: 'string', minLength: 1, description: 'Path of the PEM file.' } },
        },
        key: {
          type: 'object',
          additionalProperties: false,
          required: ['file'],
          description: 'The private key.',
          properties: { file: { type: 'string', minLength: 1, description: 'Path of the PEM file.' } },
        },
      },
    },
  },
} as const

const management = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'The listener for health and metrics; keep it away from the internet.',
  properties: {
    enabled: { type: 'boolean', default: true, description: 'Whether it listens at all.' },
    host: { type: 'string', default: '127.0.0.1', description: 'Address or host name to listen on.' },
    port: {
      type: 'integer',
      minimum: 0,
      maximum: 65535,
      default: 9080,
      description: 'TCP port; 0 takes any free one.',
    },
  },
} as const

const mail = {
  type: 'object',
  additionalProperties: false,
  required: ['from'],
  description: 'How mail leaves: exactly one of `outbox` and `smtp`.',
  properties: {
    from: {
      type: 'object',
      additionalProperties: false,
      required: ['address'],
      description: 'Sender of every mail.',
      properties: {
        name: { type: 'string', description: 'Name shown beside the address. Absent: the site name.' },
        address: { type: 'string', format: 'email', description: 'E-mail address.' },
      },
    },
    outbox: { type: 'string', minLength: 1, description: 'Folder that mails are written to instead of being sent.' },
    smtp: {
      type: 'object',
      additionalProperties: false,
      required: ['host'],
      description: 'The mail server that takes our mail.',
      properties: {
        host: { type: 'string', minLength: 1, description: 'Host name.' },
        port: { type: 'integer', minimum: 1, maximum: 65535, default: 587, description: 'TCP port.' },
        security: {
          enum: ['starttls', 'tls', 'none'],
          type: 'string',
          default: 'starttls',
          description:
            '`starttls` (required, never optional), `tls` from the first byte, or `none` (a server on this machine).',
        },
        username: { type: 'string', description: 'User name, when the server asks for one.' },
        password: secret({ description: 'Password, when the server asks for one.' }),
        ca: {
          type: 'string',
          minLength: 1,
          description: 'PEM file with the authority that signed the server’s certificate.',
        },
      },
    },
  },
} as const

/** The schema of the whole file (JSON Schema 2020-12, with the formats of `formats.ts`). */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['issuer'],
  description: 'The config file of Labgate.',
  $defs: { rule: ruleSchema },
  properties: {
    issuer: {
      type: 'string',
      format: 'origin',
      description:
        'The origin people and services reach Labgate under, without a path. It is in every token: choose it once.',
    },
    name: { type: 'string', minLength: 1, default: 'Labgate', description: 'Name of the site, on pages and in mails.' },
    demo: {
      type: 'boolean',
      default: false,
      description:
        'Allows what is fine for a try only: inline secrets, http beyond loopback, sealing keys made under `data`.',
    },
    listen,
    management,
    proxies: {
      type: 'array',
      items: { type: 'string', format: 'cidr', description: 'An address, or a network such as 10.0.0.0/8.' },
      default: [],
      description: 'Addresses of the reverse proxies in front. Forwarded headers from anybody else are ignored.',
    },
    egress: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Where Labgate may connect to. Public addresses are always allowed.',
      properties: {
        allow: {
          type: 'array',
          items: { type: 'string', format: 'network', description: 'An address, a network or a host name.' },
          default: [],
          description: 'Private or loopback networks and host names that plugins may connect to.',
        },
      },
    },
    log: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'The log: one JSON object a line.',
      properties: {
        level: {
          enum: ['debug', 'info', 'warn', 'error'],
          type: 'string',
          default: 'info',
          description: 'The least level that is written.',
        },
        file: { type: 'string', minLength: 1, description: 'File to append to. Absent: standard output.' },
      },
    },
    session: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'How long a browser stays signed in.',
      properties: {
        idle: duration({ default: '12h', description: 'Ends after this long without a request (duration).' }),
        max: duration({ default: '24h', description: 'Ends this long after sign-in at the latest (duration).' }),
        remember: duration({
          default: '7d',
          description: 'Instead of `idle` and `max`, for people who chose to be remembered (duration).',
        }),
      },
    },
    data: { type: 'string', minLength: 1, default: 'data', description: 'Folder for what Labgate keeps.' },
    database: databaseSchema,
    redis: redisSchema,
    keys: {
      type: 'array',
      items: secret({
        description: 'One sealing key: at least 32 characters, such as `openssl rand -base64 32` prints.',
      }),
      default: [],
      description: 'Keys that seal secrets in the database, newest first; older ones still open.',
    },
    mail,
    branding: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'How pages look.',
      properties: {
        logo: { type: 'string', minLength: 1, description: 'Image file (SVG or PNG).' },
        accent: { type: 'string', format: 'colour', description: 'Accent colour, such as #0b5fff.' },
        templates: {
          type: 'string',
          minLength: 1,
          description: 'Folder of own templates, laid over those of Labgate.',
        },
        support: { type: 'string', format: 'support', description: 'Where people find help: an https or mailto URL.' },
      },
    },
    language: {
      type: 'string',
      pattern: '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$',
      default: 'en',
      description:
        'Language of those whose browser asks for none that is there: en, de, or one of branding.templates (texts/LANGUAGE.json).',
    },
    registration: {
      enum: ['open', 'closed'],
      type: 'string',
      default: 'open',
      description: '`open`: who is admitted gets an account. `closed`: known people only.',
    },
    admins: {
      type: 'array',
      items: {
        type: 'string',
        format: 'admin',
        description: '`instance:value` of a verified e-mail address or a subject.',
      },
      default: [],
      description: 'People who become admins by signing in, for example `email:alice@example.org`.',
    },
    reload: reloadSchema,
    signing: signingSchema,
    plugins: pluginsSchema,
    profile: profileSchema,
    claims: claimsSchema,
    resources: resourcesSchema,
    clients: clientsSchema,
    clientRegistration: clientRegistrationSchema,
    access: accessSchema,
    datasets: datasetsSchema,
    groups: groupsSchema,
    terms: termsSchema,
    grants: grantsSchema,
    serviceAccounts: serviceAccountsSchema,
    workspaces: workspacesSchema,
  },
} as const satisfies ConfigSchema

type File = ConfigOf<typeof configSchema>
type Entry = File['plugins'][string]

/** One entry of `plugins`; `config` is as the file has it, until the registry checks it against the plugin's own schema. */
export type PluginEntry = Omit<Entry, 'admission'> & {
  readonly admission: { readonly allow?: Rule; readonly state: Entry['admission']['state'] }
}

/** One entry of `clients`. */
export type ClientEntry = File['clients'][string]

/** One entry of `datasets`, `groups`, `terms`, `grants`, `serviceAccounts`. */
export type DatasetEntry = File['datasets'][string]
export type GroupEntry = File['groups'][string]
export type TermsEntry = File['terms'][string]
export type GrantEntry = File['grants'][number]
export type ServiceAccountEntry = File['serviceAccounts'][string]

/** One entry of `workspaces.profiles`. */
export type ProfileEntry = File['workspaces']['profiles'][string]

/** One entry of `profile.questions`. */
export type QuestionEntry = File['profile']['questions'][number]

/** Scope to claim name to where the claim comes from (`fact:orcid`, `account:groups`). */
export type ClaimSources = Readonly<Record<string, Readonly<Record<string, string>>>>

/** A loaded config: checked, defaults filled in, durations in seconds, secrets resolved, frozen. */
export type Config = Omit<File, 'plugins' | 'claims'> & {
  readonly plugins: Readonly<Record<string, PluginEntry>>
  readonly claims: ClaimSources
}

export type { Rule }
