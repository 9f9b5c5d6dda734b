/** Puts an answer into the shape its schema names: what a schema does not name never leaves the house. @module */
import type { Schema } from '@labgate/contract'

/** Makes JSON of a value: only named properties, instants as RFC 3339, nothing for what is unset. */
export function shaped(schema: Schema, value: unknown, named: Readonly<Record<string, Schema>>): unknown {
  const { $ref, properties, additionalProperties, items } = schema
  if (typeof $ref === 'string') return shaped(namedBy($ref, named), value, named)
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map((one) => (items === undefined ? one : shaped(items, one, named)))
  if (typeof value !== 'object' || value === null) return value
  if (properties === undefined) {
    if (typeof additionalProperties !== 'object') return value
    return objectFrom(Object.keys(value), (key) => shaped(additionalProperties, valueAt(value, key), named))
  }
  return objectFrom(Object.keys(properties), (key) => {
    const part = valueAt(value, key)
    return part === undefined ? undefined : shaped(properties[key] ?? {}, part, named)
  })
}

function namedBy(pointer: string, named: Readonly<Record<string, Schema>>): Schema {
  const found = named[pointer.replace('#/components/schemas/', '')]
  if (found === undefined) throw new TypeError(`no schema is called ${pointer}`)
  return found
}

function valueAt(value: object, key: string): unknown {
  return Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined
}

function objectFrom(keys: readonly string[], partOf: (key: string) => unknown): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, partOf(key)]).filter(([, value]) => value !== undefined))
}
