/** The config of one Auth0 sign-in. @module */
import { applicationProperties } from '@labgate/auth-oidc/sign-in'
import { type ConfigOf, secret } from '@labgate/contract'

const words = { type: 'string', minLength: 1 } as const

/** The config schema: the three values that Auth0 shows for an application are enough. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['domain', 'clientId', 'clientSecret'],
  properties: {
    domain: {
      ...words,
      description: 'The tenant’s domain, or your own one for it: `example.eu.auth0.com`. A whole address does, too.',
    },
    ...applicationProperties,
    clientSecret: secret({ description: 'Secret of the application, a “Regular Web Application”.' }),
    scopes: {
      type: 'array',
      items: { type: 'string', minLength: 1, description: 'A scope.' },
      default: ['openid', 'profile', 'email'],
      description: 'Scopes asked for. `offline_access` lets roles be looked up again later.',
    },
    organization: {
      ...words,
      description: 'Only members of this organisation: its id (`org_…`) or its name, as tokens carry it; checked.',
    },
    connection: { ...words, description: 'Go straight to this connection: `google-oauth2`, `my-saml`.' },
    audience: { ...words, description: 'An API of the tenant that access tokens shall be for.' },
    emails: {
      type: 'array',
      items: { type: 'string', minLength: 3, description: 'An address.' },
      description: 'Only people with these verified addresses; [] is nobody. Absent: whoever the tenant lets in.',
    },
    authorizedEmails: {
      type: 'string',
      description:
        'The same in the spelling of the GA4GH server (AUTH0_AUTHORIZED_EMAILS): addresses with commas between. Not together with `emails`.',
    },
    roles: {
      type: 'object',
      additionalProperties: false,
      required: ['claim'],
      properties: {
        claim: { ...words, description: 'The claim that an Action adds: `https://example.org/roles`.' },
        as: { ...words, default: 'groups', description: 'Name of the fact.' },
      },
      description: 'Roles or groups, from a namespaced claim.',
    },
    claims: {
      type: 'object',
      additionalProperties: { ...words, description: 'Name of the claim; a dot leads into an object.' },
      default: {
        name: 'name',
        given_name: 'given_name',
        family_name: 'family_name',
        nickname: 'nickname',
        picture: 'picture',
      },
      description: 'Facts to keep: name of the fact, and the claim it is read from.',
    },
    logout: {
      type: 'string',
      enum: ['none', 'tenant', 'federated'],
      default: 'none',
      description:
        'What signing out everywhere also ends: nothing, the session at Auth0, or that one and the one at the provider behind it.',
    },
  },
} as const

export type Auth0Config = ConfigOf<typeof configSchema>
