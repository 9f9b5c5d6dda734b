/** The config of a gateway: which paths are for whom, and what the service is told. @module */
import { type AuthzContext, type ConfigOf, duration, secret } from '@labgate/contract'

const headerName = {
  type: 'string',
  pattern: '^([A-Za-z][A-Za-z0-9]*(-[A-Za-z0-9]+)*)?$',
  maxLength: 60,
} as const

const identityHeader = <const Name extends string>(name: Name, what: string) =>
  ({ ...headerName, default: name, description: `${what} Empty: it is not told.` }) as const

const headers = {
  type: 'object',
  additionalProperties: false,
  default: {},
  properties: {
    user: identityHeader('X-Labgate-User', 'The id of the account: never changes and is never given again.'),
    username: identityHeader('X-Labgate-Username', 'The unique name of the account.'),
    email: identityHeader('X-Labgate-Email', 'The e-mail address, if it was verified.'),
    name: identityHeader('X-Labgate-Name', 'The name that people see.'),
    groups: identityHeader('X-Labgate-Groups', 'Short names of the groups, with commas between.'),
    kind: identityHeader('X-Labgate-Kind', '`person` or `service`.'),
  },
  description: 'Names of the headers that tell the service who asks.',
} as const

const rule = {
  type: 'object',
  additionalProperties: false,
  required: ['path'],
  properties: {
    path: {
      type: 'string',
      pattern: '^/$|^(/(\\*|:[a-z][A-Za-z0-9]*|[A-Za-z0-9._~-]+))*(/\\*\\*)?$',
      minLength: 1,
      maxLength: 500,
      description:
        'Which paths: `/files/*` one more step, `/files/**` everything there and below, `/data/:dataset/**` with a step that has a name. A slash at the end counts for nothing.',
    },
    methods: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', pattern: '^[A-Z]{1,20}$', description: 'A method, in capitals.' },
      description: 'Which methods; absent: all of them.',
    },
    allow: {
      type: 'string',
      enum: ['signed-in', 'public', 'nobody'],
      default: 'signed-in',
      description: 'Who: everybody who is signed in, everybody, or nobody.',
    },
    groups: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', minLength: 1, maxLength: 200, description: 'Short name of a group.' },
      description: 'Only members of one of these groups.',
    },
    dataset: {
      type: 'string',
      pattern: '^(:[a-z][A-Za-z0-9]*|[a-z0-9][a-z0-9._-]*)$',
      description:
        'Only who holds a permission on this dataset: its short name, or `:dataset` for the step of that name in `path`. With `allow: public`, what is granted to anyone counts too.',
    },
    version: {
      type: 'string',
      pattern: '^(:[a-z][A-Za-z0-9]*|[A-Za-z0-9][A-Za-z0-9._-]*)$',
      description: 'The version of the dataset, written as `dataset` is. Absent: the dataset as a whole.',
    },
    verb: {
      type: 'string',
      pattern: '^[a-z][a-z0-9._-]*$',
      default: 'view',
      description: 'A level (`view`, `edit`, `manage`, `admin`) or the name of a permission.',
    },
  },
  description: 'What is written must all be so.',
} as const

const key = {
  type: 'object',
  additionalProperties: false,
  required: ['header'],
  properties: {
    header: { ...headerName, minLength: 1, description: 'The header that carries it: `DATALAB-API-KEY`.' },
    help: {
      type: 'string',
      maxLength: 500,
      default: '',
      description: 'Where people find their key; shown beside the field.',
    },
    keep: duration({
      default: '365d',
      description: 'How long a key is kept after its person entered it.',
    }),
  },
  description:
    'Each person’s own key of the service: entered once, kept sealed, and sent along with each request that is allowed.',
} as const

/** The config schema: `rules` is enough; what no rule speaks of is for nobody. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['rules'],
  properties: {
    title: {
      type: 'string',
      minLength: 1,
      maxLength: 100,
      description: 'What people call the service. Default: its host.',
    },
    rules: {
      type: 'array',
      minItems: 1,
      maxItems: 200,
      items: rule,
      description: 'The first rule that speaks of path and method decides; without one the answer is no.',
    },
    headers,
    key,
    origins: {
      type: 'array',
      items: {
        type: 'string',
        pattern: '^https?://[a-z0-9.-]+(:[0-9]+)?$',
        description: 'An origin, as browsers send it: no path, no slash at the end.',
      },
      default: [],
      description:
        'Other origins whose pages may change things here in the name of a signed-in visitor, such as a web application beside its API.',
    },
    proxySecret: secret({
      description:
        'Shared with the reverse proxy, which sends it as `X-Labgate-Proxy`: nobody else is answered. Needed with `key`.',
    }),
    scope: {
      type: 'string',
      pattern: '^[a-z][a-z0-9._-]{0,39}$',
      default: 'gateway',
      description: 'The scope that an API token needs here. Give each service its own, and no token opens two.',
    },
    tokenHeader: {
      ...headerName,
      minLength: 1,
      default: 'Authorization',
      description:
        'Where programs send an API token: as `Bearer` in `Authorization`, or alone in a header of another name, which leaves `Authorization` to the service.',
    },
  },
} as const

export type GatewayConfig = ConfigOf<typeof configSchema>
export type GatewayContext = AuthzContext<GatewayConfig>
export type Rule = GatewayConfig['rules'][number]
