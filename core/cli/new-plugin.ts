/** `labgate new plugin`: writes the package of a new plugin whose tests pass at once. @module */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { Fault } from '@labgate/contract'
import { makeFolder } from '../storage/folder.ts'
import { type Args, type Command, type Io, print, textOption } from './command.ts'
import { ownVersion } from './version.ts'

/** Writes a package into a new folder; never into one that has something in it. */
export const command: Command = {
  name: 'new plugin',
  summary: 'Write the package of a new plugin, green at once.',
  usage:
    'new plugin KIND NAME [--out FOLDER]\nKIND is auth, a way to sign in, or authz, a dialect that services speak. Then follow docs/write-a-plugin.md.',
  options: {
    out: { type: 'string', value: 'FOLDER', description: 'Where to write it (default ./KIND-NAME).' },
  },
  positionals: 2,
  run,
}

/** Kinds that have a template. */
const kinds = ['auth', 'authz']

async function run(args: Args, io: Io): Promise<number> {
  const [kind = '', name = ''] = args.positionals
  refuseNames(kind, name)
  const folder = resolve(io.cwd, textOption(args, 'out') ?? `${kind}-${name}`)
  await makeEmpty(folder)
  const files = await filled(new URL(`./new-plugin/${kind}/`, import.meta.url), {
    ...valuesFor(name),
    version: await ownVersion(),
  })
  for (const { file, text } of files) await writeFile(join(folder, file), text)
  const shown = relative(io.cwd, folder) || '.'
  print(io, `Wrote ${shown}: ${files.map(({ file }) => file).join(', ')}`)
  print(io, `Next: cd ${shown} && npm test, then change it. In the config: use: ./${shown}`)
  return 0
}

function refuseNames(kind: string, name: string): void {
  if (!kinds.includes(kind))
    throw new Fault('ERR_INPUT', `there is a template for ${kinds.join(' and ')}; see \`labgate new plugin --help\``)
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name))
    throw new Fault('ERR_INPUT', 'NAME must be small letters, digits and dashes, at most 31, beginning with a letter')
}

async function makeEmpty(folder: string): Promise<void> {
  makeFolder(folder, { mode: 0o777 })
  if ((await readdir(folder)).length > 0)
    throw new Fault('ERR_CONFLICT', `${folder} has something in it; choose another folder with --out`)
}

function valuesFor(name: string): Readonly<Record<string, string>> {
  const words = name.replaceAll('-', ' ')
  return {
    name,
    title: words.charAt(0).toUpperCase() + words.slice(1),
    env: name.toUpperCase().replaceAll('-', '_'),
  }
}

async function filled(
  folder: URL,
  values: Readonly<Record<string, string>>,
): Promise<readonly { readonly file: string; readonly text: string }[]> {
  const names = (await readdir(folder)).toSorted()
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, folder), 'utf8')
      const replaced = text.replaceAll(/\{\{(\w+)\}\}/g, (whole, key: string) => values[key] ?? whole)
      return { file: name.replace(/\.txt$/, ''), text: replaced }
    }),
  )
}
