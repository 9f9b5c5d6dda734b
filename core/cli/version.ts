/** `labgate version`. @module */
import { readFile } from 'node:fs/promises'
import { type Command, jsonOption, print, printJson } from './command.ts'

/** Prints the versions of Labgate and Node. */
export const command: Command = {
  name: 'version',
  summary: 'Print the versions of Labgate and Node.',
  usage: 'version [--json]',
  options: { json: jsonOption },
  async run(args, io) {
    const versions = { labgate: await ownVersion(), node: process.versions.node }
    if (args.values.json === true) printJson(io, versions)
    else print(io, `labgate ${versions.labgate} (node ${versions.node})`)
    return 0
  },
}

/** Labgate's own version; all its packages have the same. */
export async function ownVersion(): Promise<string> {
  // From source the manifest is one folder up; in a published package, whose code is in dist/, two.
  for (const place of ['../package.json', '../../package.json']) {
    const text = await readFile(new URL(place, import.meta.url), 'utf8').catch(() => '{}')
    const manifest: { name?: string; version?: string } = JSON.parse(text)
    if (manifest.name === '@labgate/core' && manifest.version !== undefined) return manifest.version
  }
  return 'unknown'
}
