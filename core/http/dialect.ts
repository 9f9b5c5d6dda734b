/**
 * From a dialect's route claims to routes of the table: its guard, its CORS, its errors, and its answers turned
 * into responses. What an adapter may not decide (who asks, cookies' attributes, caps) is decided here.
 * @module
 */

import type { Page } from '@labgate/contract'
import {
  type AuthzAdapter,
  type Cookie,
  Fault,
  isFault,
  type Principal,
  type RouteAsk,
  type RouteClaim,
  type RouteReply,
  type SignInWish,
  type TokenGuard,
  type TokenTrouble,
} from '@labgate/contract'
import type { Ctx } from './context.ts'
import { namesOrigin } from './cors.ts'
import { provenanceOf } from './csrf.ts'
import type { Route } from './routes.ts'
import { readCookie } from './session.ts'

/** One claim with where it stands. */
export interface PlacedClaim {
  readonly instance: string
  readonly host: string | undefined
  readonly origin: string
  readonly path: string
  readonly claim: RouteClaim
  readonly adapter: AuthzAdapter
}

/** That an adapter or its guard said no (ERR_FORBIDDEN); `dataset`, `version` and `verb` in its detail say to what, or `why` it was. */
export interface Refusal {
  readonly instance: string
  readonly principal: Principal | undefined
  readonly detail: Readonly<Record<string, unknown>>
}

/** What came with a token of the scheme `DPoP` (RFC 9449 §7.1). */
interface Proof {
  readonly jwt: string
  readonly method: string
  readonly url: string
}

export interface DialectNeeds {
  /** The signed-in person of this browser on this host. */
  bySession(ctx: Ctx): Promise<Principal | undefined>
  /** The person by the instance's cookie for requests of other sites. */
  byCrossSite(ctx: Ctx, place: PlacedClaim): Promise<Principal | undefined>
  /** Gives the browser of a signed-in person that cookie. */
  giveCrossSite(ctx: Ctx, place: PlacedClaim): Promise<void>
  /** Whoever a token speaks for; `undefined` for one that is unknown, expired, revoked or of somebody who may not act. */
  byToken(presented: {
    readonly value: string
    readonly origin: string
    readonly address: string
    readonly proof?: Proof | undefined
  }): Promise<Principal | undefined>
  /** Sends a browser to sign in and back to this page. */
  toSignIn(ctx: Ctx, place: PlacedClaim): void
  /** Sends a browser to sign in as a handler wishes it. */
  beginSignIn(ctx: Ctx, place: PlacedClaim, wish: SignInWish): void
  /** Whether the site's questions to people must be answered first. */
  owesAnswers(principal: Principal): Promise<boolean>
  /** Sends a browser to answer them and back to this page. */
  toQuestions(ctx: Ctx, place: PlacedClaim): void
  /** Whether terms of use of this instance must be accepted first. */
  owesTerms(principal: Principal, place: PlacedClaim): Promise<boolean>
  /** Sends a browser to accept them and back to this page. */
  toTerms(ctx: Ctx, place: PlacedClaim): void
  /** Ends the session of this browser with all that hangs on it. */
  signOut(ctx: Ctx): Promise<void>
  /** Writes down who was refused what, under the code that their page shows. */
  noteRefusal(ctx: Ctx, refusal: Refusal): Promise<void>
  /** A text of ours for the person at this browser. */
  text(ctx: Ctx, key: string): string
  showPage(ctx: Ctx, page: Page): void
  locale(ctx: Ctx): string
}

const defaultBodyBytes = 64 * 1024

