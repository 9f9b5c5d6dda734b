/**
 * From the `use` of an instance to its plugin: a package's name, looked up from the config file's folder and then
 * from the core, or a path relative to the config file. Holds the one dynamic `import()` of the core.
 * @module
 */
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { createRequire, findPackageJSON } from 'node:module'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { nearest } from '../config/suggest.ts'
import { isRecord } from './record.ts'

/** Where a plugin was found, or what to tell the operator. */
export type Found = { readonly file: string } | { readonly problem: string }

/** Finds the file that `use` names. Never imports it. */
export async function locatePlugin(use: string, folder: string): Promise<Found> {
  return isPath(use) ? locatePath(resolve(folder, use), use) : locatePackage(use, folder)
}

/** Imports a plugin's file and returns its default export, `undefined` when it has none. */
export async function importPlugin(file: string): Promise<unknown> {
  const loaded: { readonly default?: unknown } = await import(pathToFileURL(file).href)
  return loaded.default
}

function isPath(use: string): boolean {
  return use.startsWith('./') || use.startsWith('../') || use === '.' || use === '..' || isAbsolute(use)
}

async function locatePath(path: string, use: string): Promise<Found> {
  const info = await stat(path).catch(() => undefined)
  if (info === undefined) return { problem: `no such file or folder: ${path}; check \`use: ${use}\`` }
  return info.isDirectory() ? entryOf(path, '.') : { file: await realpath(path) }
}

async function locatePackage(use: string, folder: string): Promise<Found> {
  const bases = [pathToFileURL(join(folder, 'labgate.yaml')).href, import.meta.url]
  const { name, subpath } = splitName(use)
  for (const base of bases) {
    const manifest = manifestOf(name, base)
    if (manifest !== undefined) return entryOf(dirname(manifest), subpath)
  }
  const core = dirname(fileURLToPath(import.meta.url))
  const near = await nearestBeside(name, bases)
  // Whoever is told to install what was mistyped installs what somebody put there for them.
  const mend = near ? `did you mean \`${near}\`?` : `run \`npm install ${name}\` or correct \`use\``
  return { problem: `package not found from ${folder} nor from ${core}; ${mend}` }
}

/** The package of the same scope that is installed and was probably meant. */
async function nearestBeside(name: string, bases: readonly string[]): Promise<string | undefined> {
  const [scope = '', rest] = name.split('/')
  if (rest === undefined) return undefined
  const folders = bases.flatMap((base) => createRequire(base).resolve.paths(name) ?? [])
  const found = await Promise.all(folders.map((one) => readdir(join(one, scope)).catch(() => [])))
  const near = nearest(rest, found.flat())
  return near && `${scope}/${near}`
}

function splitName(use: string): { name: string; subpath: string } {
  const parts = use.split('/')
  const length = use.startsWith('@') ? 2 : 1
  return { name: parts.slice(0, length).join('/'), subpath: ['.', ...parts.slice(length)].join('/') }
}

function manifestOf(name: string, base: string): string | undefined {
  try {
    const path = findPackageJSON(name, base)
    return path !== undefined && basename(path) === 'package.json' ? path : undefined
  } catch (error) {
    if (errorCode(error) === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}

interface Manifest {
  readonly main?: string
  readonly exports?: unknown
}

// Node resolves a bare name only from the importing module, and `require.resolve` knows no `import` condition;
// so the entry is read from the package's manifest here.
async function entryOf(folder: string, subpath: string): Promise<Found> {
  const manifest = await manifestIn(folder)
  if ('problem' in manifest) return manifest
  const target = manifest.exports === undefined ? manifest.main : targetOf(manifest.exports, subpath)
  const candidates = target !== undefined ? [target] : subpath === '.' ? ['index.js', 'index.ts'] : [subpath]
  for (const candidate of candidates) {
    const file = join(folder, candidate)
    if ((await stat(file).catch(() => undefined))?.isFile()) return { file: await realpath(file) }
  }
  return { problem: `${folder} has no ${candidates.join(' or ')}; check \`exports\` of its package.json` }
}

async function manifestIn(folder: string): Promise<Manifest | { readonly problem: string }> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}')
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value satisfies Manifest) : {}
  } catch {
    return { problem: `${join(folder, 'package.json')} is not JSON` }
  }
}

function targetOf(exports: unknown, subpath: string): string | undefined {
  if (typeof exports === 'string') return subpath === '.' ? exports : undefined
  if (!isRecord(exports)) return undefined
  const bySubpath = Object.keys(exports).some((key) => key.startsWith('.'))
  return conditionOf(bySubpath ? exports[subpath] : subpath === '.' ? exports : undefined)
}

function conditionOf(target: unknown): string | undefined {
  if (typeof target === 'string') return target
  if (!isRecord(target)) return undefined
  for (const [condition, next] of Object.entries(target)) {
    if (condition !== 'import' && condition !== 'node' && condition !== 'default') continue
    const found = conditionOf(next)
    if (found !== undefined) return found
  }
  return undefined
}

function errorCode(error: unknown): unknown {
  return isRecord(error) ? error.code : undefined
}
