/** What became of each setting of datalab, to be told at the end. @module */
import type { Name } from './settings.ts'

/** What may become of a setting; in the order in which it is told. */
export const fates = {
  decide: 'To decide',
  taken: 'Taken over',
  notOurs: 'Not ours',
  notSet: 'Not set in datalab',
} as const

export type Fate = keyof typeof fates

/** A setting, or a member of one. */
export type About =
  | Name
  | 'issuer'
  | 'admins'
  | 'plugins'
  | `EMAIL_AUTH_SMTP_SETTINGS.${string}`
  | `DEPLOYMENT_METADATA.${string}`
  | `REMOTE_FILESYSTEMS[${number}]`

/** One line of what is told. */
export interface Note {
  readonly about: About
  readonly fate: Fate
  readonly text: string
}

/** Takes notes. */
export interface Notes {
  readonly all: readonly Note[]
  note(fate: Fate, about: About, text: string): void
}

/** An empty list of notes. */
export function createNotes(): Notes {
  const all: Note[] = []
  return { all, note: (fate, about, text) => void all.push({ about, fate, text }) }
}

/** Settings that have no business in a sign-in, whatever they say. */
export const notOurs: Readonly<Partial<Record<Name, string>>> = {
  PYDATALAB_CONFIG_FILE: 'our file is named by --config or LABGATE_CONFIG',
  PYDATALAB_ALLOW_INSECURE_SECRET_KEY: 'a sealing key of fewer than 32 characters is refused without exception',
  TESTING: 'nothing here lets everybody be an admin',
  SECRET_KEY: 'it signs datalab’s cookies; a sealing key of our own is in the new .env',
  MONGO_URI: 'datalab’s database is not read; ours is one file, `database.file`',
  REFCODE_GENERATOR: 'refcodes are made by datalab',
  MAX_BATCH_CREATE_SIZE: 'samples are made in datalab',
  USE_X_ACCEL_REDIRECT: 'files of items are handed out by datalab',
  FILE_DIRECTORY: 'files of items stay in datalab',
  LOG_FILE: 'datalab goes on writing there; our log goes to standard output, or to `log.file`',
  ASYNC_BLOCK_TYPES: 'blocks are datalab’s',
  BACKUP_STRATEGIES: 'datalab backs up itself; how to back up Labgate is in docs/operate.md',
  OAUTHLIB_INSECURE_TRANSPORT: 'plain http is for loopback and demos only',
  OAUTHLIB_RELAX_TOKEN_SCOPE: 'an answer that names other scopes is no error here',
}
