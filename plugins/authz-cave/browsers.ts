/**
 * What browsers get otherwise than programs: the way to sign in instead of an error, the token in a cookie instead of
 * the address.
 * @module
 */
import type { Cookie, Handler, RouteAsk, RouteReply } from '@labgate/contract'
import type { CaveContext } from './config.ts'
import { authorizeUrl, readsCookies, tokenNames } from './routes.ts'

const longestWayBack = 2048

/** Whether a program asks, by the signs that CAVE's services go by. */
export function isProgram({ headers }: Pick<RouteAsk, 'headers'>): boolean {
  return ['authorization', 'x-requested-with', 'origin'].some((name) => headers[name] !== undefined)
}

/** Where a browser signs in that has come without a token that counts; `undefined` where a program hears of it. */
export function toAuthorize(context: CaveContext, ask: RouteAsk): URL | undefined {
  const here = withoutToken(context, ask)
  // Where no cookie is read, a browser would come back with nothing, and go round in circles.
  if (ask.method !== 'GET' || isProgram(ask) || !readsCookies(context, here.pathname)) return undefined
  const url = authorizeUrl(context)
  // A longer way would make headers that browsers and proxies refuse: then it leads back to the page without its query.
  const back = here.href.length > longestWayBack ? here.origin + here.pathname : here.href
  url.search = `?redirect=${quoted(back)}`
  return url
}

/** The token as the cookie that the API reads, or its end: of this host, and sent to the API alone. */
export function tokenCookies({ config, url }: CaveContext, token: string | undefined): readonly Cookie[] {
  const [name] = tokenNames
  const paths = new Set([config.prefix, config.stickyPrefix].map((prefix) => url(prefix).pathname))
  const lasts = token === undefined ? { maxAgeSeconds: 0 } : {}
  return [...paths].map((path) => ({ name, path, value: token ?? '', sameSite: 'lax', httpOnly: true, ...lasts }))
}

/** Takes the token out of the address bar of a browser, its history and what it tells the next site. */
export function withCleanAddress(context: CaveContext, handler: Handler): Handler {
  return async (ask) => cleaned(context, ask) ?? handler(ask)
}

function cleaned(context: CaveContext, ask: RouteAsk): RouteReply | undefined {
  if (ask.method !== 'GET' || isProgram(ask)) return undefined
  const token = tokenNames.map((name) => ask.url.searchParams.get(name)).find(Boolean)
  if (!token) return undefined
  // Only one that was looked at: with a cookie there, it was that.
  const isKnown = !tokenNames.some((name) => ask.cookies[name] !== undefined)
  return {
    status: 302,
    headers: { Location: withoutToken(context, ask).href, 'Referrer-Policy': 'no-referrer' },
    ...(isKnown ? { cookies: tokenCookies(context, token) } : {}),
  }
}

function withoutToken({ url }: CaveContext, ask: RouteAsk): URL {
  const here = new URL(ask.url.pathname + ask.url.search, url('/').origin)
  // Deleting what is not there would write the others anew.
  for (const name of [...tokenNames, 'token']) if (here.searchParams.has(name)) here.searchParams.delete(name)
  return here
}

/** As Python's `quote`: a slash stays. */
function quoted(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%2F', '/')
    .replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}
