/** Cross-origin reads (Fetch §3.2) for single routes: anybody without credentials, or listed origins with them. @module */
import type { MixedCors } from '@labgate/contract'
import type { Ctx } from './context.ts'

type Origins = readonly (string | RegExp)[]
/** `'any'`: every origin, without credentials. A list: these origins, with credentials. An object: both. */
export type CorsRule = 'any' | Origins | MixedCors

/** Whether a list names an origin, by its text or by an expression. `'any'` names nobody: it is without credentials. */
export function namesOrigin(rule: CorsRule | undefined, origin: string | undefined): boolean {
  if (rule === undefined || rule === 'any' || origin === undefined) return false
  const origins = isMixed(rule) ? rule.credentials : rule
  return origins.some((one) => (typeof one === 'string' ? one === origin : one.test(origin)))
}

function isMixed(rule: CorsRule): rule is MixedCors {
  return rule !== 'any' && !Array.isArray(rule)
}

const preflightSeconds = 600

function allowedOrigin(origin: string | undefined, rule: CorsRule): string | undefined {
  if (rule === 'any') return '*'
  if (namesOrigin(rule, origin)) return origin
  return isMixed(rule) ? '*' : undefined
}

/** The headers of an answer to `asking`, name and value, but for `Vary`; none for an origin that is not listed. */
export function corsHeaders(rule: CorsRule, asking: string | undefined): readonly (readonly [string, string])[] {
  const origin = allowedOrigin(asking, rule)
  if (origin === undefined) return []
  return [
    ['Access-Control-Allow-Origin', origin],
    ['Access-Control-Expose-Headers', 'WWW-Authenticate, Retry-After, X-Request-Id'],
    ...(origin === '*' ? [] : [['Access-Control-Allow-Credentials', 'true'] as const]),
  ]
}

/** Whether answers differ by the origin that asks. */
export function variesByOrigin(rule: CorsRule): boolean {
  return rule !== 'any'
}

/** Sets the headers of an answer; for an origin that is not listed only `Vary`. */
export function setCors(ctx: Ctx, rule: CorsRule): void {
  if (variesByOrigin(rule)) ctx.vary('Origin')
  for (const [name, value] of corsHeaders(rule, ctx.req.headers.origin)) ctx.set(name, value)
}

/** Answers a preflight; `methods` are those of all routes on the path. */
export function answerPreflight(ctx: Ctx, rule: CorsRule, methods: readonly string[]): void {
  setCors(ctx, rule)
  ctx.vary('Access-Control-Request-Headers')
  ctx.status = 204
  if (allowedOrigin(ctx.req.headers.origin, rule) === undefined) return
  ctx.set('Access-Control-Allow-Methods', methods.join(', '))
  const headers = isMixed(rule) ? rule.headers?.join(', ') : undefined
  const asked = ctx.get('access-control-request-headers') || 'authorization, content-type'
  ctx.set('Access-Control-Allow-Headers', headers ?? asked)
  ctx.set('Access-Control-Max-Age', String(preflightSeconds))
}
