/** Who asks a route of a dialect, by the guard that its claim names. @module */
import {
  Fault,
  type Principal,
  type RouteAsk,
  type RouteClaim,
  type TokenGuard,
  type TokenTrouble,
} from '@labgate/contract'
import type { Ctx } from './context.ts'
import type { DialectNeeds, PlacedClaim } from './dialect-place.ts'
import { cameFrom, isOwnDoing, presentedIn, proofIn } from './dialect-token.ts'

/** A token is what most routes want, and has no steps before it. */
export function principalOf(ctx: Ctx, place: PlacedClaim, needs: DialectNeeds): ReturnType<typeof principalByGuard> {
  const { guard } = place.claim
  return typeof guard === 'object' && guard.withoutToken === undefined
    ? byToken(ctx, place, { rule: guard.token, needs })
    : principalByGuard(ctx, place, needs)
}

async function principalByGuard(
  ctx: Ctx,
  place: PlacedClaim,
  needs: DialectNeeds,
): Promise<Principal | 'sign-in' | 'answer-questions' | 'accept-terms' | undefined> {
  const { guard, method } = place.claim
  if (guard === 'public') {
    if (place.claim.crossSiteCookie !== 'read') return isOwnDoing(ctx, place) ? needs.bySession(ctx) : undefined
    // By the browser's word alone: an origin that is listed, never one that is not told.
    const isOwn = cameFrom(ctx, place) === 'same-origin'
    const known = isOwn || method === 'GET' ? await needs.bySession(ctx) : undefined
    return known ?? (isOwn ? needs.byCrossSite(ctx, place) : undefined)
  }
  if (guard === 'session') {
    const principal = await needs.bySession(ctx)
    if (principal) {
      if (await needs.owesAnswers(principal)) {
        if (method !== 'GET')
          return refuse(ctx, place, { needs, principal, why: 'questions', message: needs.text(ctx, 'profile.needed') })
        return 'answer-questions'
      }
      if (!(await needs.owesTerms(principal, place))) return principal
      if (method !== 'GET')
        return refuse(ctx, place, { needs, principal, why: 'terms', message: needs.text(ctx, 'terms.needed') })
      return 'accept-terms'
    }
    if (method !== 'GET') throw new Fault('ERR_UNAUTHENTICATED', 'Please sign in first.')
    return 'sign-in'
  }
  if (guard.withoutToken !== undefined && presentedIn(ctx, place, guard.token) === undefined) {
    if (guard.withoutToken === 'anyone') return isOwnDoing(ctx, place) ? needs.bySession(ctx) : undefined
    return guard.withoutToken === 'session'
      ? bySessionInstead(ctx, place, needs)
      : bySessionOrRefused(ctx, place, needs)
  }
  return byToken(ctx, place, { rule: guard.token, needs })
}

/** As the guard `session`, on a route whose own checks of the origin are off. */
async function bySessionInstead(ctx: Ctx, place: PlacedClaim, needs: DialectNeeds) {
  if (!isOwnDoing(ctx, place)) throw new Fault('ERR_UNAUTHENTICATED', 'Please sign in first.')
  return principalOf(ctx, { ...place, claim: { ...place.claim, guard: 'session' } }, needs)
}

/** As `bySessionInstead`, for answers that scripts read: a page in their place would be taken for one. */
async function bySessionOrRefused(ctx: Ctx, place: PlacedClaim, needs: DialectNeeds): Promise<Principal> {
  const principal = isOwnDoing(ctx, place) ? await needs.bySession(ctx) : undefined
  if (!principal) {
    const token: TokenTrouble = 'none'
    throw new Fault('ERR_UNAUTHENTICATED', 'Please sign in first.', { detail: { token } })
  }
  if (await needs.owesAnswers(principal))
    return refuse(ctx, place, { needs, principal, why: 'questions', message: needs.text(ctx, 'profile.needed') })
  if (await needs.owesTerms(principal, place))
    return refuse(ctx, place, { needs, principal, why: 'terms', message: needs.text(ctx, 'terms.needed') })
  return principal
}

export function letsAnyoneIn({ guard }: RouteClaim): boolean {
  return typeof guard === 'object' && guard.withoutToken === 'anyone'
}

export async function owesOf(principal: Principal, place: PlacedClaim, needs: DialectNeeds): Promise<RouteAsk['owes']> {
  // Questions are asked in a browser: a program cannot answer them.
  if (principal.via === 'session' && (await needs.owesAnswers(principal))) return 'questions'
  return (await needs.owesTerms(principal, place)) ? 'terms' : undefined
}

async function byToken(
  ctx: Ctx,
  place: PlacedClaim,
  { rule, needs }: { rule: TokenGuard['token']; needs: DialectNeeds },
): Promise<Principal> {
  const presented = presentedIn(ctx, place, rule)
  const { origin } = place
  const value = presented?.value
  const proof = proofIn(ctx, place, rule)
  const principal =
    value === undefined ? undefined : await needs.byToken({ value, origin, address: ctx.state.address, proof })
  if (!principal) {
    const scheme = proof === undefined ? 'Bearer' : 'DPoP'
    ctx.set('WWW-Authenticate', presented === undefined ? 'Bearer' : `${scheme} error="invalid_token"`)
    const token: TokenTrouble = presented === undefined ? 'none' : (presented.trouble ?? 'invalid')
    throw new Fault('ERR_UNAUTHENTICATED', 'A valid token is needed.', { detail: { token } })
  }
  const { scopes } = principal
  const missing = rule.scopes?.filter((scope) => !scopes.includes(scope) && !scopes.includes('*')) ?? []
  if (missing.length === 0) return principal
  ctx.set('WWW-Authenticate', `Bearer error="insufficient_scope", scope="${missing.join(' ')}"`)
  return refuse(ctx, place, {
    needs,
    principal,
    why: 'scope',
    message: `The token lacks the scope ${missing.join(' ')}.`,
  })
}

interface Refused {
  readonly needs: DialectNeeds
  readonly principal: Principal
  readonly why: 'questions' | 'terms' | 'scope'
  readonly message: string
}

/** Refuses before the handler. Written down, because the page shows a code. */
async function refuse(ctx: Ctx, { instance }: PlacedClaim, refused: Refused): Promise<never> {
  const { needs, principal, why, message } = refused
  await needs.noteRefusal(ctx, { instance, principal, detail: { why } })
  throw new Fault('ERR_FORBIDDEN', message)
}
