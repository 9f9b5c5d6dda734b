/** The generated part of docs/configure.md: a table per section of the schema. @module */
import type { Schema } from '@labgate/contract'
import { configSchema } from './schema.ts'

/** What is above this line in docs/configure.md is written by hand; what is below, by `labgate schemas`. */
export const marker = '<!-- Below this line: written by `labgate schemas` from core/config/schema.ts. -->'

/** The page with its generated part renewed and the hand-written part kept. */
export function renderDocument(page: string): string {
  const [byHand = ''] = page.split(marker)
  return `${byHand.trimEnd()}\n\n${marker}\n\n${tables().trimEnd()}\n`
}

function tables(): string {
  const entries = Object.entries(configSchema.properties).map(([key, schema]) => [key, schema as Schema] as const)
  const plain = entries.filter(([, schema]) => !isSection(schema))
  const sections = entries.filter(([, schema]) => isSection(schema))
  const top = [
    '## Top level',
    '',
    ...table(plain.map(([key, schema]) => row(key, schema, key === 'issuer' ? 'required' : ''))),
  ]
  return [...top, ...sections.flatMap(([key, schema]) => section(key, schema)), ...ruleSection()].join('\n')
}

function isSection(schema: Schema): boolean {
  return schema.type === 'object' || schema.items?.properties !== undefined
}

function section(key: string, schema: Schema): string[] {
  return ['', `## \`${key}\``, '', schema.description ?? '', '', ...table(rowsOf(schema, ''))]
}

function ruleSection(): string[] {
  const { rule } = configSchema.$defs
  return ['', '## Admission rules', '', `${rule.description} Exactly one of:`, '', ...table(rowsOf(rule, ''))]
}

function table(rows: readonly string[]): string[] {
  return ['| key | type | default | meaning |', '| --- | --- | --- | --- |', ...rows]
}

function rowsOf(schema: Schema, prefix: string): string[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, part]) =>
    rowsBelow(prefix + key, part, schema.required?.includes(key) ? 'required' : ''),
  )
  const free = schema.additionalProperties
  const named = typeof free === 'object' ? rowsBelow(`${prefix}<name>`, free) : []
  return [...own, ...named, ...rowsOfItems(schema, prefix.replace(/\.$/, ''))]
}

/** A list of objects is told as one of them: `tables[].name`. */
function rowsOfItems({ items }: Schema, prefix: string): string[] {
  return items?.properties === undefined ? [] : rowsOf(items, `${prefix}[].`)
}

function rowsBelow(key: string, schema: Schema, absent = ''): string[] {
  const hasRows =
    schema.type === 'array' || (schema.type === 'object' && schema.format !== 'secret' && schema.default === undefined)
  const rows = rowsOf(schema, `${key}.`)
  if (rows.length === 0 || (!hasRows && Object.keys((schema.default as object | undefined) ?? {}).length > 0)) {
    return [row(key, schema, absent)]
  }
  return [row(key, schema, absent), ...rows]
}

function row(key: string, schema: Schema, absent = ''): string {
  const cells = [
    `\`${key}\``,
    typeOf(schema),
    defaultOf(schema) || absent,
    (schema.description ?? '').replaceAll('|', '\\|'),
  ]
  return `| ${cells.join(' | ')} |`
}

function typeOf(schema: Schema): string {
  if (typeof schema.$ref === 'string') return 'rule'
  if (schema.enum !== undefined) return schema.enum.map((one) => `\`${String(one)}\``).join(', ')
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`
  if (schema.format === 'secret' || schema.format === 'duration' || schema.format === 'bytes') return schema.format
  return schema.type ?? 'any'
}

function defaultOf({ default: value }: Schema): string {
  if (value === undefined || value === '') return ''
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
    return Array.isArray(value) ? 'none' : ''
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}
