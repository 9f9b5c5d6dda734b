/** From a file's name to a checked, frozen config. @module */
import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import { resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { conditions } from './conditions.ts'
import { parseFile } from './file.ts'
import { applyOverrides, type Overridden, variable } from './overrides.ts'
import { type ConfigProblem, configFault, type Locate, problemAt } from './problems.ts'
import { type Config, configSchema } from './schema.ts'
import type { Env } from './secrets.ts'
import { isPlainObject } from './units.ts'
import { deepFreeze, validateAgainst } from './validate.ts'

/** What loading needs besides the file's name. */
export interface LoadOptions {
  readonly env: Env
  /** Folder that relative paths start from; default the process's. */
  readonly cwd?: string | undefined
}

/** A loaded config with what belongs to its file. */
export interface LoadedConfig {
  readonly config: Config
  /** Absolute path of the file: plugins given by path are looked up beside it. */
  readonly file: string
  /** Finds lines and columns, for mistakes that are found later: in the configs of plugins. */
  readonly locate: Locate
  /** What stops nothing and should be mended: secret files that others can read. */
  readonly warnings: readonly ConfigProblem[]
  /** Where references to secrets in the configs of plugins are resolved, which are checked later. */
  readonly env: Env
}

/**
 * Reads, checks and freezes the config file at `path`.
 * @throws Fault ERR_CONFIG with every mistake, one a line
 */
export async function loadConfig(path: string, options: LoadOptions): Promise<Config> {
  return (await readConfig(path, options)).config
}

/**
 * As {@link loadConfig}, with the file's absolute name, the places of its values and the warnings.
 * @throws Fault ERR_CONFIG with every mistake, one a line
 */
export async function readConfig(path: string, options: LoadOptions): Promise<LoadedConfig> {
  const file = resolve(options.cwd ?? '.', path)
  return { ...parseConfig(await textOf(file, path), { ...options, name: path }), file }
}

/**
 * The data folder that a config file names, whatever else it says: a running Labgate is found by it, also when the file
 * has mistakes, or secrets that only that process can read.
 * @throws Fault ERR_CONFIG when there is no file, or it cannot be parsed
 */
export async function readDataFolder(path: string, options: LoadOptions): Promise<string> {
  const parsed = parseFile(await textOf(resolve(options.cwd ?? '.', path), path), path)
  if (parsed.problems.length > 0) throw configFault(parsed.problems)
  const { value } = applyOverrides(configSchema, parsed.value, options.env)
  const data =
    isPlainObject(value) && typeof value.data === 'string' ? value.data : configSchema.properties.data.default
  return resolve(options.cwd ?? '.', data)
}

/**
 * Checks the text of a config file called `name`.
 * @throws Fault ERR_CONFIG with every mistake, one a line
 */
export function parseConfig(
  text: string,
  options: LoadOptions & { readonly name: string },
): Omit<LoadedConfig, 'file'> {
  const parsed = parseFile(text, options.name)
  if (parsed.problems.length > 0) throw configFault(parsed.problems)
  const overridden = applyOverrides(configSchema, parsed.value, options.env)
  const locate = locateWith(parsed.locate, overridden)
  const demo = isPlainObject(overridden.value) && overridden.value.demo === true
  const checked = validateAgainst(configSchema, overridden.value, { ...options, path: [], locate, demo, isOurs: true })
  const problems = [...overridden.problems, ...checked.problems]
  // The types that the schema cannot say (rules, free claims) were checked by its formats, or there are problems.
  const config = checked.value as Config
  if (problems.length === 0)
    problems.push(...conditions(config).map((said) => problemAt({ ...said, locate }, said.message)))
  if (problems.length > 0) throw configFault(problems)
  return { config: withFolders(config), locate, warnings: checked.warnings, env: options.env }
}

/** To read one takes a second for each megabyte, and much memory. */
const mostBytes = 8 * 1024 * 1024

async function textOf(file: string, path: string): Promise<string> {
  // One more than it may have, and not all that there is: of /dev/zero there is no end.
  const bytes = await buffer(createReadStream(file, { end: mostBytes })).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    const message = code === 'ENOENT' ? 'there is no such file; `labgate init` writes one' : `cannot be read (${code})`
    throw configFault([{ file: path, path: '', message }], error)
  })
  if (bytes.length > mostBytes) {
    const message =
      'is larger than 8 MB; groups, datasets and clients may be kept in the database, by command or by the admin API'
    throw configFault([{ file: path, path: '', message }])
  }
  if (isUtf8(bytes)) return bytes.toString()
  // Else signs would turn into others without a word: in a title, a name, a secret.
  const line = bytes.toString().split('\uFFFD', 1)[0]?.split('\n').length ?? 1
  throw configFault([{ file: path, line, column: 1, path: '', message: 'this is not UTF-8; save the file as UTF-8' }])
}

function locateWith(inFile: Locate, { set }: Overridden): Locate {
  return (path, part) => {
    const by = set.find((one) => one.path.every((step, index) => step === path[index]))
    return by === undefined ? inFile(path, part) : { file: variable(by.name) }
  }
}

/** `{data}` in the database's default stands for the data folder. */
function withFolders(config: Config): Config {
  const file = config.database.file.replace(/^\{data\}(?=\/)/, () => config.data)
  return deepFreeze({ ...config, database: { ...config.database, file } })
}
