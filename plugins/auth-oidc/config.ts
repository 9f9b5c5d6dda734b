/** The config of one OpenID Connect sign-in. @module */
import { type ConfigOf, duration, secret } from '@labgate/contract'
import { applicationProperties } from './sign-in/index.ts'

const url = (description: string) => ({ type: 'string', format: 'uri', description }) as const

/** The config schema: an issuer and an application registered there are enough. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['issuer'],
  properties: {
    issuer: url('The provider’s issuer, exactly as it calls itself. Its discovery document is looked for below it.'),
    clientId: {
      type: 'string',
      minLength: 1,
      description: 'Id of the application registered there. Needed unless `registration` is enabled.',
    },
    clientSecret: secret({ description: 'Secret of the application. Absent: a public client.' }),
    clientAuth: {
      type: 'string',
      enum: ['basic', 'post', 'none'],
      default: 'basic',
      description:
        'How the application proves itself at the token endpoint: the secret in the Authorization header, in the body, or not at all.',
    },
    scopes: {
      type: 'array',
      items: { type: 'string', minLength: 1, description: 'A scope.' },
      default: ['openid', 'profile', 'email'],
      description:
        'Scopes asked for. `openid` is always among them; `offline_access` lets groups be looked up again later.',
    },
    label: {
      type: 'string',
      minLength: 1,
      maxLength: 60,
      description: 'The provider’s name on the button. Absent: its host name.',
    },
    icon: { type: 'string', maxLength: 20000, description: 'A square SVG document for the button.' },
    authorizationEndpoint: url(
      'Address of the sign-in page. With `tokenEndpoint` and `jwksUri`, no discovery takes place.',
    ),
    tokenEndpoint: url('Address of the token endpoint; wins over discovery.'),
    userinfoEndpoint: url('Address of the userinfo endpoint; wins over discovery.'),
    jwksUri: url('Address of the provider’s signing keys; wins over discovery.'),
    endSessionEndpoint: url('Address of the provider’s sign-out page; wins over discovery.'),
    revocationEndpoint: url('Address of the token revocation endpoint; wins over discovery.'),
    registrationEndpoint: url('Address of the client registration endpoint; wins over discovery.'),
    parameters: {
      type: 'object',
      additionalProperties: { type: 'string', description: 'The parameter’s value.' },
      default: {},
      description:
        'Further parameters of the authorization request, such as `hd` or `audience`. The protocol’s own cannot be changed.',
    },
    claims: {
      type: 'object',
      additionalProperties: {
        type: 'string',
        minLength: 1,
        description: 'Name of the claim at the provider; a dot leads into an object.',
      },
      default: {
        name: 'name',
        given_name: 'given_name',
        family_name: 'family_name',
        preferred_username: 'preferred_username',
        picture: 'picture',
        locale: 'locale',
      },
      description:
        'Facts to keep: name of the fact, and the provider’s claim it is read from. The e-mail address is always read.',
    },
    groups: {
      type: 'object',
      additionalProperties: false,
      required: ['claim'],
      properties: {
        claim: {
          type: 'string',
          minLength: 1,
          description: 'The provider’s claim that lists groups; a dot leads into an object: `realm_access.roles`.',
        },
        as: { type: 'string', minLength: 1, default: 'groups', description: 'Name of the fact.' },
      },
      description: 'Group membership from the provider.',
    },
    emailVerified: {
      type: 'string',
      enum: ['required', 'assumed'],
      default: 'required',
      description:
        '`required`: an address counts as verified only if the provider says `email_verified: true` beside it. `assumed`: you know that this provider verifies every address and leaves the flag out.',
    },
    acrValues: {
      type: 'array',
      items: { type: 'string', minLength: 1, description: 'An authentication context class.' },
      default: [],
      description: 'Authentication contexts asked for (`acr_values`). A wish: use an admission rule to insist.',
    },
    prompt: { type: 'string', minLength: 1, description: 'Sent as `prompt`: `select_account`, `consent`, `login`.' },
    maxAge: duration({ description: 'The person must have signed in at the provider at most this long ago; checked.' }),
    registration: {
      type: 'object',
      additionalProperties: false,
      default: {},
      properties: {
        enabled: {
          type: 'boolean',
          default: false,
          description: 'Register at the provider by itself (RFC 7591) on first use.',
        },
        initialAccessToken: secret({ description: 'Token that the provider wants for a registration.' }),
      },
      description: 'Self-registration, for providers that offer it.',
    },
    logout: {
      type: 'boolean',
      default: false,
      description: 'The page after signing out offers to end the provider’s session, too.',
    },
    tls: {
      type: 'object',
      additionalProperties: false,
      properties: {
        ca: secret({
          description: 'Certificate authority that signs the provider’s certificate, PEM: `{ file: PATH }`.',
        }),
      },
      description: 'How to trust the provider’s certificate.',
    },
    callbackPath: applicationProperties.callbackPath,
  },
  if: {
    type: 'object',
    required: ['registration'],
    properties: {
      registration: {
        type: 'object',
        required: ['enabled'],
        properties: { enabled: { type: 'boolean', const: true } },
      },
    },
  },
  else: { type: 'object', required: ['clientId'] },
} as const

/** The config with its defaults filled in. */
export type OidcConfig = ConfigOf<typeof configSchema>
