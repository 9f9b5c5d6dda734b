/** The Provider's cookies as the library reads and writes them, and its redirects, for answers past its app. @module */
import type { IncomingMessage } from 'node:http'
import type { Clock } from '@labgate/contract'
import type { CookieSigner } from '../../http/cookie-signer.ts'
import type { CookieNames } from '../../http/cookies.ts'
import type { QuickAnswer } from '../../http/provider.ts'
import { readCookie } from '../../http/session.ts'

type Name = 'provider' | 'interaction' | 'resume'

/** Reads and writes them. */
export interface QuickCookies {
  /** `odd`: there is one that only the library can judge, twice, unsigned or signed with a key that was. */
  read(req: IncomingMessage, name: Name): { readonly value: string } | 'none' | 'odd'
  /** The headers of a cookie and of its signature. `until`: seconds since 1970; without it and `seconds`, till the browser ends. */
  set(
    name: Name,
    about: {
      readonly value: string
      readonly path: string
      readonly seconds?: number
      readonly until?: number | undefined
    },
  ): string[]
  /** Takes one back. */
  clear(name: Name, path: string): string[]
}

/** Makes them. */
export function createQuickCookies(needs: {
  readonly names: CookieNames
  readonly signer: CookieSigner
  readonly secure: boolean
  readonly clock: Clock
}): QuickCookies {
  const { names, signer, clock } = needs
  const always = `; samesite=lax${needs.secure ? '; secure' : ''}; httponly`
  const signed = (name: string, value: string, rest: string): string[] => [
    `${name}=${value}${rest}`,
    `${name}.sig=${signer.sign(`${name}=${value}`)}${rest}`,
  ]
  return {
    read(req, name) {
      const full = names[name]
      const value = readCookie(req, full)
      if (value === undefined) return req.headers.cookie?.includes(`${full}=`) ? 'odd' : 'none'
      const signature = readCookie(req, `${full}.sig`)
      const isNewest = signature !== undefined && signer.index(`${full}=${value}`, signature) === 0
      return isNewest ? { value } : 'odd'
    },
    set(name, { value, path, seconds, until }) {
      const ends =
        seconds === undefined ? '' : `; expires=${new Date(clock.now().getTime() + seconds * 1000).toUTCString()}`
      // At the end, where the library adds it.
      const late = until === undefined ? '' : `; expires=${new Date(until * 1000).toUTCString()}`
      return signed(names[name], value, `; path=${path}${ends}${always}${late}`)
    },
    clear: (name, path) => signed(names[name], '', `; path=${path}; expires=${new Date(0).toUTCString()}${always}`),
  }
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '"': '&quot;',
  "'": '&#39;',
  '<': '&lt;',
  '>': '&gt;',
}

/** Sends a browser elsewhere, with the text that the library's Koa says; `undefined` where that would write the address otherwise. */
export function redirect(
  { headers }: IncomingMessage,
  { to, cookies }: { readonly to: string; readonly cookies: readonly string[] },
): QuickAnswer | undefined {
  if (/%(?![\da-f]{2})/i.test(to)) return undefined
  const isPage = /text\/html|\*\/\*/.test(headers.accept ?? '*/*')
  const text = isPage ? to.replaceAll(/[&"'<>]/g, (sign) => entities[sign] ?? '') : to
  return {
    status: 303,
    type: `text/${isPage ? 'html' : 'plain'}; charset=utf-8`,
    text: `Redirecting to ${text}.`,
    headers: { 'Cache-Control': 'no-store', Location: to },
    cookies,
  }
}
