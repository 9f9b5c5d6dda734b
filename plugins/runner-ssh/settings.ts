/** The config of a place to run that consists of hosts reached by SSH. @module */
import { type ConfigOf, duration } from '@labgate/contract'
import { sshHostProperties } from './connect/config.ts'

const folder = '^(/|[A-Za-z0-9._])[A-Za-z0-9._/-]*$'

const host = {
  type: 'object',
  additionalProperties: false,
  required: ['name', 'host', 'user', 'hostKeys'],
  properties: {
    name: {
      type: 'string',
      pattern: '^[a-z0-9][a-z0-9-]{0,31}$',
      description: 'What rows and pages call it; it stays when the host moves.',
    },
    ...sshHostProperties,
  },
  description: 'A host.',
} as const

/** The config schema: hosts, each with its pinned keys, and what is kept there. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['hosts'],
  properties: {
    hosts: { type: 'array', minItems: 1, maxItems: 64, items: host, description: 'Hosts that workspaces run on.' },
    choose: {
      type: 'string',
      enum: ['least', 'first', 'random'],
      default: 'least',
      description:
        'Which host takes a new workspace: the one with the fewest of ours, the first of the list that answers, or any.',
    },
    folder: {
      type: 'string',
      pattern: folder,
      default: '.labgate',
      description:
        'Folder on the hosts for people’s files; relative to the home of `user`. It is made if it is not there.',
    },
    runFolder: {
      type: 'string',
      pattern: folder,
      description:
        'Folder on the hosts for what runs, with its secrets and logs; best on a disk of the host. Absent: `run` in `folder`.',
    },
    files: {
      type: 'string',
      enum: ['each', 'shared'],
      default: 'each',
      description:
        '`shared`: all hosts see the same `folder`. `each`: a person’s workspaces go to the host where their files are.',
    },
    ports: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Ports of 127.0.0.1 on the hosts that apps get.',
      properties: {
        from: { type: 'integer', minimum: 1024, maximum: 65535, default: 20000, description: 'The lowest.' },
        to: { type: 'integer', minimum: 1024, maximum: 65535, default: 29999, description: 'The highest.' },
      },
    },
    listenTimeout: duration({
      default: '20s',
      description:
        'How long a start looks whether the app gets its port, to try another one if somebody else has it (duration).',
    }),
    nice: {
      type: 'integer',
      minimum: 0,
      maximum: 19,
      default: 5,
      description: 'How far apps stand back behind other work of the host.',
    },
  },
} as const

export type RunnerSshConfig = ConfigOf<typeof configSchema>
/** A host of the config. */
export type HostConfig = RunnerSshConfig['hosts'][number]
