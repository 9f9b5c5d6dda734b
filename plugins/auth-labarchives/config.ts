/** What a deployer can set. Defaults stand here and nowhere else. @module */
import { type AuthContext, type ConfigOf, duration, secret } from '@labgate/contract'

/** The config schema: an access key and its region are enough. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['accessKeyId', 'accessPassword'],
  properties: {
    region: {
      type: 'string',
      enum: ['us', 'ca', 'au', 'uk', 'eu', 'gov'],
      default: 'us',
      description: 'The LabArchives your institution is at. An access key works in one region only.',
    },
    baseUrl: {
      type: 'string',
      format: 'uri',
      pattern: '^https?://[^/?#]+/?$',
      description: 'Origin of an API host that no region names, without `/api`; wins over `region`.',
    },
    accessKeyId: {
      type: 'string',
      minLength: 1,
      description:
        'The access key id (akid) that LabArchives gave your institution. People are known by it: another one makes them new people.',
    },
    accessPassword: secret({
      description: 'The access password of that key. It signs requests and is never sent.',
    }),
    signatureAlgorithm: {
      type: 'string',
      enum: ['sha512', 'sha1'],
      default: 'sha512',
      description: 'Hash of the signature (HMAC). `sha1` only for a host that takes nothing newer.',
    },
    loginExpiry: duration({
      default: '5m',
      description:
        'How far ahead of the present the `expires` of the sign-in address is. `0s` sends the present time, as the vendor’s text asks for.',
    }),
    callExpiry: duration({
      default: '60s',
      description: 'The same for calls from this server. `0s` sends the present time.',
    }),
    clockSource: {
      type: 'string',
      enum: ['local', 'epoch_time'],
      default: 'local',
      description:
        'Whose time is signed. `local`: this machine’s, corrected once LabArchives finds it wrong. `epoch_time`: LabArchives’ own, asked for every hour.',
    },
    minIntervalMs: {
      type: 'integer',
      minimum: 0,
      maximum: 10_000,
      default: 1000,
      description: 'Milliseconds between two calls. LabArchives asks for a second at least.',
    },
    manual: {
      type: 'string',
      enum: ['never', 'offered', 'only'],
      default: 'never',
      description:
        'Signing in with an e-mail address and a one-hour code (“External App authentication”) typed on our page: never, as a choice beside the button, or as the only way.',
    },
    notebooks: {
      type: 'boolean',
      default: true,
      description: 'Keep the list of the person’s notebooks as the fact `labarchives_notebooks`.',
    },
    shareUid: {
      type: 'boolean',
      default: false,
      description:
        'Keep the person’s UID as the fact `labarchives_uid` too. With the access key it reads their notebooks: only for services that hold the key themselves.',
    },
    label: {
      type: 'string',
      minLength: 1,
      maxLength: 60,
      default: 'LabArchives',
      description: 'The name on the button.',
    },
    icon: { type: 'string', maxLength: 20000, description: 'A square SVG document for the button.' },
  },
} as const

export type Config = ConfigOf<typeof configSchema>
export type Context = AuthContext<Config>
