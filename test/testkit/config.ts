/** A plugin's config as `create` gets it, made from the spelling of the config file; and what is wrong with a schema. @module */
import { type ConfigOf, type ConfigSchema, isSecret, type Schema, secretOf } from '@labgate/contract'

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }
const sizes: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }

/**
 * Fills in defaults, turns `15m` and `2g` into numbers and the text of a secret into a secret, and freezes the result.
 * The core checks with a whole JSON Schema validator; this looks at types, required keys, unknown keys and enums.
 * @throws TypeError with every mistake
 */
export function configFrom<const S extends ConfigSchema>(schema: S, file: unknown): ConfigOf<S> {
  const problems: string[] = []
  const value = build(schema, file, { path: 'config', problems })
  if (problems.length > 0) throw new TypeError(problems.join('\n'))
  // `build` has followed the schema member by member.
  return value as ConfigOf<S>
}

interface Walk {
  readonly path: string
  readonly problems: string[]
}

function build(schema: Schema, value: unknown, walk: Walk): unknown {
  if (schema.format === 'secret') return secretFrom(value, walk)
  const wrong = misfit(schema, value)
  if (wrong !== undefined) {
    walk.problems.push(`${walk.path} ${wrong}`)
    return value
  }
  if (Array.isArray(value)) return Object.freeze(value.map((item, index) => buildItem(schema, item, { walk, index })))
  if (isRecord(value)) return buildObject(schema, value, walk)
  return typeof value === 'string' ? (unitOf(schema, value) ?? value) : value
}

function buildItem(schema: Schema, item: unknown, { walk, index }: { walk: Walk; index: number }): unknown {
  return build(schema.items ?? {}, item, { ...walk, path: `${walk.path}[${index}]` })
}

function secretFrom(value: unknown, walk: Walk): unknown {
  if (isSecret(value)) return value
  if (typeof value === 'string' && value !== '') return secretOf(value)
  walk.problems.push(`${walk.path} must be a secret: in a test, a text or \`secretOf(text)\``)
  return value
}

function buildObject(schema: Schema, value: Readonly<Record<string, unknown>>, walk: Walk): unknown {
  const properties = schema.properties ?? {}
  for (const key of schema.required ?? []) {
    if (!Object.hasOwn(value, key)) walk.problems.push(`${walk.path}.${key} is missing`)
  }
  const defaults = Object.entries(properties).flatMap(([key, of]) => ('default' in of ? [[key, of.default]] : []))
  const filled: Record<string, unknown> = { ...Object.fromEntries(defaults), ...value }
  const parts = Object.entries(filled).map(([key, part]) => {
    const of = memberOf(schema, key)
    if (of === undefined) walk.problems.push(`${walk.path}.${key} is unknown`)
    return [key, build(of ?? {}, part, { ...walk, path: `${walk.path}.${key}` })]
  })
  return Object.freeze(Object.fromEntries(parts))
}

function memberOf(schema: Schema, key: string): Schema | undefined {
  const { properties = {}, additionalProperties } = schema
  if (Object.hasOwn(properties, key)) return properties[key]
  if (typeof additionalProperties === 'object') return additionalProperties
  return additionalProperties === false ? undefined : {}
}

/** What about a value does not fit its schema, `undefined` when it fits. Does not look at members. */
function misfit(schema: Schema, value: unknown): string | undefined {
  if (schema.type !== undefined && !isOfType(schema.type, value)) return `must be ${schema.type}`
  if (schema.enum !== undefined && !schema.enum.includes(value)) return `must be one of ${schema.enum.join(', ')}`
  const hasUnit = schema.format === 'duration' || schema.format === 'bytes'
  if (hasUnit && unitOf(schema, String(value)) === undefined) return `must be a ${schema.format}`
  return undefined
}

function isOfType(type: NonNullable<Schema['type']>, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isRecord(value)
  if (type === 'null') return value === null
  return typeof value === type
}

function unitOf({ format }: Schema, text: string): number | undefined {
  if (format !== 'duration' && format !== 'bytes') return undefined
  const match = format === 'duration' ? /^(\d{1,9})([smhd])$/.exec(text) : /^(\d{1,15})([kmgt]?)$/.exec(text)
  const unit = (format === 'duration' ? seconds : sizes)[match?.[2] ?? '?']
  return unit === undefined ? undefined : Number(match?.[1]) * unit
}

/** What is wrong with a config schema: objects that let unknown keys through, properties without words, defaults that do not fit. */
export function schemaProblems(schema: Schema, path = 'config'): readonly string[] {
  const own: string[] = []
  if (schema.format !== 'secret' && schema.type === 'object' && isLoose(schema))
    own.push(`${path} lets unknown keys through; set additionalProperties: false`)
  if ('default' in schema) build(schema, schema.default, { path: `default of ${path}`, problems: own })
  const properties = Object.entries(schema.properties ?? {})
  const silent = properties.filter(([, of]) => !of.description).map(([key]) => `${path}.${key} has no description`)
  const parts = properties.map(([key, of]) => [`${path}.${key}`, of] as const)
  const values = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
  const members = [...parts, [`${path}.*`, values] as const, [`${path}[]`, schema.items] as const]
  return [...own, ...silent, ...members.flatMap(([at, of]) => (of === undefined ? [] : schemaProblems(of, at)))]
}

function isLoose({ additionalProperties }: Schema): boolean {
  return additionalProperties !== false && typeof additionalProperties !== 'object'
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isSecret(value)
}
