/** The config of one ORCID sign-in. @module */
import { applicationProperties } from '@labgate/auth-oidc/sign-in'
import type { ConfigOf } from '@labgate/contract'

const url = (description: string) => ({ type: 'string', format: 'uri', description }) as const

/** The config schema: the two values that ORCID’s developer tools show are enough. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['clientId', 'clientSecret'],
  properties: {
    ...applicationProperties,
    sandbox: {
      type: 'boolean',
      default: false,
      description: 'Use sandbox.orcid.org, where iDs are for trying only.',
    },
    issuer: url('What ID tokens call their issuer, if not https://orcid.org or https://sandbox.orcid.org.'),
    authorizationEndpoint: url('Address of the sign-in page, if not `/oauth/authorize` there.'),
    tokenEndpoint: url('Address of the token endpoint, if not `/oauth/token` there.'),
    userinfoEndpoint: url('Address of the userinfo endpoint, if not `/oauth/userinfo` there.'),
    jwksUri: url('Address of the signing keys, if not `/oauth/jwks` there.'),
    prompt: {
      type: 'string',
      enum: ['login'],
      description: '`login`: people type their password even if they are signed in at ORCID.',
    },
    employment: {
      type: 'boolean',
      default: false,
      description: 'Read current employments from the public record, as the facts `employment` and `affiliation`.',
    },
    publicApi: url(
      'Address of the public API, if not https://pub.orcid.org/v3.0 or https://pub.sandbox.orcid.org/v3.0.',
    ),
  },
} as const

export type OrcidConfig = ConfigOf<typeof configSchema>
