/**
 * Sign-ins in a window that a page of another site opened and waits for. `Cross-Origin-Opener-Policy: same-origin` on any
 * page or redirect of the way would cut the two apart for good (HTML §7.1.3), so a sign-in that a dialect began for such a
 * window goes without it, and no other.
 * @module
 */
import type { Ctx } from './context.ts'
import { cookieNames } from './cookies.ts'
import { readCookie } from './session.ts'

/** As long as a person may take to sign in, mail and terms included. */
const markSeconds = 1800

/** Pages of a signed-in person that no sign-in leads through. */
const ours = /^\/(?:account|console|api|sign-out)(?:\/|$)/

/** What a dialect sends a signed-in person to before it goes on; then no sign-in comes before it. */
const onTheWay = /^\/(?:terms|profile)\/for\/([a-z0-9-]+)$/

/** Leaves the link to the window that opened this page alone. */
export function keepOpener(ctx: Ctx): void {
  ctx.set('Cross-Origin-Opener-Policy', 'unsafe-none')
}

/** Whether this answer leaves it alone. */
export function keepsOpener(ctx: Ctx): boolean {
  return ctx.res.getHeader('Cross-Origin-Opener-Policy') === 'unsafe-none'
}

/** Follows such a sign-in: marked by a cookie when the dialect's door sends it here, until it is over. */
export function openerMark(needs: {
  readonly issuer: URL
  /** The same list as long as no route is added. */
  routes(): readonly Opening[]
}): (ctx: Ctx) => void {
  const { issuer } = needs
  const name = cookieNames(issuer.href).opener
  const secure = issuer.protocol === 'https:' ? '; Secure' : ''
  let routes = needs.routes()
  let opening = openingOf(routes)
  const kept = () => {
    const now = needs.routes()
    if (now !== routes) opening = openingOf(now)
    routes = now
    return opening
  }
  const isAskedFor = (path: string) => {
    const instance = path.startsWith('/oidc/') ? undefined : onTheWay.exec(path)?.[1]
    return instance !== undefined && kept().dialects.has(instance)
  }
  const isFromDoor = (ctx: Ctx) => kept().hosts.size > 0 && kept().hosts.has(returnHost(ctx, issuer) ?? '')
  return (ctx) => {
    const { host } = ctx.state
    // Not Koa's, which parses the address: most requests are none of these.
    const [path = ''] = (ctx.req.url ?? '').split('?', 1)
    if (host !== issuer.host) {
      if (path.startsWith('/sign-in/') && kept().hosts.has(host)) keepOpener(ctx)
    } else if (isAskedFor(path) || (path === '/oidc/auth' && isFromDoor(ctx))) {
      keepOpener(ctx)
      ctx.append('Set-Cookie', `${name}=kept; Max-Age=${markSeconds}; Path=/; HttpOnly; SameSite=Lax${secure}`)
    } else if (readCookie(ctx.req, name) !== undefined && !ours.test(path)) keepOpener(ctx)
  }
}

type Opening = { readonly opener?: 'kept'; readonly host: string; readonly dialect?: string }

/** The hosts and dialects whose windows wait. */
function openingOf(routes: readonly Opening[]) {
  const keeping = routes.filter(({ opener }) => opener === 'kept')
  return {
    hosts: new Set(keeping.map(({ host }) => host)),
    dialects: new Set(keeping.flatMap(({ dialect }) => dialect ?? [])),
  }
}

/** The host of a door that this request wants to come back to. Any other address is the Provider's to judge. */
function returnHost(ctx: Ctx, issuer: URL): string | undefined {
  const target = ctx.query.redirect_uri
  const url = typeof target === 'string' && URL.canParse(target) ? new URL(target) : undefined
  return url?.pathname === '/sign-in/return' && url.protocol === issuer.protocol ? url.host : undefined
}
