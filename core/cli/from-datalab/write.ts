/** Reads the files of a datalab and writes ours beside each other, both or none. @module */
import { lstat, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Fault } from '@labgate/contract'
import { configFault } from '../../config/problems.ts'
import { systemRandom } from '../../random.ts'
import { makeFolder } from '../../storage/folder.ts'
import type { Io } from '../command.ts'
import { plain } from '../table.ts'
import { type Place, type Translated, translateDatalab } from './from-datalab.ts'
import type { Texts } from './settings.ts'

/** What the command was told. */
export interface Told extends Pick<Place, 'issuer' | 'name' | 'email'> {
  /** Config of the datalab. */
  readonly from: string
  /** Its `.env`. */
  readonly env: string | undefined
  /** Config to be written. */
  readonly config: string
}

/** Where the secrets go: beside the config, under its name. */
export function envFileOf(config: string): string {
  return `${config.replace(/\.(?:ya?ml|json)$/, '')}.env`
}

/** Translates, checks what came out as `labgate check` would, and writes. @throws Fault ERR_CONFIG, with nothing written */
export async function writeFromDatalab(told: Told, io: Io): Promise<Translated> {
  const texts: Texts = {
    file: await textOf(told.from, io),
    env: told.env === undefined ? undefined : await textOf(told.env, io),
  }
  const translated = translateDatalab(texts, {
    ...told,
    cacheFolder: resolve(io.cwd, 'data/remotes'),
    sealingKey: Buffer.from(systemRandom.bytes(32)).toString('base64'),
  })
  await refuseMistakes(translated, told, io)
  const files = [
    { name: envFileOf(told.config), text: translated.env, mode: 0o600 },
    { name: told.config, text: translated.config, mode: 0o666 },
  ]
  for (const { name } of files) if (await isThere(resolve(io.cwd, name))) throw alreadyThere(name)
  makeFolder(dirname(resolve(io.cwd, told.config)), { mode: 0o777 })
  const written: string[] = []
  try {
    for (const { name, text, mode } of files) {
      await writeFile(resolve(io.cwd, name), text, { flag: 'wx', mode })
      written.push(name)
    }
  } catch (error) {
    for (const name of written) await rm(resolve(io.cwd, name), { force: true })
    throw error
  }
  return translated
}

const mostBytes = 1024 * 1024

async function textOf(name: string, io: Io): Promise<Texts['file']> {
  const path = resolve(io.cwd, name)
  const wrong = (message: string, cause?: unknown) => configFault([{ file: plain(name), path: '', message }], cause)
  try {
    const found = await stat(path)
    if (!found.isFile()) throw wrong('is no file')
    if (found.size > mostBytes) throw wrong('is larger than 1 MB, which no config of a datalab is')
    return { text: await readFile(path, 'utf8'), name: plain(name) }
  } catch (error) {
    if (error instanceof Fault) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw wrong(code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`, error)
  }
}

/** A config that this command wrote must be one that starts. */
async function refuseMistakes({ config, secrets }: Translated, told: Told, io: Io): Promise<void> {
  const { parseConfig } = await import('../../config/load.ts')
  const { checkLoaded } = await import('../check.ts')
  const env = Object.fromEntries(secrets.map(({ name, value }) => [name, value]))
  const file = resolve(io.cwd, told.config)
  const loaded = { ...parseConfig(config, { env, cwd: io.cwd, name: `${plain(told.config)} (not written)` }), file }
  const { errors } = await checkLoaded(loaded, { ...io, env })
  if (errors.length > 0) throw configFault(errors)
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    // Whatever else keeps us from it is told by the writing.
    () => false,
  )
}

function alreadyThere(name: string): Fault {
  return new Fault('ERR_CONFIG', `${plain(name)} is there already; choose another one with --config`)
}
