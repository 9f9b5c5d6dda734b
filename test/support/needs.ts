/**
 * Programs from outside npm that some suites need. The list is `needs.json`; `test/run.js` installs from it where it can.
 * @module
 */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import list from './needs.json' with { type: 'json' }

/** A program of the list. */
export type Need = keyof typeof list

// nginx and Exim live in sbin folders, which are not on everybody's PATH; what Podman or Apache loads is nobody's command.
const outside = ['/usr/sbin', '/usr/local/sbin', '/usr/lib/podman', '/usr/libexec/podman', '/usr/lib/apache2/modules']
const folders = [...(process.env.PATH ?? '').split(delimiter), ...outside].filter(Boolean)

/**
 * Why a suite has to be skipped, or `false` when all it needs is here: `test('…', { skip: needs('chromium') }, …)`.
 * @throws Error when `CI` is set: there a skipped suite is a failure
 */
export function needs(...names: readonly Need[]): string | false {
  const reason = names.map(missing).find((found) => found !== undefined)
  if (reason === undefined) return false
  if (process.env.CI) throw new Error(`${reason}; with CI set a suite must not be skipped`)
  return reason
}

/** The Debian packages of programs that are not here. */
export function lackingPackages(): readonly string[] {
  const names = Object.keys(list) as Need[]
  return names.filter((name) => find(name) === undefined).map((name) => list[name].apt)
}

/** Path of a program, or `undefined` where it is not installed: for those that can be done without. */
export function pathOf(name: Need): string | undefined {
  return find(name)
}

/**
 * Path of a needed program.
 * @throws Error when it is not installed; ask {@link needs} first
 */
export function programOf(name: Need): string {
  const path = find(name)
  if (path === undefined) throw new Error(missing(name))
  return path
}

function missing(name: Need): string | undefined {
  const need: { apt: string; for: string; root?: boolean } = list[name]
  if (find(name) === undefined) return `${name} is not installed (Debian: apt-get install ${need.apt}): ${need.for}`
  if (need.root && process.getuid?.() !== 0) return `${name} must be started by root: ${need.for}`
  return undefined
}

function find(name: Need): string | undefined {
  const paths = list[name].commands.flatMap((command) => folders.map((folder) => join(folder, command)))
  return paths.find(runnable)
}

function runnable(path: string): boolean {
  try {
    accessSync(path, path.endsWith('.so') ? constants.R_OK : constants.X_OK)
    return true
  } catch {
    return false // not there, or not ours to run: both mean that it cannot be used
  }
}
