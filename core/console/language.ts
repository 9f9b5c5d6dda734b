/** The switch of languages at the foot of every page: for this browser, and for the account of whoever is signed in. @module */
import { Fault } from '@labgate/contract'
import type { Languages } from '../accounts/languages.ts'
import type { LanguageChoice } from '../http/language.ts'
import { returnPath } from '../http/returns.ts'
import type { Route } from '../http/routes.ts'
import { seeOther } from '../http/see-other.ts'
import type { Desk } from '../login/desk.ts'

/** The route that the switch posts to. The browser vouches for the origin; there is nothing to gain by forging it. */
export function languageRoutes(needs: {
  readonly desk: Desk
  readonly languages: Languages
  readonly choice: LanguageChoice
  readonly locales: readonly string[]
}): Route[] {
  const { desk, languages, choice, locales } = needs
  const handler: Route['handler'] = async (ctx) => {
    const language = ctx.state.form?.get('language') ?? ''
    if (!locales.includes(language)) throw new Fault('ERR_INPUT', desk.text(ctx, 'layout.noLanguage'))
    choice.keep(ctx, language)
    const session = await desk.cookie.of(ctx.req)
    if (session) await languages.choose(session.account, language)
    seeOther(ctx, returnPath(ctx.state.form?.get('to') ?? undefined, desk.issuer) ?? '/')
  }
  return [{ method: 'POST', path: '/language', body: { type: 'form' }, handler }]
}
