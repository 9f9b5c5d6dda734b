/**
 * Checks a value against a config schema: all mistakes at once, defaults filled in, spellings translated.
 * The core's own file and every plugin's config go through here.
 * @module
 */
import type { ConfigOf, ConfigSchema, Schema } from '@labgate/contract'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { explainAll } from './explain.ts'
import { formats } from './formats.ts'
import { type At, type ConfigProblem, type Locate, type Path, problemAt } from './problems.ts'
import { type Env, readSecret } from './secrets.ts'
import { isPlainObject, translate } from './units.ts'
import { mapSchema } from './walk.ts'

/** What checking a value needs to know. */
export interface ValidateOptions {
  /** Where the value stands in the file, for messages: `['plugins', 'github', 'config']`. */
  readonly path: Path
  readonly env: Env
  /** `true`: secrets may stand in the file itself. */
  readonly demo: boolean
  /** Finds lines and columns; without it, mistakes have only a path. */
  readonly locate?: Locate | undefined
  /** Folder that secret files are looked up from; default the process's. */
  readonly cwd?: string | undefined
  /** The schema is the core's own, which tests hold against the standard: that is not done again at each start. */
  readonly isOurs?: boolean
}

/** A checked value. It may be used only when there are no `problems`; `warnings` stop nothing. */
export interface Validated<T> {
  readonly value: T
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly ConfigProblem[]
}

/**
 * Checks `value` against `schema` and returns a frozen copy with defaults, seconds, bytes and secrets.
 * @throws TypeError when the schema itself is wrong: a bug of whoever wrote it
 */
export function validateAgainst<const S extends ConfigSchema>(
  schema: S,
  value: unknown,
  options: ValidateOptions,
): Validated<ConfigOf<S>> {
  const validate = compiled(schema, options)
  const filled = copy(value)
  const problems: ConfigProblem[] = []
  const warnings: ConfigProblem[] = []
  if (!validate(filled)) problems.push(...located(validate.errors ?? [], options))
  const secret = (reference: unknown, path: Path) => {
    const read = readSecret(reference, options)
    const at: At = { path, locate: options.locate }
    if (read.secret === undefined) problems.push(problemAt(at, read.problem))
    else if (read.warning !== undefined) warnings.push(problemAt(at, read.warning))
    return read.secret
  }
  const translated = translate(schema, filled, { path: options.path, secret })
  // The schema has accepted it, or there are problems and nobody may use it.
  return { value: deepFreeze(translated) as ConfigOf<S>, problems, warnings }
}

function located(errors: readonly ErrorObject[], { path, locate }: At): ConfigProblem[] {
  return explainAll(errors).map((said) =>
    problemAt({ path: [...path, ...said.path], locate, part: said.part }, said.message),
  )
}

const cache = new WeakMap<ConfigSchema, ValidateFunction>()

function compiled(schema: ConfigSchema, about: Pick<ValidateOptions, 'isOurs'>): ValidateFunction {
  const known = cache.get(schema)
  if (known !== undefined) return known
  const made = compile(schema, about)
  cache.set(schema, made)
  return made
}

/** A new ajv each time: two plugins may give their schemas the same `$id`. */
function compile(schema: ConfigSchema, { isOurs = false }: Pick<ValidateOptions, 'isOurs'>): ValidateFunction {
  const ajv = new Ajv2020({
    ...{ strict: true, strictRequired: false, allErrors: true, useDefaults: true, verbose: true },
    // What is checked once gains nothing from shorter code.
    code: { optimize: false },
    validateSchema: !isOurs,
  })
  addFormats.default(ajv)
  for (const [name, format] of Object.entries(formats)) ajv.addFormat(name, format.accepts)
  const { uri } = ajv.formats
  if (typeof uri === 'function') ajv.addFormat('uri', (text) => plainUri.test(text) || uri(text) === true)
  try {
    return ajv.compile(mapSchema(schema, withoutSecret))
  } catch (error) {
    throw new TypeError(`the config schema is wrong: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

/** Some that are right beyond doubt (RFC 3986); to make the expression for all of them takes a tenth of a second. */
const plainUri = /^https?:\/\/[a-z0-9.-]+(?::[0-9]{1,5})?(?:\/[\w.~/-]*)?$/i

/** ajv lets secrets pass; `translate` reads them and says what is wrong with them. */
function withoutSecret(schema: Schema): Schema {
  return schema.format === 'secret' ? { description: schema.description ?? 'A secret.' } : schema
}

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy)
  if (!isPlainObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, copy(part)]))
}

/** Freezes lists and plain objects all the way down and returns its argument. */
export function deepFreeze<T>(value: T): T {
  if (Array.isArray(value) || isPlainObject(value)) {
    for (const part of Object.values(value)) deepFreeze(part)
    Object.freeze(value)
  }
  return value
}
