/** Checks what is sent against the operation's schemas; errors name the field and never repeat its value. @module */
import { Fault, type Schema } from '@labgate/contract'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { BodySchema, Operation } from './operation.ts'

/** Checks of one operation. */
export interface Checks {
  body(value: unknown): unknown
  query(given: Readonly<Record<string, unknown>>): Record<string, unknown>
  params(given: Readonly<Record<string, string>>): Record<string, string>
}

const options = {
  strict: true,
  strictRequired: false,
  allErrors: false,
  ownProperties: true,
  useDefaults: true,
} as const

function compilerOf(more: { coerceTypes?: boolean }): Ajv2020 {
  const ajv = new Ajv2020({ ...options, ...more })
  // RFC 3339 with `T` and a zone: what `Date` reads the same way everywhere.
  addFormats.default(ajv, { mode: 'full', formats: ['date-time'] })
  return ajv
}

const exact = once(() => compilerOf({}))
// Addresses know text alone; so `10` may become a number there, and there only.
const fromText = once(() => compilerOf({ coerceTypes: true }))

/** Makes the checks of an operation; each is compiled when it is first needed. */
export function checksOf({ params, query, body }: Pick<Operation, 'params' | 'query' | 'body'>): Checks {
  const bodyCheck = once(() => body && exact().compile(body))
  const queryCheck = once(() => fromText().compile(objectOf(query)))
  const paramsCheck = once(() => exact().compile(objectOf(params)))
  return {
    body(value) {
      const check = bodyCheck()
      if (check) assertValid(check, value, 'The body')
      return value
    },
    query(given) {
      const copy = { ...given }
      assertValid(queryCheck(), copy, 'The query')
      return copy
    },
    params(given) {
      const copy = { ...given }
      assertValid(paramsCheck(), copy, 'The path')
      return copy
    },
  }
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

function objectOf(properties: Readonly<Record<string, Schema>>): BodySchema {
  return { type: 'object', additionalProperties: false, properties }
}

function assertValid(validate: ValidateFunction, value: unknown, what: string): void {
  if (validate(value)) return
  const [error] = validate.errors ?? []
  const said = error === undefined ? `${what} is not of its form.` : sentenceOf(error, what)
  throw new Fault('ERR_INPUT', said, { detail: { field: error === undefined ? '' : fieldOf(error) } })
}

/** `conditions.facts[0].claim`, from a JSON pointer (RFC 6901). */
function fieldOf({ instancePath, keyword, params }: ErrorObject): string {
  const steps = instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  const extra =
    keyword === 'required'
      ? [params.missingProperty as string]
      : keyword === 'additionalProperties'
        ? [params.additionalProperty as string]
        : []
  return [...steps, ...extra]
    .map((step, index) => (/^\d+$/.test(step) ? `[${step}]` : `${index > 0 ? '.' : ''}${step}`))
    .join('')
    .slice(0, 100)
    .replaceAll(/[^\x20-\x7e]/g, '?')
}

function sentenceOf(error: ErrorObject, what: string): string {
  const field = fieldOf(error)
  const where = field === '' ? what : `${what}'s \`${field}\``
  switch (error.keyword) {
    case 'required':
      return `${where} is missing.`
    case 'additionalProperties':
      return `${where} is not known here.`
    case 'enum':
      return `${where} must be one of ${(error.params.allowedValues as readonly unknown[]).join(', ')}.`
    case 'pattern':
      return `${where} has a character, or a form, that is not taken.`
    default:
      return `${where} ${error.message ?? 'is not of its form'}.`
  }
}
