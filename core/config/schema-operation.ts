/** The sections about running Labgate: reloads, and the life of signing keys. @module */
import { duration } from '@labgate/contract'

/** `reload`. */
export const reloadSchema = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'How a changed config file takes the place of the one that serves.',
  properties: {
    watch: {
      type: 'boolean',
      default: false,
      description: 'Reload by itself when the config file has changed; else on SIGHUP and `labgate reload` only.',
    },
    drain: duration({
      default: '30s',
      description: 'How long requests that began before a reload may take to finish on the former config (duration).',
    }),
    guard: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'When the former config comes back by itself, because sign-ins fail after a reload.',
      properties: {
        window: duration({
          default: '5m',
          description: 'How long sign-ins are watched after a reload (duration); `0s` watches none.',
        }),
        failures: {
          type: 'number',
          exclusiveMinimum: 0,
          maximum: 1,
          default: 0.5,
          description:
            'Share of sign-ins that must fail, through no fault of the person, and by half more than before.',
        },
        least: {
          type: 'integer',
          minimum: 1,
          default: 5,
          description: 'How many sign-ins must have been seen at least.',
        },
      },
    },
  },
} as const

/** `signing`. */
export const signingSchema = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'The life of the keys that sign tokens. They are made, changed and removed without a restart.',
  properties: {
    rotateAfter: duration({
      default: '90d',
      description:
        'Age at which the key in use gives way to the next one (duration); `0s`: only by `labgate keys rotate`.',
    }),
    publishBefore: duration({
      default: '1d',
      description:
        'How long the next key is published before it signs, so that every copy of the key set has it (duration).',
    }),
    keep: duration({
      default: '30d',
      description:
        'How long a former key stays published (duration): longer than anything it signed lives, and than relying parties keep ID tokens to sign out with.',
    }),
  },
} as const