/** The route of one claim. */
export function dialectRoute(place: PlacedClaim, needs: DialectNeeds): Route {
  const { claim, adapter, host, path } = place
  const handler = adapter.handlers[claim.id]
  if (!handler) throw new TypeError(`${place.instance}: no handler for route ${claim.id}`)
  const known = new WeakMap<Ctx, Known>()
  const { renderError } = adapter
  return {
    method: claim.method,
    path,
    body: { type: 'raw', limit: claim.bodyBytes ?? defaultBodyBytes },
    ...(host === undefined ? {} : { host }),
    ...(claim.cors === undefined ? {} : { cors: claim.cors }),
    ...(claim.rate === undefined ? {} : { rate: claim.rate }),
    ...(claim.opener === undefined ? {} : { opener: claim.opener }),
    dialect: place.instance,
    // A token in a header is no cookie: nobody's browser sends it unasked. The public guard reads cookies with care below.
    ...(claim.guard === 'session' ? {} : { csrf: 'off' as const }),
    ...(renderError === undefined
      ? {}
      : {
          onError: (fault: Fault, ctx: Ctx) =>
            answer(ctx, renderError.call(adapter, fault, new Ask(ctx, needs, nobody)), needs),
        }),
    async guard(ctx) {
      const principal = await principalOf(ctx, place, needs)
      if (principal === 'sign-in') {
        needs.toSignIn(ctx, place)
        return 'answered'
      }
      if (principal === 'answer-questions') {
        needs.toQuestions(ctx, place)
        return 'answered'
      }
      if (principal === 'accept-terms') {
        needs.toTerms(ctx, place)
        return 'answered'
      }
      if (principal)
        known.set(ctx, {
          principal,
          owes: letsAnyoneIn(claim) ? await owesOf(principal, place, needs) : undefined,
        })
      if (principal && claim.crossSiteCookie === 'set') await needs.giveCrossSite(ctx, place)
      return undefined
    },
    async handler(ctx) {
      const asking = known.get(ctx) ?? nobody
      const { principal } = asking
      try {
        const reply = await handler(new Ask(ctx, needs, asking))
        if (reply.signOut && principal) await needs.signOut(ctx)
        if (reply.signIn === undefined) answer(ctx, reply, needs)
        else {
          ctx.set({ ...reply.headers })
          needs.beginSignIn(ctx, place, reply.signIn)
        }
      } catch (error) {
        if (isFault(error) && error.code === 'ERR_FORBIDDEN')
          await needs.noteRefusal(ctx, { instance: place.instance, principal, detail: error.detail })
        throw error
      }
    },
  }
}

