/** A walk over every schema within a schema. @module */
import type { Schema } from '@labgate/contract'

const maps = ['properties', '$defs', 'patternProperties', 'dependentSchemas']
const lists = ['allOf', 'anyOf', 'oneOf', 'prefixItems']
const singles = ['items', 'additionalProperties', 'propertyNames', 'contains', 'not', 'if', 'then', 'else']

/** A copy of a schema in which `change` was applied to it and every schema within, the outer ones first. */
export function mapSchema(schema: Schema, change: (schema: Schema) => Schema): Schema {
  const changed = change(schema)
  return Object.fromEntries(
    Object.entries(changed).map(([keyword, value]) => [keyword, within(keyword, value, change)]),
  )
}

function within(keyword: string, value: unknown, change: (schema: Schema) => Schema): unknown {
  if (Array.isArray(value)) return lists.includes(keyword) ? value.map((part) => mapPart(part, change)) : value
  if (!isSchema(value)) return value
  if (singles.includes(keyword)) return mapSchema(value, change)
  if (!maps.includes(keyword)) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, mapPart(part, change)]))
}

function mapPart(part: unknown, change: (schema: Schema) => Schema): unknown {
  return isSchema(part) ? mapSchema(part, change) : part
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
