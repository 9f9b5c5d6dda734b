/** The config of an engine of containers. @module */
import { bytes, type ConfigOf, duration, secret } from '@labgate/contract'

const path = (description: string) => ({ type: 'string', pattern: '^/', description }) as const

/** Capabilities that images of notebooks ask for to hand over their home; none of them reaches out of the container. */
const harmless = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'NET_BIND_SERVICE'] as const

/** The config schema: where the engine is, what it may run, and what containers get. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  dependentRequired: { host: ['tls'] },
  properties: {
    socket: {
      ...path('Socket of the engine. Whoever may write to it is root on its machine.'),
      default: '/var/run/docker.sock',
    },
    host: {
      type: 'string',
      minLength: 1,
      description: 'Host of an engine that is reached over TLS, in place of `socket`.',
    },
    port: { type: 'integer', minimum: 1, maximum: 65535, default: 2376, description: 'Its TCP port.' },
    tls: {
      type: 'object',
      additionalProperties: false,
      required: ['ca', 'cert', 'key'],
      description: 'Certificates; `host` needs them.',
      properties: {
        ca: secret({ description: 'Authority that signed the engine’s certificate, in PEM.' }),
        cert: secret({ description: 'Our certificate, in PEM.' }),
        key: secret({ description: 'Its private key, in PEM.' }),
      },
    },
    timeout: duration({ default: '30s', description: 'How long an answer of the engine may take (duration).' }),
    pull: {
      type: 'string',
      enum: ['missing', 'always', 'never'],
      default: 'missing',
      description: 'When images are fetched from their registry.',
    },
    bind: {
      type: 'string',
      default: '127.0.0.1',
      description: 'Address of the engine’s machine where ports of apps are published; the engine chooses the ports.',
    },
    reach: {
      type: 'string',
      minLength: 1,
      description: 'Host under which Labgate reaches published ports. Absent: `bind`.',
    },
    network: {
      type: 'string',
      minLength: 1,
      description:
        'Network of the engine that containers join. With it nothing is published: Labgate must be able to reach addresses in it.',
    },
    isolate: {
      type: 'boolean',
      default: true,
      description:
        'Whether apps are kept from reaching each other: they join a network of ours that carries nothing between them. Podman has no such networks: there it changes nothing. Where `network` is set, that one is what it is.',
    },
    storage: {
      type: 'string',
      enum: ['volume', 'folder'],
      default: 'volume',
      description: 'Where people’s files are kept: volumes of the engine, or folders below `storageRoot`.',
    },
    storageRoot: path('Folder on the engine’s machine for `storage: folder`; Labgate must see it under the same path.'),
    mountRoots: {
      type: 'array',
      items: path('A folder.'),
      default: [],
      description: 'Folders on the engine’s machine below which `shared` mounts may lie. Empty: none may.',
    },
    capabilities: {
      type: 'array',
      items: { type: 'string', enum: harmless, description: 'A capability.' },
      default: [],
      description: 'Capabilities that containers keep; all others are dropped.',
    },
    gpus: { type: 'boolean', default: false, description: 'Whether the engine can hand out GPUs (NVIDIA).' },
    limitStorage: {
      type: 'boolean',
      default: false,
      description:
        'Whether the engine’s storage driver can limit the size of a container (overlay2 on XFS with quotas).',
    },
    pids: {
      type: 'integer',
      minimum: 16,
      default: 1024,
      description: 'Processes of a container whose size names no limit.',
    },
    logBytes: bytes({ default: '10m', description: 'How much of an app’s output is kept (size).' }),
    runtime: { type: 'string', minLength: 1, description: 'Runtime of the engine. Absent: its default.' },
  },
} as const

export type RunnerDockerConfig = ConfigOf<typeof configSchema>
