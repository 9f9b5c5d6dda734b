/** The part of the config that says which file systems there are, who sees them and how much of them is kept. @module */
import { bytes, type ConfigOf, duration, Fault } from '@labgate/contract'
import { checkHost, sshHostSchema } from '@labgate/runner-ssh/connect'

const visibleTo = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: {
    everyone: { type: 'boolean', default: false, description: 'Everybody who may sign in here.' },
    users: {
      type: 'array',
      default: [],
      items: { type: 'string', description: 'A username.' },
      description: 'These people.',
    },
    groups: {
      type: 'array',
      default: [],
      items: { type: 'string', description: 'The slug of a group; of one that an upstream brought `INSTANCE:NAME`.' },
      description: 'Members of these groups.',
    },
    dataset: {
      type: 'object',
      additionalProperties: false,
      required: ['name'],
      properties: {
        name: { type: 'string', minLength: 1, description: 'Slug or alias of a dataset.' },
        version: { type: 'string', minLength: 1, description: 'One version of it.' },
        verb: { type: 'string', minLength: 1, default: 'view', description: 'A level or a named permission.' },
      },
      description: 'Those who hold this on a dataset, its terms of use accepted.',
    },
  },
  description: 'Who sees it: whoever one of these lines lets in. Without this nobody does.',
} as const

const fileSystem = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'path'],
  properties: {
    name: {
      type: 'string',
      pattern: '^[A-Za-z0-9]([A-Za-z0-9 ._-]{0,62}[A-Za-z0-9])?$',
      description: 'What people call it.',
    },
    path: {
      type: 'string',
      pattern: '^/[^\\u0000]*$',
      description: 'The folder that is its root, here or on the host. Nothing outside of it is shown.',
    },
    ssh: { ...sshHostSchema, description: 'The host that has it. Absent: it is mounted here.' },
    visibleTo,
  },
  description: 'A file system.',
} as const

const count = (standard: number, description: string) =>
  ({ type: 'integer', minimum: 1, default: standard, description }) as const

/** The schema of the property `remotes`. */
export const remotesSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['cacheFolder', 'fileSystems'],
  description: 'Remote file systems: folders that are mounted here or reached by SSH, shown to people for reading.',
  properties: {
    cacheFolder: {
      type: 'string',
      pattern: '^/',
      description:
        'Folder for listings and copies of files, for this alone; made when it is missing, readable by Labgate only.',
    },
    fileSystems: { type: 'array', items: fileSystem, description: 'The file systems.' },
    maxAge: duration({
      default: '60m',
      description: 'A listing that is older is made anew when it is asked for (`REMOTE_CACHE_MAX_AGE`).',
    }),
    minAge: duration({
      default: '1m',
      description:
        'A younger one is not made anew even on demand, and a host that failed is left alone for so long (`REMOTE_CACHE_MIN_AGE`).',
    }),
    background: {
      type: 'boolean',
      default: true,
      description: 'Make listings anew in the background, when they are half as old as `maxAge`.',
    },
    fileMaxAge: duration({ default: '1h', description: 'A copy of a file that is older is fetched anew.' }),
    answerTime: duration({ default: '20s', description: 'How long one answer of a file system may take.' }),
    listingTime: duration({
      default: '60s',
      description:
        'How long a whole listing may take; what was not reached by then is left out, and the listing says so.',
    }),
    limits: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'How much is shown and kept; what is beyond is left out, and the answer says so.',
      properties: {
        entries: count(20_000, 'Files and folders in a whole listing.'),
        treeBytes: bytes({ default: '8m', description: 'Size of a whole listing.' }),
        folderEntries: count(100_000, 'Entries of one folder that are looked at for a page.'),
        fileBytes: bytes({
          default: '64m',
          description: 'Largest file that is handed out; it is held in memory meanwhile.',
        }),
        cacheBytes: bytes({ default: '2g', description: 'All copies of files together; the oldest go first.' }),
      },
    },
  },
} as const

export type RemotesConfig = ConfigOf<typeof remotesSchema>
export type RemoteConfig = RemotesConfig['fileSystems'][number]

/**
 * What a schema cannot say. Opens nothing.
 * @throws Fault ERR_CONFIG
 */
export function checkRemotes(config: RemotesConfig, instance: string): void {
  const wrong = (what: string): Fault => new Fault('ERR_CONFIG', `plugins.${instance}: remotes.${what}`)
  if (config.minAge > config.maxAge) throw wrong('minAge is longer than maxAge; a listing could never be made anew')
  const names = config.fileSystems.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw wrong(`fileSystems names “${twice}” twice; each needs a name of its own`)
  for (const { ssh } of config.fileSystems) if (ssh) checkHost(ssh)
}
