/**
 * The door of a dialect on a host of its own: it signs people in as a first-party client of the issuer and keeps its
 * own cookie there, the id of a row that dies with the session at the issuer.
 * @module
 */
import { createHash } from 'node:crypto'
import { Fault, type Random, type SignInWish } from '@labgate/contract'
import type { Ctx } from '../http/context.ts'
import { returnPath, wayBack } from '../http/returns.ts'
import type { Route } from '../http/routes.ts'
import { seeOther } from '../http/see-other.ts'
import { readCookie } from '../http/session.ts'
import { returnAddress, wishParameters } from './door.ts'

/** What a door on another host takes. */
export interface HostDoorNeeds {
  readonly issuer: string
  readonly clientId: string
  /** Scheme, host and port of the dialect. */
  readonly origin: string
  readonly host: string
  readonly random: Random
  /** Redeems a code that the Provider gave to the built-in client, once: the uid of the Provider's session it belongs to. */
  redeem(code: string, proof: { readonly redirectUri: string; readonly verifier: string }): Promise<string | undefined>
  /** Opens a session on this host under the one at the issuer. */
  openChild(ctx: Ctx, providerUid: string): Promise<boolean>
}

/** The door of one host: how it sends people to sign in, and its route back. */
export interface HostDoor {
  toSignIn(ctx: Ctx, wish?: SignInWish): void
  readonly routes: readonly Route[]
}

/** Makes the door of one host. */
export function createHostDoor(needs: HostDoorNeeds): HostDoor {
  const secure = needs.origin.startsWith('https:')
  const cookieName = `${secure ? '__Host-' : ''}labgate_door`
  const redirectUri = new URL(returnAddress, needs.origin).href
  const options = { httpOnly: true, sameSite: 'lax', secure, signed: false, path: '/' } as const
  return {
    toSignIn(ctx, wish) {
      const [state, verifier] = [needs.random.token(), needs.random.token()]
      // Both are random and useless elsewhere; the page to come back to is checked again when it is used.
      const kept = [state, verifier, Buffer.from(wish?.back ?? wayBack(ctx, needs.origin)).toString('base64url')].join(
        '.',
      )
      ctx.cookies.set(cookieName, kept, { ...options, maxAge: 600_000 })
      const url = new URL('/oidc/auth', needs.issuer)
      url.search = new URLSearchParams({
        client_id: needs.clientId,
        response_type: 'code',
        scope: 'openid',
        redirect_uri: redirectUri,
        state,
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...(wish === undefined ? {} : Object.fromEntries(wishParameters(wish))),
      }).toString()
      seeOther(ctx, url.href)
    },
    routes: [
      {
        method: 'GET',
        host: needs.host,
        path: returnAddress,
        async handler(ctx) {
          const [state, verifier, page] = (readCookie(ctx.req, cookieName) ?? '').split('.')
          ctx.cookies.set(cookieName, null, options)
          const { code } = ctx.query
          if (!state || !verifier || ctx.query.state !== state || typeof code !== 'string')
            throw new Fault(
              'ERR_LOGIN_EXPIRED',
              'This sign-in was not begun here, or it took too long. Please start again.',
            )
          const uid = await needs.redeem(code, { redirectUri, verifier })
          if (uid === undefined || !(await needs.openChild(ctx, uid)))
            throw new Fault('ERR_LOGIN_EXPIRED', 'This sign-in is over. Please start again.')
          seeOther(ctx, returnPath(Buffer.from(page ?? '', 'base64url').toString(), needs.origin) ?? '/')
        },
      },
    ],
  }
}
