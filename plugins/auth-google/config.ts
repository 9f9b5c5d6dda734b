/** The config of one Google sign-in. @module */
import { applicationProperties } from '@labgate/auth-oidc/sign-in'
import { type ConfigOf, secret } from '@labgate/contract'

/** The config schema: the file that Google’s console downloads is enough. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    credentials: secret({
      description:
        'The JSON document that Google’s console downloads for the client: `{ file: PATH }`. Instead of `clientId` and `clientSecret`.',
    }),
    ...applicationProperties,
    hostedDomains: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', minLength: 3, description: 'A Workspace or Cloud Identity domain: `example.edu`.' },
      description:
        'Only accounts of these organisations, by the `hd` claim that Google signs; subdomains are domains of their own. Absent: any Google account.',
    },
    thirdPartyEmail: {
      type: 'string',
      enum: ['asserted', 'verified'],
      default: 'asserted',
      description:
        'How far to believe an address that Google does not host (no @gmail.com, no hosted domain): it was checked once, maybe years ago.',
    },
    chooseAccount: {
      type: 'boolean',
      default: true,
      description: 'People choose the account each time; `false` leaves it to Google.',
    },
    issuer: {
      type: 'string',
      format: 'uri',
      default: 'https://accounts.google.com',
      description: 'Google’s issuer. Another one is for tests.',
    },
  },
  if: { type: 'object', required: ['credentials'], properties: { credentials: {} } },
  else: { type: 'object', required: ['clientId', 'clientSecret'] },
} as const

export type GoogleConfig = ConfigOf<typeof configSchema>
