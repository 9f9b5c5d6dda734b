/** `labgate check`: everything that can be found out about a config without starting anything. @module */
import { isFault, type Log } from '@labgate/contract'
import type { LoadedConfig } from '../config/load.ts'
import type { ConfigProblem } from '../config/problems.ts'
import { findProblems } from '../judge.ts'
import type { Registry } from '../registry/registry.ts'
import { type Args, type Command, configFile, configOption, type Io, jsonOption, print, printJson } from './command.ts'
import { paintFor } from './paint.ts'

/** Checks the config file and the plugins it names. */
export const command: Command = {
  name: 'check',
  summary: 'Check the config and its plugins; nothing is started.',
  usage:
    'check [--config FILE] [--redirect-uris] [--json]\nExits with 1 when there is an error; warnings alone exit with 0.',
  options: {
    config: configOption,
    'redirect-uris': { type: 'boolean', description: 'Print the redirect URI to register at each upstream.' },
    json: jsonOption,
  },
  run,
}

/** What was found. */
export interface Result {
  readonly errors: readonly ConfigProblem[]
  readonly warnings: readonly ConfigProblem[]
  readonly redirectUris: Readonly<Record<string, readonly string[]>>
}

async function run(args: Args, io: Io): Promise<number> {
  const result = await check(configFile(args, io), io)
  if (args.values.json === true) printJson(io, { ok: result.errors.length === 0, ...result })
  else if (args.values['redirect-uris'] === true && result.errors.length === 0) printRedirectUris(result, io)
  else await printResult(result, io, configFile(args, io))
  return result.errors.length === 0 ? 0 : 1
}

async function check(path: string, io: Io): Promise<Result> {
  const { readConfig } = await import('../config/load.ts')
  try {
    const loaded = await readConfig(path, io)
    return await checkLoaded(loaded, io)
  } catch (error) {
    return { errors: problemsOf(error), warnings: [], redirectUris: {} }
  }
}

/** What `labgate check` says of a config that is loaded: its plugins are loaded as well, and nothing is started. */
export async function checkLoaded(loaded: LoadedConfig, io: Io): Promise<Result> {
  const { registry, errors } = await loadRegistry(loaded, io)
  const found = findProblems(loaded, registry)
  return {
    errors: [...errors, ...found.errors, ...(await textProblems(loaded, io))],
    warnings: found.warnings,
    redirectUris: redirectUrisOf(registry, loaded),
  }
}

/** Loads the plugins of a config without starting any; what is wrong with them is told. */
export async function loadRegistry(
  { config, file, locate }: LoadedConfig,
  io: Io,
): Promise<{ registry?: Registry; errors: readonly ConfigProblem[] }> {
  const { dirname } = await import('node:path')
  const { loadPlugins } = await import('../registry/load.ts')
  const { noServices } = await import('../registry/context.ts')
  try {
    const registry = await loadPlugins({
      config: config.plugins,
      issuer: config.issuer,
      siteName: config.name,
      demo: config.demo,
      folder: dirname(file),
      env: io.env,
      cwd: io.cwd,
      locate,
      log: silent,
      contextFor: ({ id }) => noServices(id),
    })
    return { registry, errors: [] }
  } catch (error) {
    return { errors: problemsOf(error) }
  }
}

/** The files of terms that a start would refuse. */
async function textProblems({ config, locate }: LoadedConfig, io: Io): Promise<readonly ConfigProblem[]> {
  // What reads them brings the rows of the ledger along, which most checks need not load.
  if (Object.keys(config.terms).length === 0) return []
  const { readTexts } = await import('../access/seed-terms.ts')
  try {
    await readTexts(config, locate, io.cwd)
    return []
  } catch (error) {
    return problemsOf(error)
  }
}

const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** The problems that a fault carries; whatever is no such fault is thrown on. */
function problemsOf(error: unknown): readonly ConfigProblem[] {
  if (!isFault(error) || !Array.isArray(error.detail.problems)) throw error
  return error.detail.problems
}

function redirectUrisOf(registry: Registry | undefined, { config }: LoadedConfig): Result['redirectUris'] {
  const entries = (registry?.auth() ?? []).map(({ id, redirectUri, callbackPaths }) => {
    const further = callbackPaths.map((path) => new URL(path, config.issuer).href)
    return [id, [redirectUri.href, ...further]] as const
  })
  return Object.fromEntries(entries)
}

function printRedirectUris({ redirectUris }: Result, io: Io): void {
  for (const [id, uris] of Object.entries(redirectUris)) for (const uri of uris) print(io, `${id}\t${uri}`)
}

async function printResult({ errors, warnings }: Result, io: Io, file: string): Promise<void> {
  const { problemText } = await import('../config/problems.ts')
  const paint = paintFor(io)
  for (const problem of errors) io.stderr.write(`${paint('red', 'error')}   ${problemText(problem)}\n`)
  for (const problem of warnings) io.stderr.write(`${paint('yellow', 'warning')} ${problemText(problem)}\n`)
  const counts = [count(errors.length, 'error'), count(warnings.length, 'warning')].filter((text) => text !== '')
  print(io, counts.length === 0 ? `${paint('green', 'ok')}: ${file}` : `${file}: ${counts.join(', ')}`)
}

function count(number: number, word: string): string {
  return number === 0 ? '' : `${number} ${word}${number === 1 ? '' : 's'}`
}
