/** The schema of the section `clients`: relying parties known from the config file. @module */
import { duration, secret } from '@labgate/contract'

const url = (description: string) => ({ type: 'string', format: 'uri', description }) as const
const jwkPart = (description: string) => ({ type: 'string', minLength: 1, description }) as const
const resourceList = (description: string) =>
  ({ type: 'array', items: url('A resource indicator.'), default: [], description }) as const

/** Public keys only: no member of a private key is taken. */
const jwks = {
  type: 'object',
  additionalProperties: false,
  required: ['keys'],
  description: 'Its public keys (RFC 7517); `jwksUri` instead, where they change.',
  properties: {
    keys: {
      type: 'array',
      minItems: 1,
      description: 'Every key.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['kty'],
        description: 'One public key.',
        properties: {
          kty: { type: 'string', enum: ['EC', 'RSA', 'OKP'], description: 'Kind of key.' },
          kid: jwkPart('Its name.'),
          alg: jwkPart('The one algorithm it is for.'),
          use: { type: 'string', enum: ['sig'], description: 'It signs.' },
          crv: jwkPart('Curve.'),
          x: jwkPart('Part of an EC or OKP key.'),
          y: jwkPart('Part of an EC key.'),
          n: jwkPart('Part of an RSA key.'),
          e: jwkPart('Part of an RSA key.'),
        },
      },
    },
  },
} as const

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
        enum: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
        type: 'string',
        default: 'client_secret_basic',
        description:
          'How it authenticates at the token endpoint; a public client does not. `private_key_jwt`: by a signature (RFC 7523).',
      },
      jwks,
      jwksUri: url('Where its public keys stand.'),
      profile: {
        enum: ['fapi2'],
        type: 'string',
        description:
          '`fapi2`: the FAPI 2.0 Security Profile. Pushed requests, `private_key_jwt`, DPoP and ES256 are then asked of it, whatever else stands here.',
      },
      par: {
        type: 'boolean',
        default: false,
        description: '`true`: only requests pushed beforehand (RFC 9126) are taken.',
      },
      signedRequests: {
        type: 'boolean',
        default: false,
        description: '`true`: only signed requests (RFC 9101) are taken.',
      },
      dpop: {
        type: 'boolean',
        default: false,
        description: '`true`: its access tokens are always bound to its key (RFC 9449). `false`: when it proves one.',
      },
      subjectType: {
        enum: ['public', 'pairwise'],
        type: 'string',
        default: 'public',
        description:
          '`pairwise`: it knows people by ids that no client of another host knows (OpenID Connect Core §8.1). Do not change it later: everybody would be somebody new there.',
      },
      sectorIdentifierUri: url('List of the redirect URIs of clients that share pairwise ids; https.'),
      tokenExchange: {
        type: 'object',
        additionalProperties: false,
        required: ['to'],
        description:
          'Lets it turn a token that it was given into one for another service (RFC 8693). First party only.',
        properties: {
          as: resourceList('Resources that it serves: tokens made for them are taken, beside its own and API tokens.'),
          to: {
            type: 'array',
            minItems: 1,
            items: url('A resource indicator.'),
            description: 'Resources that it may get tokens for.',
          },
        },
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
      resource: url(
        'Resource server (RFC 8707) that its access tokens are for when it names none; one of `resources`.',
      ),
      homepage: url('Its home page, linked on consent and account pages.'),
      initiateLoginUri: url('Starts a sign-in at the relying party (OpenID Connect Core §4).'),
    },
  },
} as const

/** Relying parties that register themselves. */
export const clientRegistrationSchema = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'Relying parties that register themselves (RFC 7591), with a token of `labgate client invite` only.',
  properties: {
    enabled: { type: 'boolean', default: false, description: '`true`: there is an endpoint for it.' },
    maxClients: {
      type: 'integer',
      minimum: 1,
      maximum: 10000,
      default: 100,
      description: 'How many registered clients there may be.',
    },
    unusedLife: duration({
      default: '90d',
      description: 'A registered client that got no token for so long is removed (duration).',
    }),
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
