/** Bringing a database up to this version's schema, or refusing one that is not. Its keys are looked at, too. @module */
import { resolve } from 'node:path'
import { Fault } from '@labgate/contract'
import type { MikroORM } from '@mikro-orm/sqlite'
import { migrationNames } from './migrations/names.ts'
import { checkPurpose, type KeyRing } from './sealing.ts'

/** Which migrations ran, by MikroORM's own table of them. */
export const executedMigrations = 'SELECT name FROM migration ORDER BY id'

/** Of the migrations that ran in a place, those that are missing. @throws Fault ERR_STORAGE when a later version has been here */
export function pendingAfter(executed: readonly string[], place: string): string[] {
  const known = new Set<string>(migrationNames)
  const unknown = executed.filter((name) => !known.has(name))
  if (unknown.length > 0)
    throw new Fault(
      'ERR_STORAGE',
      `database: ${place} was migrated by a later Labgate (${unknown.join(', ')}); run that`,
    )
  return migrationNames.filter((name) => !executed.includes(name))
}

/** Runs what has not run; says what it was. */
export async function migrate(orm: MikroORM): Promise<string[]> {
  return (await orm.migrator.up()).map(({ name }) => name)
}

/** What a database that must be migrated first is refused with. */
export function notMigrated(pending: readonly string[], place: string): Fault {
  return new Fault(
    'ERR_STORAGE',
    `database: ${place} must be migrated (${pending.join(', ')}); run "labgate migrate"`,
    {
      detail: { pending },
    },
  )
}

/** What a command is refused with that finds no database: it may be in another folder than the server. */
export function noDatabase(file: string): Fault {
  return new Fault(
    'ERR_STORAGE',
    `database: there is no ${resolve(file)}; the first "labgate serve" makes it, or run "labgate migrate"; where it was made already, go to the folder that the server runs in, or write "data" as an absolute path`,
    { detail: { pending: migrationNames } },
  )
}

/** What stands in the database to tell the keys by. */
export function newCheckBox(ring: KeyRing): string {
  return ring.seal('labgate', checkPurpose).toString('base64')
}

/**
 * Without this a server with the wrong keys would start, and fail later, at one row after another.
 * @throws Fault ERR_KEYS
 */
export function checkKeys(ring: KeyRing, box: string | undefined, place: string): void {
  try {
    ring.open(Buffer.from(box ?? '', 'base64'), checkPurpose)
  } catch (cause) {
    throw new Fault(
      'ERR_KEYS',
      `keys: none of the configured keys opens ${place}, which was sealed with another; put the former key back under "keys" (a new key goes before it, not in its place)`,
      { cause },
    )
  }
}
