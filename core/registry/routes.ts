/** Route claims of adapters: well formed, one handler each, and never two owners for one request. @module */
import type { RouteClaim } from '@labgate/contract'
import { patternProblem, patternsMeet } from './pattern.ts'
import { isRecord } from './record.ts'

/** A claim with the place where it stands. */
export interface Claimed {
  /** Instance id, `core` for the core's own. */
  readonly owner: string
  /** Host with port; `undefined` is the issuer's own. */
  readonly host: string | undefined
  /** Full pattern, the instance's prefix included. */
  readonly path: string
  readonly claim: RouteClaim
}

/** A route that only takes a place: the core's own and a sign-in's further callback paths. */
export interface RoutePlace {
  readonly owner: string
  readonly host: string | undefined | 'every'
  readonly path: string
  /** `undefined`: every method. */
  readonly method: string | undefined
}

/** Paths of the core; no adapter may claim what they match. */
export const corePlaces: readonly RoutePlace[] = [
  ...['/', '/interaction{/*rest}', '/account{/*rest}', '/console{/*rest}', '/oidc{/*rest}'].map(onIssuer),
  ...['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'].map(onIssuer),
  ...['/sign-in{/*rest}', '/sign-out{/*rest}', '/assets{/*rest}'].map(onEveryHost),
]

function onIssuer(path: string): RoutePlace {
  return { owner: 'core', host: undefined, path, method: undefined }
}

function onEveryHost(path: string): RoutePlace {
  return { owner: 'core', host: 'every', path, method: undefined }
}

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** What is wrong with the claims of one plugin, before they meet others'. */
export function claimProblems(claims: unknown): readonly string[] {
  if (!Array.isArray(claims)) return ['`routes` must return a list of claims']
  const each = claims.flatMap((claim: unknown, index) => oneClaimProblems(claim, `routes[${index}]`))
  if (each.length > 0) return each
  return [...doubles(claims), ...shadowed(claims)]
}

function oneClaimProblems(claim: unknown, at: string): string[] {
  if (!isRecord(claim)) return [`${at} must be an object`]
  const { id, method, path, guard } = claim
  if (typeof id !== 'string' || id === '') return [`${at}.id must be a text`]
  const problems: string[] = []
  if (typeof method !== 'string' || !methods.includes(method))
    problems.push(`route \`${id}\`: method must be one of ${methods.join(', ')}`)
  const wrong = typeof path === 'string' ? patternProblem(path) : 'must be a text'
  if (wrong !== undefined) problems.push(`route \`${id}\`: path ${wrong}`)
  if (!isGuard(guard)) problems.push(`route \`${id}\`: guard must be 'session', 'public' or { token: { … } }`)
  return [...problems, ...corsProblems(claim), ...cookieProblems(claim)]
}

function corsProblems({ id, cors }: Readonly<Record<string, unknown>>): string[] {
  if (cors === undefined || cors === 'any') return []
  const origins = isRecord(cors) && cors.others === 'any' ? cors.credentials : cors
  const ok =
    Array.isArray(origins) && origins.every((one) => (one instanceof RegExp ? isWhole(one) : typeof one === 'string'))
  return ok ? [] : [`route \`${id}\`: cors must be 'any' or origins; an expression is \`^(?:…)$\` without flags`]
}

/** Anchored around everything: `^a|b$` would take whatever begins with a. */
function isWhole({ source, flags }: RegExp): boolean {
  return flags === '' && source.startsWith('^(?:') && source.endsWith(')$')
}

function cookieProblems({ id, crossSiteCookie, guard, cors }: Readonly<Record<string, unknown>>): string[] {
  if (crossSiteCookie === undefined || (crossSiteCookie === 'set' && guard === 'session')) return []
  if (crossSiteCookie === 'read' && guard === 'public' && Array.isArray(cors)) return []
  return [
    `route \`${id}\`: crossSiteCookie is 'set' with guard 'session', or 'read' with guard 'public' and a list in cors`,
  ]
}

function isGuard(guard: unknown): boolean {
  return guard === 'session' || guard === 'public' || (isRecord(guard) && isRecord(guard.token))
}

function doubles(claims: readonly RouteClaim[]): string[] {
  const twice = claims.filter((claim, index) => claims.findIndex(({ id }) => id === claim.id) !== index)
  return twice.map(({ id }) => `route id \`${id}\` is claimed twice`)
}

// Inside one plugin `/user/me` before `/user/:id` is meant; the same pattern twice is not.
function shadowed(claims: readonly RouteClaim[]): string[] {
  const key = ({ method, path }: RouteClaim) => `${method} ${path.toLowerCase().replaceAll(/([:*])\w+/g, '$1')}`
  const first = new Map<string, RouteClaim>()
  return claims.flatMap((claim) => {
    const before = first.get(key(claim))
    first.set(key(claim), before ?? claim)
    return before === undefined
      ? []
      : [`routes \`${before.id}\` and \`${claim.id}\` claim the same ${claim.method} path`]
  })
}

/** Handlers that are missing for a claim, or stand there without one. */
export function handlerProblems(claims: readonly RouteClaim[], handlers: unknown): readonly string[] {
  if (!isRecord(handlers)) return ['the adapter has no `handlers`']
  const ids = claims.map(({ id }) => id)
  const missing = ids.filter((id) => !Object.hasOwn(handlers, id) || typeof handlers[id] !== 'function')
  const extra = Object.keys(handlers).filter((id) => !ids.includes(id))
  return [
    ...missing.map((id) => `route \`${id}\` has no handler`),
    ...extra.map((id) => `handler \`${id}\` has no route`),
  ]
}

/** Puts a prefix before a claim's path. */
export function placed(prefix: string, path: string): string {
  const before = prefix.replace(/\/+$/, '')
  return path === '/' && before !== '' ? before : before + path
}

/** One place that two owners want. */
export interface Overlap {
  readonly owners: readonly [string, string]
  readonly message: string
}

/** Finds every pair of owners that would answer the same method, host and path. */
export function overlaps(places: readonly RoutePlace[]): readonly Overlap[] {
  return places.flatMap((one, index) => places.slice(index + 1).flatMap((other) => overlap(one, other)))
}

function overlap(one: RoutePlace, other: RoutePlace): Overlap[] {
  if (one.owner === other.owner || !sameHost(one, other) || !sameMethod(one, other)) return []
  if (!patternsMeet(one.path, other.path)) return []
  const where = one.host === 'every' ? other.host : one.host
  const spot = where === undefined ? '' : ` on ${where}`
  const message = `${shown(other)} overlaps ${shown(one)} of ${one.owner}${spot}; give one of them a \`host\` or \`prefix\``
  return [{ owners: [one.owner, other.owner], message }]
}

function shown({ method, path }: RoutePlace): string {
  return method === undefined ? path : `${method} ${path}`
}

function sameHost(one: RoutePlace, other: RoutePlace): boolean {
  return one.host === 'every' || other.host === 'every' || one.host === other.host
}

function sameMethod(one: RoutePlace, other: RoutePlace): boolean {
  return one.method === undefined || other.method === undefined || one.method === other.method
}
