/**
 * Our own doors: portal and console are no relying parties of their own. They send the browser through the Provider
 * as the built-in client and get it back on their path, so that single sign-on works from any door to any other.
 * @module
 */
import { Fault, type SignInWish } from '@labgate/contract'
import type { Ctx } from '../http/context.ts'
import { returnPath, wayBack } from '../http/returns.ts'
import type { Route } from '../http/routes.ts'
import { seeOther } from '../http/see-other.ts'
import type { Desk } from './desk.ts'

/** Where the Provider sends the browser back to. */
export const returnAddress = '/sign-in/return'

/** The parameter that names the one way to sign in that is offered. */
const wayParameter = 'labgate_sign_in'

/** What the Provider is asked besides, for a sign-in that somebody wishes in a certain way. */
export function wishParameters({ instance, hint }: SignInWish): [string, string][] {
  return [
    ...(instance === undefined ? [] : [[wayParameter, instance] as [string, string]]),
    ...(hint === undefined ? [] : [['login_hint', hint] as [string, string]]),
  ]
}

/** How our own pages let people in. */
export interface Door {
  /** Sends the browser to sign in and back to the page it asked for, or where a dialect wishes. */
  toSignIn(ctx: Ctx, wish?: SignInWish): void
  /** The address of signing in, on this host, that leads back to a path of ours; `anew` whoever is signed in. */
  way(to: string, who: 'anybody' | 'anew'): string
  /** For `Route.guard`: a signed-in person passes, a page is sent to sign in, anything else is refused. */
  guard(options?: { readonly maxAgeSeconds?: number }): (ctx: Ctx) => Promise<'answered' | undefined>
  readonly routes: readonly Route[]
}

/** The address of signing in as the built-in client, that leads back to a path of ours. */
export function wayOf({ issuer, clientId }: { readonly issuer: string; readonly clientId: string }): Door['way'] {
  return (to, who) => {
    const url = new URL('/oidc/auth', issuer)
    // No code is needed: the session cookie is ours already when the browser comes back (OAuth 2.0 Multiple Response Types §4).
    url.search = new URLSearchParams({
      client_id: clientId,
      response_type: 'none',
      scope: 'openid',
      redirect_uri: new URL(returnAddress, issuer).href,
      state: Buffer.from(to).toString('base64url'),
      // Not `max_age`: the Provider rounds its age by itself, and a browser would run in circles where the two differ.
      ...(who === 'anew' ? { prompt: 'login' } : {}),
    }).toString()
    return url.pathname + url.search
  }
}

/** Makes the door of our own pages on the issuer’s host. */
export function createDoor(desk: Desk, clientId: string): Door {
  const way = wayOf({ issuer: desk.issuer, clientId })
  const home = '/account'
  const toSignIn = (ctx: Ctx, how: { fresh: boolean }): void => {
    seeOther(ctx, way(wayBack(ctx, desk.issuer), how.fresh ? 'anew' : 'anybody'))
  }
  return {
    toSignIn(ctx, wish) {
      if (wish === undefined) return toSignIn(ctx, { fresh: false })
      const url = new URL(way(returnPath(wish.back, desk.issuer) ?? home, 'anybody'), desk.issuer)
      for (const [name, value] of wishParameters(wish)) url.searchParams.set(name, value)
      seeOther(ctx, url.pathname + url.search)
    },
    way,
    guard:
      (options = {}) =>
      async (ctx) => {
        const session = await desk.cookie.of(ctx.req)
        const age = session
          ? (desk.clock.now().getTime() - session.authTime.getTime()) / 1000
          : Number.POSITIVE_INFINITY
        if (session && age <= (options.maxAgeSeconds ?? Number.POSITIVE_INFINITY)) return undefined
        if (ctx.method !== 'GET') throw new Fault('ERR_UNAUTHENTICATED', desk.text(ctx, 'login.signInFirst'))
        toSignIn(ctx, { fresh: session !== undefined })
        return 'answered'
      },
    routes: [
      {
        method: 'GET',
        path: returnAddress,
        async handler(ctx) {
          const { state, error } = ctx.query
          const wanted = typeof state === 'string' ? Buffer.from(state, 'base64url').toString() : undefined
          if (typeof error === 'string') {
            desk.show(ctx, 'message', {
              title: desk.text(ctx, 'login.notSignedIn'),
              text: [desk.text(ctx, 'login.notSignedInText')],
              link: { label: desk.text(ctx, 'login.tryAgain'), href: returnPath(wanted, desk.issuer) ?? home },
            })
            return
          }
          if (!(await desk.cookie.of(ctx.req))) throw new Fault('ERR_LOGIN_EXPIRED', desk.text(ctx, 'login.noCookie'))
          seeOther(ctx, returnPath(wanted, desk.issuer) ?? home)
        },
      },
    ],
  }
}
