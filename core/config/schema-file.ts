/** The published JSON Schema of the config file: the core's schema and those of the plugins at hand, for editors. @module */
import type { ConfigSchema, Schema } from '@labgate/contract'
import { formats } from './formats.ts'
import { configSchema } from './schema.ts'
import { isPlainObject } from './units.ts'
import { mapSchema } from './walk.ts'

/** A plugin whose settings editors should know. */
export interface PluginSchema {
  /** What stands behind `use`: the package's name. */
  readonly use: string
  readonly config: ConfigSchema
}

/** The schema as JSON text, ending in a new line; the same plugins always give the same text. */
export function renderSchema(plugins: readonly PluginSchema[]): string {
  return `${JSON.stringify(fileSchema(plugins), null, 2)}\n`
}

function fileSchema(plugins: readonly PluginSchema[]): Schema {
  const sorted = plugins.toSorted((a, b) => (a.use < b.use ? -1 : 1))
  const core = forEditors(configSchema)
  const settings = sorted.map(({ use, config }) => [use, forEditors(config, `#/$defs/${pointer(use)}`)] as const)
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Labgate config file',
    ...core,
    $defs: { ...(core.$defs as object), ...Object.fromEntries(settings) },
    properties: { ...core.properties, plugins: withSettings(core.properties?.plugins ?? {}, sorted) },
  }
}

/** `if use is this package, then config is of its schema`. */
function withSettings(section: Schema, plugins: readonly PluginSchema[]): Schema {
  if (typeof section.additionalProperties !== 'object' || plugins.length === 0) return section
  const allOf = plugins.map(({ use }) => ({
    if: { properties: { use: { const: use } }, required: ['use'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema (2020-12 §10.2.2.2), in a plain object
    then: { properties: { config: { $ref: `#/$defs/${pointer(use)}` } } },
  }))
  return { ...section, additionalProperties: { ...section.additionalProperties, allOf } }
}

/** RFC 6901 §3. */
function pointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** Our formats as patterns, secrets as what may be written, inner references below `root`. */
function forEditors(schema: Schema, root = '#'): Schema {
  return mapSchema(schema, (part) => spelled(moved(part, root)))
}

function moved(schema: Schema, root: string): Schema {
  const { $ref } = schema
  return typeof $ref === 'string' && $ref.startsWith('#/') ? { ...schema, $ref: root + $ref.slice(1) } : schema
}

function spelled(schema: Schema): Schema {
  const { format, ...rest } = schema
  if (format === 'secret') return secretFor(schema)
  const own = format === undefined ? undefined : formats[format]
  if (own === undefined || format === 'email') return schema
  return own.pattern === undefined ? rest : { ...rest, pattern: own.pattern }
}

function secretFor({ description }: Schema): Schema {
  const one = (key: string, text: string): Schema => ({
    type: 'object',
    additionalProperties: false,
    required: [key],
    properties: { [key]: { type: 'string', minLength: 1, description: text } },
  })
  const inline = { type: 'string', description: 'The secret itself; only with `demo: true`.' }
  const ways = [one('env', 'Environment variable that holds it.'), one('file', 'File that holds it.'), inline]
  return { ...(description === undefined ? {} : { description }), oneOf: ways }
}

/** Whether a value is a config schema, as far as the published schema needs to know. */
export function isConfigSchema(value: unknown): value is ConfigSchema {
  return isPlainObject(value) && value.type === 'object' && value.additionalProperties === false
}
