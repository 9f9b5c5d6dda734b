/** `labgate schemas`: writes what is generated from the schemas; for people who work on Labgate itself. @module */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fault } from '@labgate/contract'
import type { PluginSchema } from '../config/schema-file.ts'
import { type Args, type Command, type Io, print } from './command.ts'

/** Writes the published schema and the generated part of the docs. */
export const command: Command = {
  name: 'schemas',
  summary: 'Write schemas/ and docs/configure.md from the sources (for work on Labgate itself).',
  usage: 'schemas [--check]',
  options: { check: { type: 'boolean', description: 'Write nothing; exit with 1 when a file is stale.' } },
  run,
}

/** A generated file of the repository. */
export interface Generated {
  /** Relative to the repository. */
  readonly path: string
  readonly text: string
}

async function run(args: Args, io: Io): Promise<number> {
  const stale: Generated[] = []
  for (const file of await renderSchemas()) {
    if ((await readText(file.path)) !== file.text) stale.push(file)
  }
  for (const { path, text } of stale) {
    if (args.values.check === true) io.stderr.write(`${path} is stale; run \`npm run schemas\`\n`)
    else await writeFile(join(repository, path), text)
  }
  if (args.values.check === true) return stale.length === 0 ? 0 : 1
  print(io, stale.length === 0 ? 'All up to date.' : stale.map(({ path }) => `Wrote ${path}`).join('\n'))
  return 0
}

const repository = fileURLToPath(new URL('../../', import.meta.url))

/** Every generated file as it should be. */
export async function renderSchemas(): Promise<readonly Generated[]> {
  const { renderSchema } = await import('../config/schema-file.ts')
  const { renderDocument } = await import('../config/document.ts')
  return [
    { path: 'schemas/labgate.schema.json', text: renderSchema(await pluginSchemas()) },
    { path: 'docs/configure.md', text: renderDocument(await readText('docs/configure.md')) },
  ]
}

async function readText(path: string): Promise<string> {
  return readFile(join(repository, path), 'utf8').catch(() => '')
}

/** The schemas of the plugins in this repository, by the name of their packages. */
async function pluginSchemas(): Promise<PluginSchema[]> {
  const folder = join(repository, 'plugins')
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new Fault('ERR_INTERNAL', 'there is no folder plugins/: this command needs the repository', { cause })
  })
  return Promise.all(names.filter((name) => !name.startsWith('.')).map((name) => pluginSchema(join(folder, name))))
}

async function pluginSchema(folder: string): Promise<PluginSchema> {
  const { isConfigSchema } = await import('../config/schema-file.ts')
  const { importPlugin, locatePlugin } = await import('../registry/resolve.ts')
  const manifest: { name: string } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const found = await locatePlugin(folder, folder)
  if ('problem' in found) throw new Fault('ERR_PLUGIN', `${manifest.name}: ${found.problem}`)
  const plugin = await importPlugin(found.file)
  const config = typeof plugin === 'object' && plugin !== null && 'config' in plugin ? plugin.config : undefined
  if (!isConfigSchema(config)) throw new Fault('ERR_PLUGIN', `${manifest.name}: its config schema is no object schema`)
  return { use: manifest.name, config }
}
