/** Words of the admin API's schemas that several resources share. @module */
import type { Schema } from '@labgate/contract'

/** Text of one line: no control characters, no lone surrogates, no line or paragraph separators. */
const onOneLine = '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\ud800-\\udfff]*$'
/** Text of many lines: tabs and line ends are let by. */
const onLines = '^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\ud800-\\udfff]*$'

/** Text of one line. */
export function line<const D extends string>(description: D, maxLength = 200) {
  return { type: 'string', description, minLength: 1, maxLength, pattern: onOneLine } as const
}

/** Text of one line that may be empty. */
export function maybeLine<const D extends string>(description: D, maxLength = 200) {
  return { type: 'string', description, maxLength, pattern: onOneLine } as const
}

/** Text of many lines. */
export function lines<const D extends string>(description: D, maxLength = 10_000) {
  return { type: 'string', description, maxLength, pattern: onLines } as const
}

/** An instant as it is sent and answered: RFC 3339 in UTC or with an offset. */
export function instant<const D extends string>(description: D) {
  return { type: 'string', format: 'date-time', description } as const
}

/** A part of a path: an id, a slug, a username. */
export function name<const D extends string>(description: D) {
  return { type: 'string', description, minLength: 1, maxLength: 300, pattern: onOneLine } as const
}

/** A number in a path. */
export function rowId<const D extends string>(description: D) {
  return { type: 'string', description, pattern: '^[1-9][0-9]{0,14}$' } as const
}

export const level = {
  type: 'string',
  enum: ['view', 'edit', 'manage', 'admin'],
  description: 'A level; each contains those before it.',
} as const

/** The levels of invitations and requests. */
export const source = {
  type: 'string',
  enum: ['database', 'config', 'import'],
  description: 'Who keeps it. What the config keeps is changed in the config file only.',
} as const

/** Which page of a list. */
export const paging = {
  limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100, description: 'How many items at most.' },
  after: {
    type: 'string',
    minLength: 1,
    maxLength: 300,
    pattern: onOneLine,
    description: '`next` of the page before.',
  },
} as const

/** Paging with a search. */
export const searching = {
  ...paging,
  search: { type: 'string', minLength: 1, maxLength: 200, pattern: onOneLine, description: 'Part of a name.' },
} as const

/** A reference to a named schema of the document. */
export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` }
}

/** One page of a list. */
export function pageOf(items: Schema): Schema {
  return {
    type: 'object',
    description: 'One page.',
    additionalProperties: false,
    required: ['items'],
    properties: {
      items: { type: 'array', items, description: 'The items of this page.' },
      total: {
        type: 'integer',
        minimum: 0,
        description: 'How many there are in all; absent where counting would cost too much (the audit trail).',
      },
      next: { type: 'string', description: 'Sent as `after` it gives the next page; absent on the last.' },
    },
  }
}

/** An object whose listed properties are all there, but those named optional. */
export function record(
  description: string,
  properties: Readonly<Record<string, Schema>>,
  optional: readonly string[] = [],
): Schema {
  const required = Object.keys(properties).filter((key) => !optional.includes(key))
  return { type: 'object', description, additionalProperties: false, required, properties }
}

/** Plain words of an answer. */
export function text(description: string): Schema {
  return { type: 'string', description }
}

/** A list in an answer. */
export function listOf(items: Schema, description: string): Schema {
  return { type: 'array', items, description }
}

/** A page of the rooms as a page of the API. */
export function page<T>({ rows, total, next }: { rows: readonly T[]; total?: number; next?: string | undefined }) {
  return { items: rows, total, next }
}
