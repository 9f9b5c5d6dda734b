/** The schema of the section `workspaces`: what can be started, for whom, how much of it and for how long. @module */
import { bytes, duration } from '@labgate/contract'

const text = (description: string) => ({ type: 'string', minLength: 1, description }) as const
const count = (description: string) => ({ type: 'integer', minimum: 0, description }) as const

/** A share of what there is; what is absent is not limited. */
const quota = (description: string) =>
  ({
    type: 'object',
    additionalProperties: false,
    default: {},
    description,
    properties: {
      instances: count('Workspaces at once.'),
      memory: bytes({ description: 'Memory of all of them together (size).' }),
      cpus: { type: 'number', minimum: 0, description: 'CPUs of all of them together.' },
    },
  }) as const

const size = {
  type: 'object',
  additionalProperties: false,
  description: 'One size that people may choose. What is absent is not limited.',
  properties: {
    title: text('As people read it. Absent: its name.'),
    memory: bytes({ description: 'Memory (size).' }),
    cpus: { type: 'number', exclusiveMinimum: 0, maximum: 1024, description: 'CPUs, such as 0.5.' },
    storage: bytes({ description: 'Storage (size), where the runner can limit it.' }),
    pids: { type: 'integer', minimum: 16, description: 'Processes and threads.' },
    gpus: { type: 'integer', minimum: 0, maximum: 64, description: 'GPUs.' },
  },
} as const

const mount = {
  type: 'object',
  additionalProperties: false,
  required: ['target'],
  description: 'Storage that the app finds under a path.',
  properties: {
    name: { type: 'string', format: 'slug', default: 'home', description: 'Name of the storage, per person.' },
    shared: text('Folder on the machine of the runner, the same for everybody; absent: storage of the person.'),
    target: text('Path as the app sees it; `{home}` may begin it.'),
    readOnly: { type: 'boolean', default: false, description: 'Whether the app may only read it.' },
  },
} as const

const credential = {
  type: 'object',
  additionalProperties: false,
  required: ['file'],
  description: 'The secret that the app asks for, made anew at each start. Absent: the preset’s.',
  properties: {
    file: {
      type: 'string',
      pattern: '^(?!labgate-token$)[a-z][a-z0-9-]{0,30}$',
      description: 'The app reads it from {secrets}/NAME, and from nowhere else.',
    },
    header: {
      type: 'string',
      pattern: '^[A-Za-z0-9-]+: .*\\{token\\}',
      description: 'Header that the proxy adds to each request, such as `Authorization: Bearer {token}`. Absent: none.',
    },
  },
} as const

const port = (description: string) => ({ type: 'integer', minimum: 1, maximum: 65535, description }) as const

const direct = {
  type: 'object',
  additionalProperties: false,
  required: ['bind', 'ports'],
  description:
    'Past the proxy: the app answers on a port of this machine, asked for nothing but its own credential, which its owner is shown once. Absent: the proxy is the only way.',
  properties: {
    bind: {
      type: 'string',
      format: 'address',
      description: 'The address of this machine it listens on; 0.0.0.0 and :: need `everyInterface`.',
    },
    everyInterface: { type: 'boolean', default: false, description: 'Every network of this machine may connect.' },
    ports: {
      type: 'object',
      additionalProperties: false,
      required: ['from', 'to'],
      description: 'The range; one port for each workspace.',
      properties: { from: port('The first.'), to: port('The last.') },
    },
    host: {
      type: 'string',
      format: 'hostname',
      description: 'What people put before the port; never the issuer’s host. Absent: `bind`.',
    },
    connections: {
      type: 'integer',
      minimum: 2,
      maximum: 10_000,
      default: 256,
      description: 'Connections to one workspace at once; one address may have half of them.',
    },
  },
} as const

