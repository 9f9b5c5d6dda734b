/** The sealing key of a demo: made once under the data folder, readable by its owner only. @module */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Fault, type Random } from '@labgate/contract'
import { makeFolder } from '../storage/folder.ts'
import type { Config } from './schema.ts'

/**
 * The sealing secrets of a config, newest first; a demo without any gets one of its own.
 * @throws Fault ERR_KEYS when there is none and this is no demo
 */
export function sealingSecrets(config: Pick<Config, 'keys' | 'demo' | 'data'>, random: Random): readonly string[] {
  if (config.keys.length > 0) return config.keys.map((key) => key.reveal())
  if (!config.demo)
    throw new Fault(
      'ERR_KEYS',
      'config: `keys` is empty; secrets in the database could not be sealed. Add { file: … } or { env: … } with what `openssl rand -base64 32` prints',
    )
  return [demoKey(join(config.data, 'sealing.key'), random)]
}

function demoKey(file: string, random: Random): string {
  try {
    return readOrMake(file, random)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const folder = dirname(file)
    const mend = `\`data\` has to be a folder that the user who starts Labgate may write to`
    throw new Fault('ERR_CONFIG', `data: ${folder} cannot be used (${code}): ${mend}`, { cause: error })
  }
}

function readOrMake(file: string, random: Random): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    makeFolder(dirname(file))
    const key = random.token()
    writeFileSync(file, `${key}\n`, { mode: 0o600, flag: 'wx' })
    chmodSync(file, 0o600)
    return key
  }
}
