/**
 * Single values set from the environment: `LABGATE_` and the path in upper snake case, two underscores between levels
 * (`LABGATE_LISTEN__PORT=9000`, `LABGATE_PLUGINS__EMAIL__CONFIG__CODE_LIFETIME=5m`).
 * @module
 */
import type { Schema } from '@labgate/contract'
import { parse } from 'yaml'
import type { ConfigProblem, Path } from './problems.ts'
import type { Env } from './secrets.ts'
import { nearest } from './suggest.ts'
import { isPlainObject, schemaOf } from './units.ts'

const prefix = 'LABGATE_'

/** A value with the overrides laid over it, and which variable set which path. */
export interface Overridden {
  readonly value: unknown
  readonly set: readonly { readonly path: Path; readonly name: string }[]
  readonly problems: readonly ConfigProblem[]
}

/** Lays the overrides of `env` over the file's value; an unknown name is a problem. */
export function applyOverrides(schema: Schema, value: unknown, env: Env): Overridden {
  const problems: ConfigProblem[] = []
  const set: { path: Path; name: string }[] = []
  let changed = value
  for (const [name, text] of overridesIn(env, value)) {
    const found = resolvePath(schema, changed, name)
    if ('problem' in found) {
      problems.push({ file: variable(name), path: '', message: found.problem })
      continue
    }
    changed = withValue(changed, found.path, scalar(found.schema, text))
    set.push({ path: found.path, name })
  }
  return { value: changed, set, problems }
}

/** How a variable is called in messages, in the place of a file. */
export function variable(name: string): string {
  return `environment variable ${name}`
}

/** Upper snake case of one key: `codeLifetime` is `CODE_LIFETIME`, `demo-rp` is `DEMO_RP`. */
export function upperSnake(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase()
}

function overridesIn(env: Env, value: unknown): [string, string][] {
  const references = environmentNames(value)
  return Object.entries(env)
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .filter(([name]) => name.startsWith(prefix) && !references.has(name) && !reserved(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
}

/** Names of our own tools, and those that Kubernetes and Docker links set for a service called `labgate`. */
function reserved(name: string): boolean {
  return /^LABGATE_(CONFIG$|TEST_|SERVICE_(HOST|PORT)|PORT$|PORT_\d+_|ENV_)/.test(name)
}

/** Names that the file refers to by `{ env: NAME }` hold secrets, not overrides. */
function environmentNames(value: unknown): Set<string> {
  if (Array.isArray(value)) return new Set(value.flatMap((part) => [...environmentNames(part)]))
  if (!isPlainObject(value)) return new Set()
  const own = typeof value.env === 'string' && Object.keys(value).length === 1 ? [value.env] : []
  return new Set([...own, ...Object.values(value).flatMap((part) => [...environmentNames(part)])])
}

type Resolved = { readonly path: Path; readonly schema: Schema | undefined } | { readonly problem: string }

function resolvePath(schema: Schema, value: unknown, name: string): Resolved {
  const path: string[] = []
  let at: { schema: Schema | undefined; value: unknown } = { schema, value }
  for (const word of name.slice(prefix.length).split('__')) {
    const known = keysAt(at)
    const key = known.find((candidate) => upperSnake(candidate) === word) ?? freeKey(at.schema, word)
    if (key === undefined) return { problem: unknownWord(path, word, known) }
    path.push(key)
    const inner = isPlainObject(at.value) && Object.hasOwn(at.value, key) ? at.value[key] : undefined
    at = { schema: at.schema === undefined ? undefined : memberOf(at.schema, key), value: inner }
  }
  if (at.schema?.type === 'object' && at.schema.format !== 'secret') {
    return { problem: `${path.join('.')} is a section; set one value of it` }
  }
  return { path, schema: at.schema }
}

function memberOf(schema: Schema, key: string): Schema | undefined {
  if (schema.format === 'secret') return { type: 'string' }
  return schemaOf(schema, key)
}

function keysAt({ schema, value }: { schema: Schema | undefined; value: unknown }): string[] {
  const inSchema = schema?.format === 'secret' ? ['env', 'file'] : Object.keys(schema?.properties ?? {})
  return [...new Set([...inSchema, ...(isPlainObject(value) ? Object.keys(value) : [])])]
}

/** A key of a plugin's config that the file does not have yet; the plugin's own schema judges it. */
function freeKey(schema: Schema | undefined, word: string): string | undefined {
  if (schema !== undefined && schema.additionalProperties !== true) return undefined
  return word.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

function unknownWord(path: readonly string[], word: string, known: readonly string[]): string {
  const near = nearest(word, known.map(upperSnake))
  const hint = near === undefined ? '' : `; did you mean ${prefix}${[...path.map(upperSnake), near].join('__')}?`
  // Most often the variable is a secret's, and the file that refers to it is another one.
  const way =
    path.length === 0 && hint === '' ? '; LABGATE_… sets what the config has: name a secret of yours otherwise' : ''
  return `${path.length === 0 ? 'the config' : path.join('.')} has no ${word}${hint}${way}`
}

/** Where the schema asks for a text the variable is that text; else it is read as YAML. */
function scalar(schema: Schema | undefined, text: string): unknown {
  if (schema?.type === 'string') return text
  try {
    const value: unknown = parse(text)
    return value
  } catch {
    // Not YAML: let the schema say what it wants instead.
    return text
  }
}

function withValue(value: unknown, path: Path, leaf: unknown): unknown {
  const [key, ...rest] = path
  if (key === undefined) return leaf
  const object = isPlainObject(value) ? value : {}
  const inner = Object.hasOwn(object, key) ? object[key] : undefined
  return { ...object, [key]: withValue(inner, rest, leaf) }
}
