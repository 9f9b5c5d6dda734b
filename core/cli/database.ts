/** `labgate database`: what is kept moves from the SQLite file to a PostgreSQL. @module */
import { Fault } from '@labgate/contract'
import type { Config } from '../config/schema.ts'
import type { MovedTable } from '../storage/postgres/move.ts'
import {
  type Args,
  type Command,
  configFile,
  configOption,
  type Io,
  jsonOption,
  print,
  printJson,
  textOption,
} from './command.ts'
import { tableText } from './table.ts'

/** Moves everything. */
export const moveTo: Command = {
  name: 'database move',
  summary: 'Move everything from the SQLite file to a PostgreSQL.',
  usage: [
    'database move --to URL [--password-file FILE] [--ca FILE] [--dry-run] [--json]',
    'Stop the server first: nobody may have the file open. The PostgreSQL must be migrated (`labgate migrate` with a config that',
    'names it) and empty. Every row goes over as it stands, sealed values sealed, in one transaction that is committed when counts',
    'and digests agree; what broke off has done nothing and may be repeated. The file stays as it is.',
    'Without --to it goes where `database` of the config says, which may name file and PostgreSQL.',
  ].join('\n'),
  options: {
    to: { type: 'string', value: 'URL', description: 'Where to: postgresql://USER@HOST/DATABASE, without a password.' },
    'password-file': { type: 'string', value: 'FILE', description: 'File with the password of that user.' },
    ca: { type: 'string', value: 'FILE', description: 'PEM file with the authority that signed its certificate.' },
    'dry-run': { type: 'boolean', description: 'Only say what would be moved, beside a server that may be running.' },
    config: configOption,
    json: jsonOption,
  },
  run,
}

async function run(args: Args, io: Io): Promise<number> {
  const { readConfig } = await import('../config/load.ts')
  const { postgresOf } = await import('../config/database.ts')
  const { sealingSecrets } = await import('../config/demo-key.ts')
  const { systemRandom } = await import('../random.ts')
  const { openFileTables } = await import('../storage/file-tables.ts')
  const { config } = await readConfig(configFile(args, io), { ...io, env: { ...io.env, ...wanted(args) } })
  const to = postgresOf(config)
  if (to === undefined)
    throw new Fault('ERR_INPUT', 'say where to: --to postgresql://USER@HOST/DATABASE, or `database.url` of the config')
  const { move, planMove } = await import('../storage/postgres/move.ts')
  const dry = args.values['dry-run'] === true
  const from = openFileTables(config.database.file, dry ? 'beside' : 'alone')
  try {
    const needs = { from, to, keys: sealingSecrets(config, systemRandom) }
    const tables = await (dry ? planMove(needs) : move(needs))
    if (args.values.json === true) printJson(io, { moved: !dry, tables })
    else print(io, textOf(tables, { dry, config, isNew: textOption(args, 'to') !== undefined }))
    return 0
  } finally {
    from.close()
  }
}

/** What is said on the command line goes in front of the file, as variables of the environment do. */
function wanted(args: Args): Record<string, string> {
  const said = {
    LABGATE_DATABASE__URL: textOption(args, 'to'),
    LABGATE_DATABASE__PASSWORD__FILE: textOption(args, 'password-file'),
    LABGATE_DATABASE__CA: textOption(args, 'ca'),
  }
  return Object.fromEntries(Object.entries(said).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

function textOf(
  tables: readonly MovedTable[],
  { dry, config, isNew }: { readonly dry: boolean; readonly config: Config; readonly isNew: boolean },
): string {
  const { file, url, password, ca } = config.database
  const sum = tables.reduce((all, { rows }) => all + rows, 0)
  const listed = tableText(
    ['TABLE', 'ROWS'],
    tables.filter(({ rows }) => rows > 0).map(({ name, rows }) => [name, rows]),
  )
  const what = `${sum} rows of ${tables.length} tables`
  if (dry) return `${listed}\n\nWould move ${what} from ${file} to ${url}. Nothing was written.`
  const lines = [
    listed,
    '',
    `Moved ${what} from ${file} to ${url}; counts and digests agree.`,
    ...(isNew ? ['Put this in the config, in the place of its `database`, and start the server:', ''] : []),
    ...(isNew ? ['database:', `  url: ${url}`] : []),
    ...(isNew && password ? ['  password: { file: … }'] : []),
    ...(isNew && ca !== undefined ? [`  ca: ${ca}`] : []),
    ...(isNew ? [''] : ['Start the server.']),
    `\`keys\` stay what they are. Nothing reads ${file} any more: keep it as a backup, and then delete it.`,
  ]
  return lines.join('\n')
}
