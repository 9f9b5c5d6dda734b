/** The schema of the section `clients`: relying parties known from the config file. @module */
import { duration, secret } from '@labgate/contract'

const url = (description: string) => ({ type: 'string', format: 'uri', description }) as const

/** Clients by their client id. */
export const clientsSchema = {
  type: 'object',
  default: {},
  description: 'Relying parties by client id.',
  propertyNames: { type: 'string', format: 'client-id' },
  additionalProperties: {
    type: 'object',
    additionalProperties: false,
    description: 'One relying party.',
    properties: {
      name: { type: 'string', minLength: 1, description: 'Name people see. Absent: the client id.' },
      redirectUris: {
        type: 'array',
        items: url('An absolute URI, compared character by character.'),
        default: [],
        description: 'Where codes may be sent: https, or http on loopback.',
      },
      postLogoutRedirectUris: {
        type: 'array',
        items: url('An absolute URI, compared character by character.'),
        default: [],
        description: 'Where the browser may go after signing out.',
      },
      origins: {
        type: 'array',
        items: { type: 'string', format: 'origin', description: 'An origin such as https://app.example.org.' },
        default: [],
        description: 'Origins whose scripts may call the token and userinfo endpoints (CORS).',
      },
      grantTypes: {
        type: 'array',
        items: {
          type: 'string',
          format: 'grant-type',
          description: 'authorization_code, refresh_token, client_credentials, or the URI of an extension grant.',
        },
        default: ['authorization_code', 'refresh_token'],
        description: 'Grant types the client may use.',
      },
      authMethod: {
        enum: ['client_secret_basic', 'client_secret_post'],
        type: 'string',
        default: 'client_secret_basic',
        description: 'How it authenticates at the token endpoint; a public client does not.',
      },
      secret: secret({ description: 'The client secret; a public client has none.' }),
      public: {
        type: 'boolean',
        default: false,
        description: '`true`: runs in a browser or on a person’s machine and can keep no secret.',
      },
      firstParty: {
        type: 'boolean',
        default: false,
        description: '`true`: ours, so people are not asked for consent.',
      },
      pkce: { type: 'boolean', default: true, description: '`false`: PKCE (RFC 7636) is not asked of this client.' },
      scopes: {
        type: 'array',
        items: { type: 'string', minLength: 1, description: 'A scope.' },
        description: 'Scopes it may ask for. Absent: every scope.',
      },
      backchannelLogoutUri: url('Called from here when a session ends (OpenID Connect Back-Channel Logout).'),
      idTokenAlg: {
        enum: ['RS256', 'ES256'],
        type: 'string',
        default: 'RS256',
        description: 'Algorithm that signs its ID tokens.',
      },
      homepage: url('Its home page, linked on consent and account pages.'),
      initiateLoginUri: url('Starts a sign-in at the relying party (OpenID Connect Core §4).'),
    },
  },
} as const

/** Resource servers by their resource indicator (RFC 8707). */
export const resourcesSchema = {
  type: 'object',
  default: {},
  description: 'Services that take access tokens of their own, by resource indicator (RFC 8707).',
  propertyNames: { type: 'string', format: 'uri' },
  additionalProperties: {
    type: 'object',
    additionalProperties: false,
    required: ['scopes'],
    description: 'One resource server; its indicator is the audience of its tokens.',
    properties: {
      scopes: {
        type: 'array',
        items: { type: 'string', minLength: 1, description: 'A scope.' },
        description: 'Scopes that have a meaning there; with `openid` among them its tokens open userinfo too.',
      },
      format: {
        enum: ['opaque', 'jwt'],
        type: 'string',
        default: 'opaque',
        description: '`opaque`: asked about by introspection, revoked at once. `jwt`: verified offline (RFC 9068).',
      },
      life: duration({ default: '10m', description: 'Life of a token (duration); a JWT lives 10 minutes at most.' }),
      alg: {
        enum: ['RS256', 'ES256'],
        type: 'string',
        default: 'RS256',
        description: 'Algorithm that signs its JWTs.',
      },
    },
  },
} as const