/** A token is what most routes want, and has no steps before it. */
function principalOf(ctx: Ctx, place: PlacedClaim, needs: DialectNeeds): ReturnType<typeof principalByGuard> {
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
    const known = isOwnDoing(ctx, place) ? await needs.bySession(ctx) : undefined
    // By the browser's word alone: an origin that is listed, never one that is not told.
    const may = place.claim.crossSiteCookie === 'read' && cameFrom(ctx, place) === 'same-origin'
    return known ?? (may ? needs.byCrossSite(ctx, place) : undefined)
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

function letsAnyoneIn({ guard }: RouteClaim): boolean {
  return typeof guard === 'object' && guard.withoutToken === 'anyone'
}

async function owesOf(principal: Principal, place: PlacedClaim, needs: DialectNeeds): Promise<RouteAsk['owes']> {
  // Questions are asked in a browser: a program cannot answer them.
  if (principal.via === 'session' && (await needs.owesAnswers(principal))) return 'questions'
  return (await needs.owesTerms(principal, place)) ? 'terms' : undefined
}

/** A public route that changes something must not act for a person whose browser was made to call it by another site. */
function isOwnDoing(ctx: Ctx, place: PlacedClaim): boolean {
  return place.claim.method === 'GET' || cameFrom(ctx, place) === 'same-origin'
}

/** A browser was made to change something by another site: then its cookies say nothing, a token in one of them neither. */
function isForeign(ctx: Ctx, place: PlacedClaim): boolean {
  return place.claim.method !== 'GET' && cameFrom(ctx, place) === 'cross'
}

function cameFrom(ctx: Ctx, { claim, origin }: PlacedClaim) {
  const asking = ctx.get('origin')
  return provenanceOf(ctx.req, namesOrigin(claim.cors, asking) ? [origin, asking] : [origin])
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

interface Found {
  readonly value?: string
  readonly trouble?: TokenTrouble
}

/** What the claim's places hold; `undefined`: no token at all. */
function presentedIn(ctx: Ctx, place: PlacedClaim, claimed: TokenGuard['token']): Found | undefined {
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

function proofIn(ctx: Ctx, { origin }: PlacedClaim, rule: TokenGuard['token']): Proof | undefined {
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

/** Our own cookies are no dialect's business: one that hands requests on must not hand on whole sessions. */
const ours = /^(?:__Host-|__Secure-)?labgate_/

/** What the guard found out. */
interface Known {
  readonly principal: Principal | undefined
  readonly owes: RouteAsk['owes']
}

const nobody: Known = { principal: undefined, owes: undefined }

/** What a handler gets. Nearly every handler wants little of it: what must be copied or parsed is, when it is asked for. */
class Ask implements RouteAsk {
  readonly method: string
  readonly params: RouteAsk['params']
  readonly body: Uint8Array
  readonly address: string
  readonly requestId: string
  readonly principal: Principal | undefined
  readonly owes: RouteAsk['owes']
  // Private, so that no handler reaches past what it is given.
  readonly #ctx: Ctx
  readonly #needs: DialectNeeds
  #headers: RouteAsk['headers'] | undefined
  #cookies: RouteAsk['cookies'] | undefined

  constructor(ctx: Ctx, needs: DialectNeeds, { principal, owes }: Known) {
    const { raw, address, requestId } = ctx.state
    this.method = ctx.req.method ?? 'GET'
    this.params = ctx.params ?? {}
    this.body = raw ?? none
    this.address = address
    this.requestId = requestId
    this.principal = principal
    this.owes = owes
    this.#ctx = ctx
    this.#needs = needs
  }

  get url(): URL {
    return this.#ctx.URL
  }

  get locale(): string {
    return this.#needs.locale(this.#ctx)
  }

  get headers(): RouteAsk['headers'] {
    this.#headers ??= headersFor(this.#ctx)
    return this.#headers
  }

  get cookies(): RouteAsk['cookies'] {
    this.#cookies ??= cookiesFor(this.#ctx)
    return this.#cookies
  }
}

const none = new Uint8Array()

function pairsOf({ req }: Ctx): string[] {
  const pairs = (req.headers.cookie ?? '').split(';').map((pair) => pair.trim())
  return pairs.filter((pair) => pair !== '' && !ours.test(pair))
}

function headersFor(ctx: Ctx): RouteAsk['headers'] {
  // Node joins what comes twice; `set-cookie` alone would be a list, and nobody asks by it.
  const { 'set-cookie': _, cookie, ...others } = ctx.req.headers
  const pairs = cookie === undefined ? [] : pairsOf(ctx)
  const headers = { ...others, cookie: pairs.length > 0 ? pairs.join('; ') : undefined }
  return headers as Readonly<Record<string, string | undefined>>
}

function cookiesFor(ctx: Ctx): RouteAsk['cookies'] {
  const names = pairsOf(ctx)
    .map((pair) => pair.split('=')[0]?.trim() ?? '')
    .filter(Boolean)
  return Object.fromEntries(names.map((name) => [name, readCookie(ctx.req, name)]))
}

function answer(ctx: Ctx, reply: RouteReply, needs: DialectNeeds): void {
  const { page, json, body, headers = {} } = reply
  const text = json === undefined ? body : JSON.stringify(json)
  if (page) needs.showPage(ctx, page)
  // Before the body, where a type is said: Koa would look for one and put it in first.
  else if (headers['Content-Type'] !== undefined) ctx.res.setHeader('Content-Type', headers['Content-Type'])
  else if (json !== undefined) ctx.type = 'application/json'
  if (!page) ctx.body = text === undefined ? null : typeof text === 'string' ? text : Buffer.from(text)
  ctx.status = reply.status
  for (const [name, value] of Object.entries(headers)) ctx.set(name, value)
  const cookies = reply.cookies ?? []
  // One name may stand for several paths: those of one answer do not take each other's place.
  for (const [index, cookie] of cookies.entries())
    setCookie(ctx, cookie, cookies.findIndex(({ name }) => name === cookie.name) < index ? 'beside' : 'instead')
}

function setCookie(
  ctx: Ctx,
  { name, value, maxAgeSeconds, sameSite, httpOnly, path }: Cookie,
  place: 'beside' | 'instead',
): void {
  ctx.cookies.set(name, value, {
    sameSite,
    httpOnly: httpOnly ?? true,
    path: path ?? '/',
    secure: ctx.state.secure,
    signed: false,
    overwrite: place === 'instead',
    ...(maxAgeSeconds === undefined ? {} : { maxAge: maxAgeSeconds * 1000 }),
  })
}
