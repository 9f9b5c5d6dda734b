/** Cross-origin reads (Fetch §3.2) for single routes: anybody without credentials, or listed origins with them. @module */
import type { Ctx } from './context.ts'

/** `'any'`: every origin, without credentials. A list: these origins, with credentials. */
export type CorsRule = 'any' | readonly (string | RegExp)[]

/** Whether a list names an origin, by its text or by an expression. `'any'` names nobody: it is without credentials. */
export function namesOrigin(rule: CorsRule | undefined, origin: string | undefined): boolean {
  if (rule === undefined || rule === 'any' || origin === undefined) return false
  return rule.some((one) => (typeof one === 'string' ? one === origin : one.test(origin)))
}

const preflightSeconds = 600

function allowedOrigin(ctx: Ctx, rule: CorsRule): string | undefined {
  const origin = ctx.get('origin')
  if (rule === 'any') return '*'
  return namesOrigin(rule, origin) ? origin : undefined
}

/** Sets the headers of an answer; for an origin that is not listed only `Vary`. */
export function setCors(ctx: Ctx, rule: CorsRule): void {
  if (rule !== 'any') ctx.vary('Origin')
  const origin = allowedOrigin(ctx, rule)
  if (origin === undefined) return
  ctx.set('Access-Control-Allow-Origin', origin)
  ctx.set('Access-Control-Expose-Headers', 'WWW-Authenticate, Retry-After, X-Request-Id')
  if (rule !== 'any') ctx.set('Access-Control-Allow-Credentials', 'true')
}

/** Answers a preflight; `methods` are those of all routes on the path. */
export function answerPreflight(ctx: Ctx, rule: CorsRule, methods: readonly string[]): void {
  setCors(ctx, rule)
  ctx.vary('Access-Control-Request-Headers')
  ctx.status = 204
  if (allowedOrigin(ctx, rule) === undefined) return
  ctx.set('Access-Control-Allow-Methods', methods.join(', '))
  ctx.set('Access-Control-Allow-Headers', ctx.get('access-control-request-headers') || 'authorization, content-type')
  ctx.set('Access-Control-Max-Age', String(preflightSeconds))
}
