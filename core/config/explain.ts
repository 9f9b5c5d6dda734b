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

/** All errors of one check in words; of a choice (`anyOf`, `oneOf`) only what says most. */
export function explainAll(errors: readonly ErrorObject[]): Said[] {
  const choices = errors.filter(isChoice)
  const inner = (error: ErrorObject) =>
    choices.find((choice) => choice !== error && error.schemaPath.startsWith(`${choice.schemaPath}/`))
  const isDeeper = (error: ErrorObject) => error.instancePath !== inner(error)?.instancePath || error.keyword !== 'type'
  return errors.flatMap((error) => {
    if (inner(error) !== undefined && !isDeeper(error)) return []
    if (isChoice(error) && errors.some((other) => inner(other) === error && isDeeper(other))) return []
    return explain(error) ?? []
  })
}

function isChoice({ keyword }: ErrorObject): boolean {
  return keyword === 'anyOf' || keyword === 'oneOf'
}

/** An error in words; `undefined` for those that only repeat what another one says. */
function explain(error: ErrorObject): Said | undefined {
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
    // What is wrong may be that a password stands in it.
    const shown = typeof data === 'string' ? data.replace(/:\/\/[^/\s]*@/, '://…@').replace(/\?.*/, '?…') : data
    return `must be ${wants ?? `a valid ${params.format}`}, got ${JSON.stringify(shown)}`
  }
  if (isChoice(error)) return choiceWords(error)
  if (keyword === 'not') return notWords(error)
  if (keyword === 'minLength' && params.limit === 1) return 'must not be empty'
  return error.message ?? `breaks the rule \`${keyword}\``
}

function choiceWords({ keyword, schema, data }: ErrorObject): string {
  const types = Array.isArray(schema) ? schema.map((one: { readonly type?: unknown }) => one.type) : []
  if (types.length === 0 || !types.every((type) => typeof type === 'string')) {
    return `must fit ${keyword === 'oneOf' ? 'exactly one' : 'one'} of the forms that are described for it`
  }
  return `must be ${types.map(withArticle).join(' or ')}, got ${kindOf(data)}`
}

function notWords({ schema }: ErrorObject): string {
  const required = typeof schema === 'object' && schema !== null && 'required' in schema ? schema.required : undefined
  if (!Array.isArray(required)) return 'is one of the values that are not allowed'
  return `${required.map((key) => `\`${String(key)}\``).join(' and ')} do not go together`
}

function enumWords(allowed: unknown, data: unknown): string {
  const list = Array.isArray(allowed) ? allowed.map(String) : []
  const hint = typeof data === 'string' ? didYouMean(data, list) : ''
  return `must be one of ${list.join(', ')}, got ${JSON.stringify(data)}${hint}`
}

function withArticle(type: string): string {
  if (type === 'array') return 'a list'
  if (type === 'null') return 'null'
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
