/** What every part of the room works with. @module */
import type { AccountId, Clock, Log, Random } from '@labgate/contract'
import type { Accounts } from '../accounts/accounts.ts'
import type { Config } from '../config/schema.ts'
import type { Storage } from '../storage/storage.ts'
import type { WorkspaceRow } from '../storage/workspace-entities.ts'
import type { Profile } from './model.ts'
import type { Places } from './places.ts'
import type { Records } from './records.ts'

/** The room's own and what it is handed. */
export interface Room {
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly config: Config['workspaces']
  readonly accounts: Pick<Accounts, 'find' | 'mayAct'>
  readonly profiles: ReadonlyMap<string, Profile>
  readonly records: Records
  readonly places: Places
  readonly tokens: WorkspaceTokens
  readonly direct: DirectWays
  /** Where a workspace is served: its origin and the path there, with a slash at both ends. */
  addressOf(id: string): { readonly origin: string; readonly basePath: string }
  /** Tells owners by mail; never throws. */
  tell(letter: Letter): Promise<void>
}

/** The ways past the proxy; only the process that leads has any. */
export interface DirectWays {
  /** Opens the way of one that runs, or is about to be ready; settles when it is written down. Never throws. */
  open(row: WorkspaceRow): Promise<void>
  close(id: string): void
  /** Brings all of them to where the rows are: after a start of this process, and at each look. Never throws. */
  settle(rows: readonly WorkspaceRow[]): Promise<void>
  closeAll(): void
}

/** What owners are told. */
export interface Letter {
  readonly to: AccountId
  readonly about: 'lease' | 'message' | 'idle'
  readonly workspace: { readonly id: string; readonly title: string; readonly leaseEndsAt: Date }
  readonly text?: string
}

/** The token with which an app calls the lab's services in its owner's name. */
export interface WorkspaceTokens {
  /** A new one, short-lived; those before it count until they end. `undefined` where the profile asks for none. */
  give(row: Pick<WorkspaceRow, 'id' | 'account'>, profile: Profile): Promise<string | undefined>
  /** Ends all of a workspace. */
  end(row: Pick<WorkspaceRow, 'id' | 'account'>): Promise<void>
  /** Seconds until the one that was given must be renewed. */
  readonly renewSeconds: number
}

/** Purpose under which secrets of launches are sealed. */
export const secretsPurpose = 'workspace-secrets'

/** The secrets of a row's launch by file name; none while there are none. */
export function secretsOf({ storage }: Pick<Room, 'storage'>, row: WorkspaceRow): Readonly<Record<string, string>> {
  if (!row.secrets) return {}
  return JSON.parse(storage.ring.open(Buffer.from(row.secrets), secretsPurpose).toString()) as Record<string, string>
}

/** What the proxy and the probes add to requests: the app's token, as it wants it. */
export function credentialsOf(
  profile: Profile,
  secrets: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const { credential } = profile
  const value = credential && secrets[credential.file]
  if (!credential?.header || value === undefined) return {}
  return { [credential.header.name]: credential.header.value.replace('{token}', value) }
}

/** Tokens of ours by their form: the one for the lab's services is another one every half hour. */
const ourTokens = /\blg[ps]_[0-9A-Za-z]{38}\b/g

/** Takes an app's own secrets out of what it writes: the token is for the proxy alone. */
export function withoutSecrets(room: Pick<Room, 'storage'>, row: WorkspaceRow): (line: string) => string {
  const values = Object.values(secretsOf(room, row)).filter((value) => value.length >= 8)
  return (line) => values.reduce((text, value) => text.replaceAll(value, '…'), line).replaceAll(ourTokens, '…')
}

/** The path under which the app itself answers. */
export function innerPath({ basePath }: Pick<Profile, 'basePath'>, served: string): string {
  return basePath === 'told' ? served : '/'
}

/** Names a person's storage: never made of a name or an address, never given to anybody else. */
export function storageOf({ numericId }: { readonly numericId: number }): string {
  return `u${numericId}`
}
