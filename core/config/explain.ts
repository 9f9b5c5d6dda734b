/** Turns ajv's errors into an operator's words. @module */
import type { ErrorObject } from 'ajv'
import { commonWants, formats } from './formats.ts'
import type { Path } from './problems.ts'
import { didYouMean } from './suggest.ts'

/** What is wrong, below which path, and whether the key or its value is meant. */
export interface Said {
  readonly path: Path
  readonly part: 'key' | 'value'
  readonly message: string
}

/** An error in words; `undefined` for those that only repeat what another one says. */
export function explain(error: ErrorObject): Said | undefined {
  const path = pointerPath(error)
  if (error.propertyName !== undefined) {
    return { path: [...path, error.propertyName], part: 'key', message: `the key ${words(error)}` }
  }
  if (error.keyword === 'additionalProperties' || error.keyword === 'unevaluatedProperties')
    return unknownKey(error, path)
  if (error.keyword === 'required') {
    return { path, part: 'key', message: `\`${String(error.params.missingProperty)}\` is missing` }
  }
  if (error.keyword === 'if' || error.keyword === 'propertyNames') return undefined
  return { path, part: 'value', message: words(error) }
}

function unknownKey(error: ErrorObject, path: Path): Said {
  const key = String(error.params.additionalProperty ?? error.params.unevaluatedProperty)
  const known = Object.keys((error.parentSchema?.properties as object | undefined) ?? {})
  return { path: [...path, key], part: 'key', message: `unknown key${didYouMean(key, known)}` }
}

function words(error: ErrorObject): string {
  const { keyword, params, data } = error
  if (keyword === 'type') return `must be ${withArticle(String(params.type))}, got ${kindOf(data)}`
  if (keyword === 'enum') return enumWords(params.allowedValues, data)
  if (keyword === 'const') return `must be ${JSON.stringify(params.allowedValue)}`
  if (keyword === 'format') {
    const wants = formats[params.format]?.wants ?? commonWants[params.format]
    return `must be ${wants ?? `a valid ${params.format}`}, got ${JSON.stringify(data)}`
  }
  if (keyword === 'minLength' && params.limit === 1) return 'must not be empty'
  return error.message ?? `breaks the rule \`${keyword}\``
}

function enumWords(allowed: unknown, data: unknown): string {
  const list = Array.isArray(allowed) ? allowed.map(String) : []
  const hint = typeof data === 'string' ? didYouMean(data, list) : ''
  return `must be one of ${list.join(', ')}, got ${JSON.stringify(data)}${hint}`
}

function withArticle(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`
}

/** What a value is, without showing it when it is not a plain scalar. */
function kindOf(data: unknown): string {
  if (data === null) return 'nothing (null)'
  if (Array.isArray(data)) return 'a list'
  if (typeof data === 'object') return 'an object'
  return `${JSON.stringify(data)} (${typeof data})`
}

/** RFC 6901, with numbers for the indexes of lists. */
function pointerPath(error: ErrorObject): Path {
  const steps = error.instancePath.split('/').slice(1)
  return steps.map((step) => {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    return /^(0|[1-9]\d*)$/.test(key) ? Number(key) : key
  })
}
