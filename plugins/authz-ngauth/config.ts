/** The config of ngauth: which Neuroglancers may ask, and as whom Google is asked. @module */
import { type ConfigOf, secret } from '@labgate/contract'

const address = { type: 'string', pattern: '^https?://[^\\s?#]+$' } as const

/** The config schema: origins and one source of credentials are enough. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['origins', 'credentials'],
  properties: {
    origins: {
      type: 'array',
      items: {
        type: 'string',
        pattern: '^https?://[a-z0-9.-]+(:[0-9]+)?$',
        description: 'An origin, as browsers send it: no path, no slash at the end.',
      },
      description:
        'Neuroglancers that may ask. Each of them reads, without a question, what a signed-in visitor may read: list only pages you trust.',
    },
    originPattern: {
      type: 'string',
      pattern: '^\\^https?(\\?)?://.+\\$$',
      description:
        'Further origins as one regular expression from `^` to `$`, a dot written `\\.`: `^https://[a-z0-9-]+\\.lab\\.example$`.',
    },
    bucketPolicy: {
      type: 'string',
      enum: ['ignore', 'check'],
      default: 'ignore',
      description:
        'With `check`, people must be named by the bucket’s own IAM policy too, besides their grant here. The service account then needs `storage.buckets.getIamPolicy`.',
    },
    tokenGeneration: {
      type: 'integer',
      minimum: 1,
      maximum: 999999999,
      default: 1,
      description:
        'Raise it to end every token that Neuroglancers hold, at the next start. Without that their keys change daily, and a token counts for its hour.',
    },
    credentials: {
      type: 'object',
      additionalProperties: false,
      properties: {
        serviceAccountKey: secret({ description: 'The JSON key file of a service account of Google.' }),
        metadata: {
          type: 'boolean',
          default: false,
          description: 'The service account of the machine that Labgate runs on, asked of Google’s metadata server.',
        },
        impersonate: {
          type: 'string',
          pattern: '^[^@\\s/]+@[^@\\s/]+$',
          description:
            'Address of a service account to act as; the one above needs the role “Service Account Token Creator” on it.',
        },
      },
      description:
        'As whom Google is asked: `serviceAccountKey` or `metadata`, and `impersonate` if wanted. This account must be able to read the buckets.',
    },
    google: {
      type: 'object',
      additionalProperties: false,
      default: {},
      properties: {
        metadata: {
          ...address,
          default: 'http://metadata.google.internal',
          description: 'Address of the metadata server; list it in `egress.allow`.',
        },
        iamCredentials: {
          ...address,
          default: 'https://iamcredentials.googleapis.com',
          description: 'IAM credentials.',
        },
        sts: { ...address, default: 'https://sts.googleapis.com', description: 'Security Token Service.' },
        storage: { ...address, default: 'https://storage.googleapis.com', description: 'Cloud Storage.' },
      },
      description: 'Addresses of Google, for private endpoints and for tests.',
    },
  },
} as const

export type NgauthConfig = ConfigOf<typeof configSchema>
