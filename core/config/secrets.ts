/** Secrets by reference: `{ env: NAME }` and `{ file: PATH }` become a `Secret` that prints as a mask. @module */
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Secret, secretOf } from '@labgate/contract'
import { isPlainObject } from './units.ts'

/** The environment, handed in so that tests can make one up. */
export type Env = Readonly<Record<string, string | undefined>>

/** What reading a secret needs. */
export interface SecretSource {
  readonly env: Env
  /** `true`: a secret may stand in the file itself. */
  readonly demo: boolean
  /** Folder that relative paths start from; default the process's. */
  readonly cwd?: string | undefined
}

/** A secret, or why there is none; `warning` when it can be read by more people than it should. */
export type SecretRead =
  | { readonly secret: Secret; readonly warning?: string }
  | { readonly problem: string; readonly secret?: undefined }

/** Reads one secret by its reference. Never says anything of its value. */
export function readSecret(reference: unknown, source: SecretSource): SecretRead {
  if (typeof reference === 'string') return inline(reference, source)
  if (!isPlainObject(reference)) return { problem: 'must be { env: NAME } or { file: PATH }' }
  const keys = Object.keys(reference)
  if (keys.length !== 1) return { problem: 'must have exactly one of `env` and `file`' }
  if (typeof reference.env === 'string' && reference.env !== '') return fromEnvironment(reference.env, source)
  if (typeof reference.file === 'string' && reference.file !== '') return fromFile(reference.file, source)
  return { problem: 'must be { env: NAME } or { file: PATH }' }
}

function inline(text: string, source: SecretSource): SecretRead {
  if (!source.demo) {
    return { problem: 'a secret may not stand in the file; write { env: NAME } or { file: PATH }' }
  }
  return text === '' ? { problem: 'the secret is empty' } : { secret: secretOf(text) }
}

function fromEnvironment(name: string, source: SecretSource): SecretRead {
  const value = source.env[name]
  if (value === undefined) return { problem: `the environment variable ${name} is not set` }
  return value === '' ? { problem: `the environment variable ${name} is empty` } : { secret: secretOf(value) }
}

function fromFile(path: string, source: SecretSource): SecretRead {
  const absolute = resolve(source.cwd ?? '.', path)
  try {
    const text = readFileSync(absolute, 'utf8').replace(/\r?\n$/, '')
    if (text === '') return { problem: `the file ${path} is empty` }
    const warning = tooOpen(absolute, path)
    return warning === undefined ? { secret: secretOf(text) } : { secret: secretOf(text), warning }
  } catch (error) {
    return { problem: `the file ${path} cannot be read (${codeOf(error)})` }
  }
}

/** Group and others have no business in a secret's file; Windows keeps no such bits. */
function tooOpen(absolute: string, path: string): string | undefined {
  if (process.platform === 'win32') return undefined
  const mode = statSync(absolute).mode & 0o777
  if ((mode & 0o044) === 0) return undefined
  return `the file ${path} can be read by others (mode ${mode.toString(8)}); mend with: chmod 600 ${path}`
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}