const profile = {
  type: 'object',
  additionalProperties: false,
  required: ['runner'],
  description: 'One app that can be started.',
  properties: {
    preset: {
      type: 'string',
      enum: ['jupyterlab', 'jupyter-notebook', 'rstudio', 'code-server', 'shiny', 'command'],
      default: 'command',
      description: 'What is known of the app already: command, port, paths, readiness, activity. Each can be set here.',
    },
    title: text('As people read it. Absent: the preset’s.'),
    description: text('A line for people.'),
    runner: text('The runner that starts it: an id in `plugins`.'),
    image: text('Image, best by digest; for runners that run images.'),
    images: {
      type: 'array',
      items: text('An image.'),
      default: [],
      description: 'Further images that people may choose.',
    },
    command: {
      type: 'array',
      items: {
        type: 'string',
        description: 'Program or argument; {bind}, {port}, {basePath}, {secrets}, {home} are filled in.',
      },
      description: 'Program and arguments. Absent: the preset’s.',
    },
    port: { type: 'integer', minimum: 1, maximum: 65535, description: 'Where the app listens. Absent: the preset’s.' },
    environment: {
      type: 'object',
      default: {},
      additionalProperties: { type: 'string', description: 'A value; placeholders as in `command`. No secrets.' },
      description: 'Environment of the app.',
    },
    user: {
      type: 'object',
      additionalProperties: false,
      required: ['uid', 'gid'],
      description: 'Who the app runs as, and who owns the storage of the person.',
      properties: { uid: count('User id.'), gid: count('Group id.') },
    },
    credential,
    direct,
    mounts: { type: 'array', items: mount, description: 'Storage of the app. Absent: the preset’s.' },
    basePath: {
      type: 'string',
      enum: ['told', 'stripped'],
      description:
        'Whether the app sees the whole path it is served under (`told`, with {basePath} in its command) or what is below it (`stripped`). Absent: the preset’s.',
    },
    landing: {
      type: 'string',
      pattern: '^(?!/)',
      description: 'Below the base path: where it is opened. Absent: the preset’s.',
    },
    activity: {
      type: 'object',
      additionalProperties: false,
      required: ['path'],
      description: 'How one knows, besides traffic, that it is used. Absent: the preset’s.',
      properties: {
        path: {
          type: 'string',
          pattern: '^(?!/).*/$',
          description: 'Below the base path: `status` and `kernels` under it answer as Jupyter’s API does.',
        },
      },
    },
    readiness: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'When the app counts as ready.',
      properties: {
        path: text('Path below the base path that answers with less than 500. Absent: the preset’s.'),
        timeout: duration({ default: '2m', description: 'How long it may take (duration).' }),
      },
    },
    sizes: {
      type: 'object',
      default: { standard: {} },
      minProperties: 1,
      additionalProperties: size,
      description: 'Sizes by name; the first is the default.',
    },
    allow: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Who may start it; all of these must hold. Empty: everybody who is signed in.',
      properties: {
        groups: {
          type: 'array',
          minItems: 1,
          items: text('A group.'),
          description: 'Members of one of these groups.',
        },
        dataset: text('Who holds `verb` on this dataset.'),
        verb: { type: 'string', minLength: 1, default: 'view', description: 'Level or permission on the dataset.' },
      },
    },
    lease: duration({ description: 'How long it runs at first (duration). Absent: `workspaces.lease.first`.' }),
    tokenScopes: {
      type: 'array',
      items: text('A scope of a dialect.'),
      default: [],
      description: 'Scopes of the token that the app finds in {secrets}/labgate-token, to call the lab’s services.',
    },
  },
} as const

/** What can be started, for whom, how much of it and for how long. */
export const workspacesSchema = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'Notebooks and the like, started for the person who is signed in.',
  properties: {
    origin: {
      type: 'string',
      format: 'workspace-origin',
      description:
        'Where workspaces are served: `https://*.work.example.org` (each on an origin of its own), or one origin for all. Never the issuer’s, unless `demo`.',
    },
    profiles: { type: 'object', default: {}, additionalProperties: profile, description: 'Apps by name.' },
    quotas: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'How much may run at once. What is set in the console goes before.',
      properties: {
        site: quota('All workspaces together.'),
        user: quota('Each person.'),
        groups: {
          type: 'object',
          default: {},
          additionalProperties: quota('The members of one group together.'),
          description: 'Groups by name.',
        },
      },
    },
    lease: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'How long a workspace runs.',
      properties: {
        first: duration({ default: '8h', description: 'At first (duration).' }),
        extension: duration({ default: '8h', description: 'What one extension adds, from then on (duration).' }),
        max: duration({ default: '7d', description: 'In all, however often it is extended (duration).' }),
        warning: duration({ default: '30m', description: 'How long before the end its owner is told (duration).' }),
      },
    },
    idle: duration({
      default: '0s',
      description: 'A workspace that nobody uses this long is stopped (duration); `0s`: never.',
    }),
    poll: duration({ default: '30s', description: 'How often a workspace is looked at (duration).' }),
    lostAfter: duration({
      default: '10m',
      description: 'How long a runner may not answer before a workspace counts as lost (duration).',
    }),
    grace: duration({ default: '20s', description: 'How long an app has to end by itself (duration).' }),
    maxUpload: bytes({ default: '1g', description: 'Largest request to an app (size).' }),
    starting: {
      type: 'integer',
      minimum: 1,
      default: 100,
      description: 'Starts under way at once; more are asked to come back.',
    },
    keep: duration({ default: '30d', description: 'How long the record of an ended workspace is kept (duration).' }),
  },
} as const
