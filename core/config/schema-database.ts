/** The section `database`: a file of this process alone, or a PostgreSQL that several processes share. @module */
import { secret } from '@labgate/contract'

/** A Redis beside the database. */
export const redisSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['url'],
  description:
    'A Redis that several processes share, beside PostgreSQL, for what is counted and, if asked for, for what lives minutes. Absent: the database does it, or each process alone.',
  properties: {
    url: {
      type: 'string',
      format: 'redis',
      description:
        'Its address, without a password: redis://HOST:PORT, or rediss:// for TLS; /NUMBER at the end names a database of it. Two sites must not share one.',
    },
    username: { type: 'string', minLength: 1, description: 'Its user, where it has more than the default one.' },
    password: secret({ description: 'Its password, when it asks for one.' }),
    ca: {
      type: 'string',
      minLength: 1,
      description:
        'PEM file with the authority that signed its certificate, for rediss://. Absent: those of the system.',
    },
    keep: {
      type: 'array',
      uniqueItems: true,
      minItems: 1,
      items: { enum: ['rate-limits', 'short-lived'], type: 'string' },
      default: ['rate-limits'],
      description:
        'What it is for. `short-lived`, to take writes off a PostgreSQL that has too many: sign-ins in progress, codes of authorizations and devices, pushed requests; with PostgreSQL only, and while Redis is away the database has them. Nothing that it loses costs more than to sign in again.',
    },
  },
} as const

/** Where everything is kept. */
export const databaseSchema = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'The database: a file of this process alone, or a PostgreSQL that several processes share.',
  properties: {
    file: {
      type: 'string',
      minLength: 1,
      default: '{data}/labgate.db',
      description:
        'File of the SQLite database; a leading `{data}` stands for the folder `data`. Not looked at when there is a `url`.',
    },
    url: {
      type: 'string',
      format: 'postgresql',
      description:
        'A PostgreSQL (14 or later) instead of the file, without a password; `?sslmode=verify-full&sslrootcert=FILE` as elsewhere. See docs/postgresql.md.',
    },
    password: secret({ description: 'Password of the user in `url`, when the server asks for one.' }),
    tls: {
      enum: ['verify', 'off'],
      type: 'string',
      description:
        'Whether the connection to PostgreSQL is encrypted and its certificate verified. Absent: what `sslmode` of the `url` says, else off for this machine and verify for any other.',
    },
    ca: {
      type: 'string',
      minLength: 1,
      description:
        'PEM file with the authority that signed the certificate of PostgreSQL. Absent: those of the system.',
    },
    connections: {
      type: 'integer',
      minimum: 8,
      maximum: 1000,
      default: 20,
      description: 'Most connections to PostgreSQL that this process holds; all processes together must find room.',
    },
  },
} as const
