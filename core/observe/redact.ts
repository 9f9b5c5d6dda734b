/** What may go into the log: values are capped, secrets by their names and shapes are masked. @module */
import { isFault } from '@labgate/contract'

const mask = '[redacted]'
const longest = 2000
const deepest = 5
const widest = 50

const secretName =
  /authorization|cookie|password|passphrase|secret|token|api[-_]?key|private[-_]?key|verifier|assertion|nonce|credential|^csrf|^_csrf|^state$|^otp$/i
const errorCode = /^(?:ERR_[A-Z_]+|E[A-Z]{2,}|[A-Z]+(?:_[A-Z0-9]+)+)$/

function isSecretField(name: string, value: unknown): boolean {
  // An error's code is a name; any other code opens something.
  if (name === 'code') return !(typeof value === 'string' && errorCode.test(value))
  return secretName.test(name) && typeof value !== 'boolean'
}

const unprintable = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g
const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Nothing in it that one of the rules below could be about, nor a sign that JSON escapes. */
const harmless = /^[\w./:*-]*$/

/** Names of fields are words of our code: few, and always the same. */
const plainNames = new Map<string, boolean>()

function isPlainName(name: string): boolean {
  const known = plainNames.get(name)
  if (known !== undefined) return known
  const plain = name.length < 40 && harmless.test(name) && name !== 'code' && !secretName.test(name)
  if (plainNames.size < 1000) plainNames.set(name, plain)
  return plain
}

/** Whether a field may be written as it is: `redact` would leave it alone, and JSON writes it without an escape. */
export function isPlain(name: string, value: unknown): boolean {
  if (!isPlainName(name)) return false
  if (typeof value === 'string') return value.length <= longest && harmless.test(value)
  return typeof value === 'boolean' || Number.isFinite(value)
}

function arePlain(fields: Readonly<Record<string, unknown>>): boolean {
  for (const name in fields) if (!isPlain(name, fields[name])) return false
  return true
}

/** A text without queries of addresses, without bearer tokens, capped; control characters that JSON leaves alone are escaped. */
export function cleanText(text: string): string {
  if (text.length <= longest && harmless.test(text)) return text
  const capped = text.length > longest ? `${text.slice(0, longest)}… (${text.length} characters)` : text
  return capped
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s?#"'<>]*)[?#][^\s"'<>]*/gi, '$1?…')
    .replace(/\b(Bearer|Basic|DPoP)\s+[\w.~+/=-]+/gi, `$1 ${mask}`)
    .replace(unprintable, escaped)
}

function cleanError(error: Error, depth: number): Readonly<Record<string, unknown>> {
  const { code } = error as { code?: unknown }
  return {
    name: error.name,
    ...(typeof code === 'string' && errorCode.test(code) ? { code } : {}),
    message: cleanText(error.message),
    ...(isFault(error) ? { detail: cleanValue(error.detail, depth + 1) } : {}),
    stack: cleanText(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: cleanValue(error.cause, depth + 1) }),
  }
}

function cleanValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cleanText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value !== 'object' || value === null) return value
  if (depth > deepest) return '[…]'
  if (value instanceof Date) return value
  if (value instanceof URL) return cleanText(value.href)
  if (value instanceof Error) return cleanError(value, depth)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.slice(0, widest).map((item) => cleanValue(item, depth + 1))
  const { toJSON } = value as { toJSON?: unknown }
  return typeof toJSON === 'function' ? cleanValue(toJSON.call(value), depth + 1) : cleanFields(value, depth)
}

function cleanFields(fields: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(fields).slice(0, widest)
  return Object.fromEntries(
    entries.map(([name, value]) => [cleanText(name), isSecretField(name, value) ? mask : cleanValue(value, depth + 1)]),
  )
}

/** A log line's fields as they may be written down: themselves when there is nothing to change, else a copy. Never throws for odd values, and cuts what is deep or long. */
export function redact(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return arePlain(fields) ? fields : cleanFields(fields, 0)
}
