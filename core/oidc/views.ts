/** The few pages the Provider shows itself: errors that cannot go back to a relying party, and signing out. @module */

import type { Context } from 'koa'
import { cspOf, formSource } from '../http/headers.ts'
import { createLanguageChoice } from '../http/language.ts'
import type { Pages } from '../pages/pages.ts'
import type { ProviderViews } from './configuration.ts'

/** The Provider’s own pages in our words and looks. */
export function providerViews(needs: { pages: Pages; support: string | undefined; issuer: string }): ProviderViews {
  const { pages } = needs
  const language = createLanguageChoice(pages.texts, needs.issuer)
  const options = (ctx: Context) => ({ locale: language.of(ctx.req.headers), nonce: nonceOf(ctx) })
  const html = (ctx: Context, body: string): void => {
    ctx.type = 'html'
    ctx.body = body
  }
  return {
    error(ctx, out, error) {
      const lost = error.name === 'SessionNotFound'
      const code = lost ? 'ERR_LOGIN_EXPIRED' : 'ERR_INPUT'
      const requestId = String(ctx.res.getHeader('x-request-id') ?? '')
      const whatToDo = lost ? undefined : pages.texts.in(options(ctx).locale)('login.badRequest')
      const message = lost ? undefined : `${out.error}${out.error_description ? `: ${out.error_description}` : ''}`
      html(ctx, pages.render('error', { code, requestId, message, whatToDo, restart: { href: '/' } }, options(ctx)))
    },
    signOut(ctx, { action, xsrf, clientName, returnTo }) {
      if (returnTo !== undefined)
        ctx.set('content-security-policy', cspOf({ nonce: nonceOf(ctx), formAction: [formSource(returnTo)] }))
      const client = clientName === undefined ? undefined : { name: clientName }
      const fields = { xsrf, logout: 'yes' }
      // Without `logout` only this relying party's own part of the session ends (RP-Initiated Logout §2: the person decides).
      const stay = { action, csrf: '', fields: { xsrf } }
      html(ctx, pages.render('sign-out-confirm', { action, csrf: '', fields, client, stay }, options(ctx)))
    },
    signedOut(ctx) {
      html(ctx, pages.render('signed-out', { signIn: '/account' }, options(ctx)))
    },
  }
}

/** The nonce the outer app has put into this response's policy. */
export function nonceOf(ctx: Context): string {
  return /'nonce-([^']+)'/.exec(String(ctx.res.getHeader('content-security-policy') ?? ''))?.[1] ?? ''
}
