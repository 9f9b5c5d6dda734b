/**
 * A plugin's config: JSON Schema 2020-12 written `as const`; its TypeScript type is inferred from it.
 * `duration`, `bytes` and `secret` are the three human spellings the core translates before `create`.
 * @module
 */
/** The part of JSON Schema 2020-12 that configs are written in. ajv checks the whole of it; the types follow this much. */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'null'
  readonly description?: string
  readonly default?: unknown
  readonly format?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly [keyword: string]: unknown
}

/** A config schema: an object that refuses unknown keys. */
export type ConfigSchema = Schema & { readonly type: 'object'; readonly additionalProperties: false }

const brand: unique symbol = Symbol.for('labgate.secret') as never

/** A secret: masked wherever it is printed, shown only by `reveal()`. */
export interface Secret {
  readonly [brand]: true
  reveal(): string
  toString(): string
  toJSON(): string
}

const masked = '[secret]'

/** Wraps a secret so that JSON, logs and inspection print a mask. */
export function secretOf(value: string): Secret {
  return Object.freeze({
    [brand]: true as const,
    reveal: () => value,
    toString: () => masked,
    toJSON: () => masked,
    [Symbol.for('nodejs.util.inspect.custom')]: () => masked,
  })
}

/** Whether a value is a {@link Secret}, of this copy of the contract or of another. */
export function isSecret(value: unknown): value is Secret {
  return typeof value === 'object' && value !== null && (value as { [brand]?: unknown })[brand] === true
}

interface Described {
  /** What it is and what its unit means; it becomes the documentation. */
  readonly description: string
}

/** A length of time, written `90s`, `15m`, `24h`, `7d` in the file and handed over as whole seconds. */
export function duration<const O extends Described & { readonly default?: string }>(
  options: O,
): O & { readonly type: 'string'; readonly format: 'duration' } {
  return { ...options, type: 'string', format: 'duration' }
}

/** A size, written `512k`, `20m`, `2g` (powers of 1024) in the file and handed over as whole bytes. */
export function bytes<const O extends Described & { readonly default?: string }>(
  options: O,
): O & { readonly type: 'string'; readonly format: 'bytes' } {
  return { ...options, type: 'string', format: 'bytes' }
}

/** A secret, written as `{ env: NAME }` or `{ file: PATH }` in the file and handed over as a {@link Secret}. */
export function secret<const O extends Described>(
  options: O,
): O & { readonly type: 'object'; readonly format: 'secret' } {
  return { ...options, type: 'object', format: 'secret' }
}

type Flat<T> = { readonly [K in keyof T]: T[K] }
type Given<S extends Schema, P> = (S['required'] extends readonly (infer R)[] ? R & keyof P : never) | Defaulted<P>
type Defaulted<P> = { [K in keyof P]: P[K] extends { readonly default: unknown } ? K : never }[keyof P]

type ObjectOf<S extends Schema> = S['properties'] extends infer P extends Readonly<Record<string, Schema>>
  ? Flat<{ [K in Given<S, P>]: ValueOf<P[K]> } & { [K in Exclude<keyof P, Given<S, P>>]?: ValueOf<P[K]> }>
  : S['additionalProperties'] extends infer A extends Schema
    ? Readonly<Record<string, ValueOf<A>>>
    : Readonly<Record<string, unknown>>

type ValueOf<S extends Schema> = S extends { readonly format: 'secret' }
  ? Secret
  : S extends { readonly format: 'duration' | 'bytes' }
    ? number
    : S extends { readonly const: infer C }
      ? C
      : S extends { readonly enum: readonly (infer E)[] }
        ? E
        : S extends { readonly type: 'string' }
          ? string
          : S extends { readonly type: 'integer' | 'number' }
            ? number
            : S extends { readonly type: 'boolean' }
              ? boolean
              : S extends { readonly type: 'array'; readonly items: infer I extends Schema }
                ? readonly ValueOf<I>[]
                : S extends { readonly type: 'object' }
                  ? ObjectOf<S>
                  : unknown

/** The TypeScript type of a config: what `create` receives, defaults filled in, spellings translated. */
export type ConfigOf<S extends Schema> = ValueOf<S>
