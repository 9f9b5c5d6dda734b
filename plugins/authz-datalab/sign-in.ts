/** Ways of browsers: to a sign-in and back to the web application, out again, and the page at the root. @module */
import type { Handler, RouteReply } from '@labgate/contract'
import { away } from './answers.ts'
import type { DatalabContext } from './config.ts'
import { magicLinkHandlers } from './magic-link.ts'
import type { Providers } from './providers.ts'

const outField = 'out'
const outYes = { name: outField, label: '', type: 'hidden', value: 'yes' } as const

/** Handlers of sign-in and sign-out. */
export function signInHandlers(context: DatalabContext, providers: Providers): Readonly<Record<string, Handler>> {
  const { config, text, url } = context
  const begin = (provider: string, hint?: string, locale?: string): RouteReply => {
    const instance = providers.instanceOf(provider)
    if (instance === undefined) {
      const values = { provider: provider.slice(0, 40), app: config.appUrl }
      const page = { title: text('unknownTitle', {}, locale), text: [text('unknownText', values, locale)] }
      return { status: 404, page: { ...page, tone: 'warning' } }
    }
    const back = url('/login/done').pathname
    return { status: 303, signIn: { instance, back, ...(hint === undefined ? {} : { hint }) } }
  }
  const logout: Handler = async ({ principal, locale }) => {
    if (principal === undefined) return away(new URL(config.appUrl), 303)
    const form = { fields: [outYes], submit: text('outGo', {}, locale) }
    const title = text('outTitle', { prefix: config.identifierPrefix }, locale)
    return { status: 200, page: { title, text: [text('outText', {}, locale)], form } }
  }
  return {
    ...magicLinkHandlers(context, { providers, begin }),
    login: async ({ params, locale }) => begin(params.provider ?? '', undefined, locale),
    async authorized({ locale }) {
      const values = { app: config.appUrl }
      const page = { title: text('authorizedTitle', {}, locale), text: [text('authorizedText', values, locale)] }
      return { status: 410, page: { ...page, tone: 'warning' } }
    },
    // No word of the request says where to: every sign-in ends at the one application.
    arrived: async () => away(new URL(config.appUrl), 303),
    logout,
    async logoutNow(ask) {
      // The button of the page, and no bare request that something made this browser send.
      if (new URLSearchParams(Buffer.from(ask.body).toString()).get(outField) !== 'yes') return logout(ask)
      return {
        ...away(new URL(config.appUrl), 303),
        ...(ask.principal === undefined ? {} : { signOut: true as const }),
      }
    },
    home: async ({ locale }) => home(context, locale),
  }
}

/** What the Python client looks for at an address it was given: where the API begins. */
function home({ config, text, url }: DatalabContext, locale: string): RouteReply {
  const values = { prefix: config.identifierPrefix, app: config.appUrl }
  const [title, words] = [text('homeTitle', values, locale), text('homeText', values, locale)]
  const api = url('/').href.replace(/\/$/, '')
  return {
    status: 200,
    headers: { 'Content-Type': 'text/html; charset=utf-8' },
    body: `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="x_datalab_api_url" content="${escaped(api)}"><title>${escaped(title)}</title></head><body><h1>${escaped(title)}</h1><p>${escaped(words)}</p></body></html>`,
  }
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (said: string) => said.replaceAll(/[&<>"]/g, (one) => entities[one] ?? '')
