/** `labgate migrate`: brings the database to this version's schema. @module */
import { isFault } from '@labgate/contract'
import type { Config } from '../config/schema.ts'
import { type Args, type Command, configFile, configOption, type Io, jsonOption, print, printJson } from './command.ts'

/** Runs or shows the migrations that have not run. */
export const command: Command = {
  name: 'migrate',
  summary: 'Bring the database up to this version.',
  usage: [
    'migrate [--check] [--json]',
    '`labgate serve` does this by itself on an SQLite file, never on PostgreSQL. Back up first: a migrated database cannot go back.',
  ].join('\n'),
  options: {
    check: { type: 'boolean', description: 'Change nothing; exit with 1 when there is something to do.' },
    config: configOption,
    json: jsonOption,
  },
  run,
}

async function run(args: Args, io: Io): Promise<number> {
  const { readConfig } = await import('../config/load.ts')
  const { inRooms } = await import('./site.ts')
  const { config } = await readConfig(configFile(args, io), io)
  const names = await pendingIn(config, io)
  const checksOnly = args.values.check === true
  if (!checksOnly && names.length > 0) await inRooms(config, { io, migrate: 'auto' }, async () => undefined)
  if (args.values.json === true) printJson(io, { [checksOnly ? 'pending' : 'ran']: names })
  else print(io, line(names, checksOnly))
  return checksOnly && names.length > 0 ? 1 : 0
}

/** The storage refuses to open when something is pending, and says what. */
async function pendingIn(config: Config, io: Io): Promise<readonly string[]> {
  const { inRooms } = await import('./site.ts')
  try {
    return await inRooms(config, { io }, async () => [])
  } catch (error) {
    if (!isFault(error) || !Array.isArray(error.detail.pending)) throw error
    return error.detail.pending.map(String)
  }
}

function line(names: readonly string[], checksOnly: boolean): string {
  if (names.length === 0) return 'The database is up to date.'
  return checksOnly ? `To run: ${names.join(', ')}` : `Ran ${names.join(', ')}.`
}
