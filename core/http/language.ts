/**
 * In which language a browser reads: what was chosen in it (a cookie, which a sign-in sets to what the account's person
 * chose), else what it asks for, else the site's own.
 * @module
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Ctx } from './context.ts'
import { cookieNames } from './cookies.ts'
import { readCookie } from './session.ts'

/** What is known of the languages. */
export interface LanguagesHere {
  readonly locales: readonly string[]
  choose(acceptLanguage: string | undefined): string
}

/** The headers that say in which language somebody reads. */
export type LanguageHeaders = Pick<IncomingHttpHeaders, 'cookie' | 'accept-language'>

/** Reads and keeps the choice. */
export interface LanguageChoice {
  of(headers: LanguageHeaders): string
  /** Keeps it in this browser; a language that is not there changes nothing. */
  keep(ctx: Pick<Ctx, 'cookies'>, language: string): void
}

const yearMs = 365 * 24 * 3600 * 1000

/** Makes it for a site. */
export function createLanguageChoice(here: LanguagesHere, issuer: string): LanguageChoice {
  const name = cookieNames(issuer).language
  const secure = issuer.startsWith('https:')
  return {
    of(headers) {
      const chosen = readCookie({ headers } as Pick<IncomingMessage, 'headers'>, name)
      return chosen !== undefined && here.locales.includes(chosen) ? chosen : here.choose(headers['accept-language'])
    },
    keep(ctx, language) {
      if (!here.locales.includes(language)) return
      ctx.cookies.set(name, language, {
        ...{ httpOnly: true, sameSite: 'lax', secure, path: '/' },
        ...{ signed: false, maxAge: yearMs, overwrite: true },
      })
    },
  }
}
