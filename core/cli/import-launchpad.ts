/** `labgate import launchpad`: people and labs of datascience-launchpad, and the folders people have there. @module */
import { resolve } from 'node:path'
import { Fault } from '@labgate/contract'
import type { FolderOwner, FolderPlan, FolderRoots } from '../import/folders.ts'
import { type Args, type Command, type Io, textOption } from './command.ts'
import { type Imported, importOptions, importWith } from './import.ts'
import { one, yes } from './ledger.ts'
import { plain } from './table.ts'

/** Imports the tables and folders of datascience-launchpad. */
export const command: Command = {
  name: 'import launchpad',
  summary: 'Take over people, labs and folders of datascience-launchpad.',
  usage: [
    'import launchpad FILE --sign-in INSTANCE [--folders ROOT --to ROOT] [--apply | --script] [--as NAME] [--all] [--json]',
    'FILE: its SQLite database (a copy of db.sqlite3 made by sqlite3 .backup).',
    'Folders are renamed, never copied and never overwritten; what two people had together stays, and is named.',
    'Run it as often as you like. docs/migrate-launchpad.md says what becomes of what.',
  ].join('\n'),
  options: {
    ...importOptions,
    folders: one('ROOT', 'Folder of the launchpad with a folder for each person (USER_DATA_MOUNT_PATH).'),
    to: one('ROOT', 'Folder where the runner keeps people’s files (`storageRoot` of runner-docker).'),
    storage: one('NAME', 'Name of the storage in the profiles’ `mounts` (default: home).'),
    script: yes('Print the moves as lines for a shell, and nothing else; people must have been imported before.'),
  },
  words: ['FILE'],
  run(args, io) {
    const roots = rootsOf(args, io)
    if (args.values.script !== true)
      return importWith('launchpad', { args, io, ...(roots ? { after: (done) => folders(done, roots) } : {}) })
    if (roots === undefined || args.values.apply === true)
      throw new Fault('ERR_INPUT', '--script goes with --folders and --to, and without --apply')
    // Only the script may stand on standard output.
    const silent: Io = { ...io, stdout: { write: () => true } }
    return importWith('launchpad', {
      ...{ args, io: silent },
      async after(done) {
        const { scriptOf } = await import('../import/folders.ts')
        const plan = await planOf(done, roots)
        assertKnown(plan)
        io.stdout.write(scriptOf(plan))
        return { lines: [], result: {} }
      },
    })
  },
}

function rootsOf(args: Args, io: Io): FolderRoots | undefined {
  const [from, to] = [textOption(args, 'folders'), textOption(args, 'to')]
  if (from === undefined && to === undefined) return undefined
  if (from === undefined || to === undefined) throw new Fault('ERR_INPUT', '--folders and --to go together')
  const mount = textOption(args, 'storage') ?? 'home'
  if (!/^[a-z0-9][a-z0-9-]*$/.test(mount))
    throw new Fault('ERR_INPUT', '--storage is the name of a mount: small letters, digits and dashes')
  return { from: resolve(io.cwd, from), to: resolve(io.cwd, to), mount }
}

async function planOf(done: Imported, roots: FolderRoots): Promise<FolderPlan> {
  const { planFolders } = await import('../import/folders.ts')
  return planFolders(roots, await ownersOf(done))
}

async function ownersOf({ needs, found, path, shown }: Imported): Promise<FolderOwner[]> {
  const { accountsOf } = await import('../import/importer.ts')
  const { launchpadTables, runningKeys } = await import('../import/launchpad.ts')
  const { openTables } = await import('../import/tables.ts')
  const { storageOf } = await import('../workspaces/room.ts')
  const accounts = await accountsOf(needs, found)
  const tables = await openTables(path, launchpadTables, shown)
  try {
    const running = runningKeys(tables)
    return found.people.map(({ key, email = '' }) => {
      const numericId = accounts.get(key)?.number
      return {
        email,
        storage: numericId === undefined ? undefined : storageOf({ numericId }),
        isOpen: running.has(key),
      }
    })
  } finally {
    tables.close()
  }
}

function assertKnown({ moves }: FolderPlan): void {
  const unknown = moves.filter(({ to }) => to === undefined)
  if (unknown.length > 0)
    throw new Fault(
      'ERR_INPUT',
      `${unknown.length} people are not imported yet: run it with --apply and without --folders first`,
    )
}

async function folders(done: Imported, roots: FolderRoots) {
  const { moveFolders } = await import('../import/folders.ts')
  const plan = await planOf(done, roots)
  const moved = done.isApplied ? await moveFolders(plan, roots) : []
  const lines = plan.moves.map(
    ({ from, to, email }) =>
      `  ${plain(from)} → ${to === undefined ? `storage of ${email}, made with --apply` : plain(to)}`,
  )
  const left = plan.left.map(({ folder, why }) => `  ${plain(folder)}: ${plain(why)}`)
  return {
    lines: [
      `folders: ${plan.moves.length} ${done.isApplied ? 'moved' : 'to move'}`,
      ...lines,
      ...(left.length === 0 ? [] : [`LEFT  ${left.length} folders stay where they are`, ...left]),
    ],
    result: { folders: { moves: done.isApplied ? moved : plan.moves, left: plan.left } },
  }
}
