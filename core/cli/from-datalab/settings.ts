/** What datalab was told: its config file with the environment laid over it, each value with its place. @module */

import { parseFile } from '../../config/file.ts'
import type { ConfigProblem, Path, Place } from '../../config/problems.ts'
import { didYouMean } from '../../config/suggest.ts'
import { isPlainObject } from '../../config/units.ts'
import { parseEnvFile } from './env-file.ts'

const prefix = 'PYDATALAB_'

/** Settings that stand in the config file, or in the environment under the prefix. */
export const inFile = [
  ...['IDENTIFIER_PREFIX', 'APP_URL', 'ROOT_PATH', 'TESTING', 'SECRET_KEY', 'MONGO_URI', 'SESSION_LIFETIME'],
  ...['REFCODE_GENERATOR', 'REMOTE_FILESYSTEMS', 'REMOTE_CACHE_MAX_AGE', 'REMOTE_CACHE_MIN_AGE'],
  ...['BEHIND_REVERSE_PROXY', 'USE_X_ACCEL_REDIRECT', 'GITHUB_ORG_ALLOW_LIST', 'EMAIL_DOMAIN_ALLOW_LIST'],
  ...['EMAIL_AUTH_SMTP_SETTINGS', 'DISABLE_MAGIC_LINK_AUTH', 'AUTO_ACTIVATE_ACCOUNTS', 'ORCID_AUTO_ACTIVATE_ACCOUNTS'],
  ...['GITHUB_AUTO_ACTIVATE_ACCOUNTS', 'EMAIL_AUTO_ACTIVATE_ACCOUNTS', 'DEPLOYMENT_METADATA', 'MAX_CONTENT_LENGTH'],
  ...['MAX_BATCH_CREATE_SIZE', 'FILE_DIRECTORY', 'LOG_FILE', 'DEBUG', 'ASYNC_BLOCK_TYPES', 'BACKUP_STRATEGIES'],
] as const

/** Settings of the environment alone, under the names they have there. */
const inEnvironment = [
  ...['PYDATALAB_CONFIG_FILE', 'PYDATALAB_ALLOW_INSECURE_SECRET_KEY', 'MAIL_PASSWORD', 'OAUTH_ORCID_SANDBOX'],
  ...['GITHUB_OAUTH_CLIENT_ID', 'GITHUB_OAUTH_CLIENT_SECRET', 'ORCID_OAUTH_CLIENT_ID', 'ORCID_OAUTH_CLIENT_SECRET'],
  ...['GOOGLE_OAUTH_CLIENT_ID', 'GOOGLE_OAUTH_CLIENT_SECRET', 'MICROSOFT_OAUTH_CLIENT_ID'],
  ...['MICROSOFT_OAUTH_CLIENT_SECRET', 'OAUTHLIB_INSECURE_TRANSPORT', 'OAUTHLIB_RELAX_TOKEN_SCOPE'],
] as const

/** A setting of datalab by its name. */
export type Name = (typeof inFile)[number] | (typeof inEnvironment)[number]

/** A value with what is needed to speak of it. */
export interface Found {
  readonly value: unknown
  /** `SMTP_SETTINGS.MAIL_PORT`, as an operator would write it. */
  readonly label: string
  readonly place: Place | undefined
  /** A member of it. */
  readonly within: (key: string | number) => Found
}

/** The texts that are read. */
export interface Texts {
  readonly file: { readonly text: string; readonly name: string }
  readonly env?: { readonly text: string; readonly name: string } | undefined
}

/** Everything that was set. */
export interface Settings {
  find(name: Name): Found | undefined
  /** Names that datalab has no setting for, each with its place and what to do. */
  readonly unknown: readonly ConfigProblem[]
  /** Names in the `.env` that are none of datalab's server. */
  readonly others: readonly string[]
  /** Whether a `.env` was read. */
  readonly hasEnv: boolean
  readonly problems: readonly ConfigProblem[]
}

/** Reads both files; the environment goes before the config file, as in datalab. */
export function readSettings({ file, env }: Texts): Settings {
  const found = new Map<string, Found>()
  const [unknown, others]: [ConfigProblem[], string[]] = [[], []]
  const parsed = parseFile(file.text.trim() === '' ? '{}' : file.text, file.name)
  const tree = isPlainObject(parsed.value) ? parsed.value : {}
  for (const [key, value] of Object.entries(tree)) {
    if (isOneOf(inFile, key))
      found.set(key, foundAt({ value, path: [key], locate: (path) => parsed.locate(path, 'value') }))
    else unknown.push({ ...parsed.locate([key], 'key'), path: key, message: notAKey(key) })
  }
  const environment = parseEnvFile(env?.text ?? '', env?.name ?? '')
  const seen = new Map<string, Place>()
  const twice: ConfigProblem[] = []
  for (const [name, { value, place }] of environment.variables) {
    // pydantic takes any capitals; the others are asked for by their very name.
    const key = name.toUpperCase().startsWith(prefix) ? name.toUpperCase().slice(prefix.length) : name
    const isBare = isOneOf(inEnvironment, name) || name === 'SECRET_KEY'
    if (isBare && !found.has(name)) found.set(name, foundAt({ value, path: [name], locate: () => place }))
    if (isBare) continue
    const before = seen.get(key)
    if (before)
      twice.push({ ...place, path: name, message: `stands on line ${before.line} in other capitals; keep one` })
    seen.set(key, place)
    if (key === name) others.push(name)
    else if (isOneOf(inFile, key)) found.set(key, foundAt({ value, path: [name], locate: () => place }))
    else unknown.push({ ...place, path: name, message: `datalab has no such setting${didYouMean(key, inFile)}` })
  }
  return {
    ...{ unknown, others, hasEnv: env !== undefined },
    problems: [...parsed.problems.map(withoutQuotations), ...environment.problems, ...twice],
    find: (name) => found.get(name),
  }
}

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name)
}

/** What a parser says of a file may quote it, secrets too. */
function withoutQuotations(problem: ConfigProblem): ConfigProblem {
  const { message } = problem
  if (message.startsWith('this is not YAML'))
    return { ...problem, message: 'from here on this is neither YAML nor JSON' }
  return problem
}

function notAKey(key: string): string {
  const capitals = key.toUpperCase()
  if (capitals !== key && isOneOf(inFile, capitals)) return `datalab reads it in capitals alone: ${capitals}`
  if (isOneOf(inEnvironment, key)) return 'datalab reads it from the environment alone: put it into the .env'
  if (capitals.startsWith(prefix)) return 'the prefix is for the environment; leave it out in this file'
  return `datalab has no such setting${didYouMean(key, inFile)}`
}

interface At {
  readonly value: unknown
  readonly path: Path
  readonly locate: (path: Path) => Place | undefined
}

function foundAt({ value, path, locate }: At): Found {
  const label = path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('')
  const within = (key: string | number) => foundAt({ value: memberOf(value, key), path: [...path, key], locate })
  return { value, label, place: locate(path), within }
}

function memberOf(value: unknown, key: string | number): unknown {
  if (Array.isArray(value)) return value[Number(key)]
  return isPlainObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
}
