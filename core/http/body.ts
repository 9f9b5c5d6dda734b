/** Request bodies: forms, JSON and bytes, each with a cap, read only where a route asks for it. @module */
import { Fault, isFault } from '@labgate/contract'
import readRaw from 'raw-body'
import type { Ctx } from './context.ts'

/** What a route takes. */
export interface BodyRule {
  readonly type: 'form' | 'json' | 'raw'
  /** Largest size in bytes; default 64 KiB. */
  readonly limit?: number
  /** Names that a form may send more than once. */
  readonly repeat?: readonly string[]
}

/** Largest body where a route does not say otherwise. */
export const defaultBodyLimit = 64 * 1024

const mediaTypes = { form: 'application/x-www-form-urlencoded', json: 'application/json' } as const

function tooLarge(limit: number, cause?: unknown): Fault {
  return new Fault('ERR_TOO_LARGE', `The request is larger than the ${limit} bytes that are taken here.`, { cause })
}

function unreadable(what: string, cause?: unknown): Fault {
  return new Fault('ERR_INPUT', what, { cause })
}

const none = Buffer.alloc(0)

async function readBytes(ctx: Ctx, limit: number): Promise<Buffer> {
  const { length } = ctx.request
  // RFC 9112 §6.3: a request that names neither has no body; of one of no length the parser lets nothing come.
  if (!length && ctx.req.headers['transfer-encoding'] === undefined) return none
  if (length !== undefined && length > limit) throw tooLarge(limit)
  try {
    return await readRaw(ctx.req, { limit, length: length ?? null })
  } catch (error) {
    const { type } = error as { type?: unknown }
    throw type === 'entity.too.large' ? tooLarge(limit, error) : unreadable('The request broke off.', error)
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw unreadable('The request is not valid UTF-8.', error)
  }
}

/** Parses a form. A name sent twice is refused, unless listed in `repeat`: two readers could pick different values. @throws Fault ERR_INPUT */
export function parseForm(text: string, repeat: readonly string[] = []): URLSearchParams {
  const form = new URLSearchParams(text)
  if (form.size > 1000) throw unreadable('The form has too many fields.')
  for (const name of new Set(form.keys())) {
    if (!repeat.includes(name) && form.getAll(name).length > 1) throw unreadable('The form has a field twice.')
  }
  return form
}

function refuseProto(key: string, value: unknown): unknown {
  if (key === '__proto__') throw unreadable('The JSON has a key that is not taken.')
  return value
}

/** Parses JSON without `__proto__` keys. @throws Fault ERR_INPUT */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, refuseProto)
  } catch (error) {
    throw isFault(error) ? error : unreadable('The request is not valid JSON.', error)
  }
}

function assertMediaType(ctx: Ctx, type: 'form' | 'json'): void {
  const given = ctx.get('content-type').split(';')[0]?.trim().toLowerCase() ?? ''
  const fits = given === mediaTypes[type] || (type === 'json' && /^application\/[\w.-]+\+json$/.test(given))
  if (!fits) throw new Fault('ERR_MEDIA_TYPE', `The request must be ${mediaTypes[type]}.`)
}

/** Whether a route for bytes got none, as most that only answer do. */
export function isWithoutBody({ req: { headers } }: Ctx, { type }: BodyRule): boolean {
  return (
    type === 'raw' &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    headers['content-encoding'] === undefined
  )
}

/** Reads the body into `ctx.state.form`, `.json` or `.raw`. @throws Fault ERR_TOO_LARGE, ERR_MEDIA_TYPE, ERR_INPUT */
export async function readBody(ctx: Ctx, rule: BodyRule): Promise<void> {
  if (ctx.get('content-encoding') !== '') throw new Fault('ERR_MEDIA_TYPE', 'A compressed request is not taken.')
  const bytes = await readBytes(ctx, rule.limit ?? defaultBodyLimit)
  if (rule.type === 'raw') {
    ctx.state.raw = bytes
    return
  }
  // A form without fields is sent by some clients without a type.
  if (rule.type === 'json' || bytes.length > 0) assertMediaType(ctx, rule.type)
  if (rule.type === 'json') ctx.state.json = parseJson(textOf(bytes))
  else ctx.state.form = parseForm(textOf(bytes), rule.repeat)
}
