/** The human spellings of a config: lengths of time and sizes, and their translation along a schema. @module */
import { isSecret, type Schema, type Secret } from '@labgate/contract'
import type { Path } from './problems.ts'

const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }
const sizes: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }

/** Seconds of `90s`, `15m`, `24h`, `7d`: one whole number, one unit. `undefined` when the text is none. */
export function parseDuration(text: string): number | undefined {
  return times(/^(\d{1,9})([smhd])$/.exec(text), seconds)
}

/** As a config writes a length of time: `8h`, in the largest unit that it fills. */
export function durationText(length: number): string {
  const [unit, one] = Object.entries(seconds).findLast(([, each]) => length % each === 0) ?? ['s', 1]
  return `${length / one}${unit}`
}

/** Bytes of `512k`, `20m`, `2g`, `1t` (powers of 1024) or a plain number of bytes. `undefined` when the text is none. */
export function parseBytes(text: string): number | undefined {
  return times(/^(\d{1,15})([kmgt]?)$/.exec(text), sizes)
}

/**
 * The instant of `2027-03-31T18:00:00Z` (RFC 3339), or of a date in UTC: its beginning, or its end for what lasts
 * until that day. `undefined` when the text is none.
 */
export function parseInstant(text: string, of: 'begin' | 'end'): Date | undefined {
  const match = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/.exec(text)
  const day = Date.parse(`${match?.[1]}T00:00:00Z`)
  // A day that no month has is moved on by the parser: 31 April.
  if (match === null || Number.isNaN(day) || new Date(day).toISOString().slice(0, 10) !== match[1]) return undefined
  const time = match[2] === undefined ? day + (of === 'end' ? 86_400_000 : 0) : Date.parse(text)
  return Number.isNaN(time) ? undefined : new Date(time)
}

function times(match: RegExpExecArray | null, units: Readonly<Record<string, number>>): number | undefined {
  const unit = units[match?.[2] ?? '?']
  const value = unit === undefined ? Number.NaN : Number(match?.[1]) * unit
  return Number.isSafeInteger(value) ? value : undefined
}

/** What `translate` needs besides schema and value. */
export interface Translation {
  readonly path: Path
  /** Reads a `{ env }` or `{ file }` reference; `undefined` when it could not, having told somebody. */
  readonly secret: (reference: unknown, path: Path) => Secret | undefined
}

/**
 * A copy of a checked value in which durations are seconds, sizes are bytes and secret references are secrets.
 * Walks `properties`, `items` and `additionalProperties`; a spelling that cannot be read stays as it is.
 */
export function translate(schema: Schema, value: unknown, by: Translation): unknown {
  if (schema.format === 'secret') return isSecret(value) ? value : by.secret(value, by.path)
  if (typeof value === 'string') return translateText(schema, value)
  if (Array.isArray(value)) return translateItems(schema, value, by)
  return isPlainObject(value) ? translateObject(schema, value, by) : value
}

function translateText(schema: Schema, text: string): unknown {
  if (schema.format === 'duration') return parseDuration(text) ?? text
  if (schema.format === 'bytes') return parseBytes(text) ?? text
  return text
}

function translateItems(schema: Schema, items: readonly unknown[], by: Translation): unknown[] {
  const of = schema.items
  return of === undefined
    ? [...items]
    : items.map((item, index) => translate(of, item, { ...by, path: [...by.path, index] }))
}

function translateObject(schema: Schema, value: Readonly<Record<string, unknown>>, by: Translation): unknown {
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => {
      const of = schemaOf(schema, key)
      return [key, of === undefined ? part : translate(of, part, { ...by, path: [...by.path, key] })]
    }),
  )
}

/** The schema of one member of an object, if it has one. */
export function schemaOf(schema: Schema, key: string): Schema | undefined {
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, key)) return schema.properties[key]
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
}

/** Whether a value is an object of YAML or JSON: neither a list nor a class's instance. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
