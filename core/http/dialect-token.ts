/** Where a dialect's token is looked for in a request: header, cookies, query; and what a browser says of who made it ask. @module */
import type { TokenGuard, TokenTrouble } from '@labgate/contract'
import type { Ctx } from './context.ts'
import { namesOrigin } from './cors.ts'
import { provenanceOf } from './csrf.ts'
import type { PlacedClaim, Proof } from './dialect-place.ts'
import { readCookie } from './session.ts'

/** A public route that changes something must not act for a person whose browser was made to call it by another site. */
export function isOwnDoing(ctx: Ctx, place: PlacedClaim): boolean {
  return place.claim.method === 'GET' || cameFrom(ctx, place) === 'same-origin'
}

/** A browser was made to change something by another site: then its cookies say nothing, a token in one of them neither. */
function isForeign(ctx: Ctx, place: PlacedClaim): boolean {
  return place.claim.method !== 'GET' && cameFrom(ctx, place) === 'cross'
}

/** What the browser says of where a request came from; a listed origin counts as our own. */
export function cameFrom(ctx: Ctx, { claim, origin }: PlacedClaim) {
  const asking = ctx.req.headers.origin ?? ''
  return provenanceOf(ctx.req, namesOrigin(claim.cors, asking) ? [origin, asking] : [origin])
}

/** A token as it came, or why there is none that counts. */
export interface FoundToken {
  readonly value?: string
  readonly trouble?: TokenTrouble
}

/** What the claim's places hold; `undefined`: no token at all. */
export function presentedIn(ctx: Ctx, place: PlacedClaim, claimed: TokenGuard['token']): FoundToken | undefined {
  const rule = isForeign(ctx, place) ? { ...claimed, cookies: [] } : claimed
  const inHeader = tokenInHeader(ctx, rule)
  if (rule.doubtful === 'refuse') {
    if (inHeader === undefined && ctx.get(rule.header ?? 'authorization') !== '') return { trouble: 'scheme' }
    const inCookie = tokenElsewhere(ctx, { ...rule, query: [] })
    if (inHeader !== undefined && inCookie !== undefined && inHeader !== inCookie) return { trouble: 'conflict' }
  }
  const value = inHeader ?? tokenElsewhere(ctx, rule)
  return value === undefined ? undefined : { value }
}

/** Header, then cookies, then query, in the order of the claim (RFC 6750 §2). */
function tokenInHeader(ctx: Ctx, rule: TokenGuard['token']): string | undefined {
  const header = ctx.get(rule.header ?? 'authorization')
  const scheme = rule.scheme ?? 'Bearer'
  if (header !== '' && scheme === '') return header
  if (header.toLowerCase().startsWith(`${scheme.toLowerCase()} `)) return header.slice(scheme.length + 1).trim()
  return isProving(header, rule) ? header.slice(5).trim() : undefined
}

/** Wherever a plain bearer token is taken, one with a proof of its key is, too. */
function isProving(header: string, { scheme = 'Bearer' }: TokenGuard['token']): boolean {
  return scheme === 'Bearer' && /^dpop /i.test(header)
}

/** The proof that came with a token of the scheme `DPoP`. */
export function proofIn(ctx: Ctx, { origin }: PlacedClaim, rule: TokenGuard['token']): Proof | undefined {
  if (!isProving(ctx.get(rule.header ?? 'authorization'), rule)) return undefined
  return { jwt: ctx.get('dpop'), method: ctx.method, url: origin + ctx.path }
}

function tokenElsewhere(ctx: Ctx, rule: Pick<TokenGuard['token'], 'cookies' | 'query'>): string | undefined {
  for (const name of rule.cookies ?? []) {
    const value = readCookie(ctx.req, name)
    if (value !== undefined) return value
  }
  if (rule.query === undefined || !ctx.req.url?.includes('?')) return undefined
  for (const name of rule.query) {
    const value = ctx.query[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}
