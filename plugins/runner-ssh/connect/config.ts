/** The config of a host reached by SSH: pieces of a JSON schema, the same for every plugin that connects. @module */
import { type ConfigOf, duration, secret } from '@labgate/contract'

const hostKeys = {
  type: 'array',
  minItems: 1,
  maxItems: 16,
  items: {
    type: 'string',
    pattern:
      '^(SHA256:[A-Za-z0-9+/]{43}=?|(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+=*( .*)?)$',
    description: 'A fingerprint as `ssh-keygen -l` prints it (`SHA256:…`), or a line of a public key file.',
  },
  description:
    'Host keys that count; any other refuses the connection. Nothing is trusted on first use: take them from the host itself (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`).',
} as const

const place = {
  host: {
    type: 'string',
    pattern: '^[A-Za-z0-9]([A-Za-z0-9.:_-]{0,253}[A-Za-z0-9])?$',
    description: 'Name or address of the host.',
  },
  port: { type: 'integer', minimum: 1, maximum: 65535, default: 22, description: 'Port of its SSH server.' },
  user: {
    type: 'string',
    pattern: '^[A-Za-z0-9_][A-Za-z0-9_.@\\\\-]{0,63}$',
    description: 'The account to sign in as; give it no more rights than the work needs.',
  },
  hostKeys,
} as const

const proof = {
  key: secret({ description: 'The private key (OpenSSH or PEM).' }),
  passphrase: secret({ description: 'Passphrase of the private key.' }),
  agent: {
    type: 'string',
    pattern: '^/',
    description: 'Socket of an SSH agent that holds the key, instead of `key`.',
  },
} as const

/** Properties of a host reached by SSH, for the schema of a plugin. `host`, `user` and `hostKeys` are to be required there. */
export const sshHostProperties = {
  ...place,
  ...proof,
  jump: {
    type: 'array',
    maxItems: 4,
    default: [],
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['host', 'user', 'hostKeys'],
      properties: { ...place, ...proof },
      description:
        'A host on the way, with host keys of its own; without `key` and `agent` those of the last host count.',
    },
    description: 'Hosts to go through, in order, each pinned as the last one is.',
  },
  connectTimeout: duration({
    default: '20s',
    description: 'How long the whole way to the host may take, jumps and sign-in included.',
  }),
  keepalive: duration({
    default: '15s',
    description: 'After so much silence the host is asked whether it is there; three times without an answer end it.',
  }),
} as const

/** The schema of one host reached by SSH, for a property of a plugin's config. */
export const sshHostSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['host', 'user', 'hostKeys'],
  properties: sshHostProperties,
  description: 'A host reached by SSH.',
} as const

/** A host as the config hands it over. */
export type SshHost = ConfigOf<typeof sshHostSchema>
/** A host on the way. */
export type SshJump = SshHost['jump'][number]
