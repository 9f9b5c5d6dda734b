/** The section `database`: a file of this process alone, or a PostgreSQL that several processes share. @module */
import { secret } from '@labgate/contract'

/** A Redis beside the database. */
export const redisSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['url'],
  description:
    'A Redis that counts rate limits for several processes. Absent: the database does, or each process alone.',
  properties: {
    url: {
      type: 'string',
      format: 'redis',
      description: 'Its address, without a password: redis://HOST:PORT, or rediss:// for TLS.',
    },
    password: secret({ description: 'Its password, when it asks for one.' }),
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
      description: 'A PostgreSQL (14 or later) instead of the file, without a password; see docs/postgresql.md.',
    },
    password: secret({ description: 'Password of the user in `url`, when the server asks for one.' }),
    tls: {
      enum: ['verify', 'off'],
      type: 'string',
      description:
        'Whether the connection to PostgreSQL is encrypted and its certificate verified. Absent: off for this machine, else verify.',
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
