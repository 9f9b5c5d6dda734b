/** Which plugins of a config have other code than the process has loaded: a module is imported once and for all. @module */
import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { locatePlugin } from './registry/resolve.ts'
import type { SiteConfig } from './site.ts'

const mostFiles = 2000

/** `plugins.ID (its code)` for each instance that ran already and whose files were written since then. */
export async function changedCode(
  wanted: SiteConfig,
  { before, since }: { readonly before: SiteConfig; readonly since: number },
): Promise<string[]> {
  const known = new Set(Object.values(before.config.plugins).map(({ use }) => use))
  const uses = Object.entries(wanted.config.plugins).filter(([, { use, enabled }]) => enabled && known.has(use))
  const newest = new Map<string, number>()
  for (const [, { use }] of uses) if (!newest.has(use)) newest.set(use, await newestOf(use, wanted.folder))
  return uses.flatMap(([id, { use }]) => ((newest.get(use) ?? 0) > since ? [`plugins.${id} (its code)`] : []))
}

async function newestOf(use: string, from: string): Promise<number> {
  const found = await locatePlugin(use, from)
  if (!('file' in found)) return 0
  // A file by itself lies among others that are none of its own.
  const isFile = /^(?:\.|\/).*\.\w+$/.test(use)
  return isFile ? timeOf(found.file) : newestIn(dirname(found.file), { left: mostFiles })
}

/** The newest change below a folder; what was installed for the plugin is the package manager's. */
async function newestIn(folder: string, budget: { left: number }): Promise<number> {
  let newest = 0
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    budget.left -= 1
    if (budget.left < 0 || entry.name === 'node_modules' || entry.name.startsWith('.')) continue
    const path = join(folder, entry.name)
    const time = entry.isDirectory() ? await newestIn(path, budget) : isCode(entry.name) ? await timeOf(path) : 0
    newest = Math.max(newest, time)
  }
  return newest
}

function isCode(name: string): boolean {
  return /\.(?:[cm]?[jt]s|sh)$|^package\.json$/.test(name)
}

async function timeOf(path: string): Promise<number> {
  const { mtimeMs, ctimeMs } = await stat(path)
  return Math.max(mtimeMs, ctimeMs)
}
