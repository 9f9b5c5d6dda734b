/** What commands work on: the rooms of the configured Labgate, or a whole one that does not listen. @module */
import { Fault } from '@labgate/contract'
import type { AccountRow } from '../accounts/accounts.ts'
import type { AssemblyOptions, Rooms } from '../assembly.ts'
import { systemClock } from '../clock.ts'
import type { Config } from '../config/schema.ts'
import type { AuditEvent } from '../observe/audit.ts'
import { type AppLog, createLog } from '../observe/log.ts'
import type { ClientListing } from '../oidc/clients.ts'
import type { Labgate } from '../server.ts'
import { type Args, configFile, type Io } from './command.ts'

/** Who a change by command is written down for in the audit trail. */
const actor = 'command'

/**
 * Opens the storage of the configured Labgate for `work`, beside a server that may be running, and closes it.
 * @throws Fault ERR_STORAGE when the database must be migrated first
 */
export async function withRooms<T>(args: Args, io: Io, work: (rooms: Rooms) => Promise<T>): Promise<T> {
  const { readConfig } = await import('../config/load.ts')
  const { config } = await readConfig(configFile(args, io), io)
  return inRooms(config, { io }, work)
}

/** As {@link withRooms}, for a config that was read already. */
export async function inRooms<T>(
  config: Config,
  { io, migrate }: { readonly io: Io; readonly migrate?: 'auto' },
  work: (rooms: Rooms) => Promise<T>,
): Promise<T> {
  const { assemble } = await import('../assembly.ts')
  const rooms = await assemble(config, quiet(io, migrate))
  try {
    return await work(rooms)
  } finally {
    await rooms.get('storage').close()
  }
}

/**
 * Builds the configured Labgate for `work` without listening, with plugins and Provider: what ends there reaches
 * relying parties (back-channel logout).
 */
export async function withLabgate<T>(args: Args, io: Io, work: (labgate: Labgate) => Promise<T>): Promise<T> {
  const { readConfig } = await import('../config/load.ts')
  const { createLabgate } = await import('../server.ts')
  const labgate = await createLabgate(await readConfig(configFile(args, io), io), quiet(io))
  try {
    return await work(labgate)
  } finally {
    await labgate.stop()
  }
}

/** Warnings and errors only, and where they keep out of the output. */
export function quietLog(io: Io): AppLog {
  const write = (line: string) => void io.stderr.write(line)
  return createLog({ clock: systemClock, level: 'warn', style: 'human', write })
}

/** A Labgate that keeps quiet. No command migrates by the way. */
export function quiet(io: Io, migrate: 'auto' | 'check' = 'check'): AssemblyOptions {
  return { replaced: { log: quietLog(io) }, storage: { migrate } }
}

/** Writes a change by command down in the audit trail. */
export function note(rooms: Rooms, event: Omit<AuditEvent, 'actor'>): Promise<void> {
  return rooms.get('audit')({ ...event, actor })
}

/**
 * The account that an id, a username or a verified e-mail address names.
 * @throws Fault ERR_NOT_FOUND; ERR_CONFLICT when several accounts have the address
 */
export async function accountOf(rooms: Rooms, name: string): Promise<AccountRow> {
  const accounts = rooms.get('accounts')
  const found =
    (await accounts.find(name)) ??
    (await accounts.findByUsername(name.toLowerCase())) ??
    (name.includes('@') ? await accountByAddress(rooms, name.toLowerCase()) : undefined)
  if (found === undefined)
    throw new Fault(
      'ERR_NOT_FOUND',
      `there is no account with id, username or verified address ${name}; \`labgate account list\` shows all`,
    )
  return found
}

async function accountByAddress(rooms: Rooms, email: string): Promise<AccountRow | undefined> {
  const { AccountEntity } = await import('../storage/entities.ts')
  const rows = await rooms.get('storage').em().find(AccountEntity, { email, emailVerified: true })
  if (rows.length > 1) {
    const usernames = rows.map(({ username }) => username).toSorted()
    throw new Fault(
      'ERR_CONFLICT',
      `${rows.length} accounts have the address ${email}: ${usernames.join(', ')}; name one`,
    )
  }
  return rows[0] && rooms.get('accounts').find(rows[0].id)
}

/**
 * The client with this id, of the config file or the database.
 * @throws Fault ERR_NOT_FOUND
 */
export async function clientOf(rooms: Rooms, id: string): Promise<ClientListing> {
  const found = await rooms.get('clients').find(id)
  if (found === undefined)
    throw new Fault('ERR_NOT_FOUND', `there is no client ${id}; \`labgate client list\` shows all`)
  return found
}
