/**
 * How browsers sign in, and where that ends: back at a registered origin with a token in the query, or a message with
 * the token to the window that opened this one, sent to registered viewers alone.
 * @module
 */
import { createHash } from 'node:crypto'
import type { Handler, Json, RouteAsk, RouteReply } from '@labgate/contract'
import { authorizeUrl, away, words } from './answers.ts'
import type { CaveContext } from './config.ts'
import { signInToken } from './tokens.ts'

/** Handlers of the ways of browsers. */
export function signInHandlers(context: CaveContext): Readonly<Record<string, Handler>> {
  const { config, url } = context
  const at = (path: string) => url(config.stickyPrefix + path)
  const finish: Handler = (ask) => finished(context, ask, ask.url.searchParams.get('tos_id'))
  return {
    async authorize(ask) {
      const refused = refusedRedirect(context, ask)
      if (refused) return refused
      // Not for the message's taker: a program opens this very address in a window of its own.
      if (ask.headers['x-requested-with'] !== undefined) return words(200, withQuery(authorizeUrl(context), ask).href)
      return away(withQuery(at('/api/v1/oauth2callback'), ask))
    },
    callback: finish,
    async tos(ask) {
      const query = new URLSearchParams(ask.url.searchParams)
      query.set('tos_id', ask.params.id ?? '')
      const next = at('/api/v1/oauth2callback')
      next.search = query.toString()
      return refusedRedirect(context, ask) ?? away(next)
    },
    settingsTokens: async () => ({ status: 302, headers: { Location: ourPage(context, '/account/tokens') } }),
    settingsUsername: async () => ({ status: 302, headers: { Location: ourPage(context, '/account') } }),
  }
}

/** A page of Labgate itself: on the issuer's host, which terms pages stand on. */
function ourPage({ termsUrl }: CaveContext, path: string): string {
  return new URL(path, termsUrl('x', '/')).href
}

function withQuery(url: URL, { url: asked }: RouteAsk): URL {
  for (const name of ['redirect', 'tos_id', 'client']) {
    const value = asked.searchParams.get(name)
    if (value !== null) url.searchParams.set(name, value)
  }
  return url
}

async function finished(context: CaveContext, ask: RouteAsk, tos: string | null): Promise<RouteReply> {
  const refused = refusedRedirect(context, ask)
  if (refused) return refused
  if (tos !== null) {
    const found = /^\d{1,15}$/.test(tos) ? await context.access.terms(Number(tos)) : undefined
    if (!found) return words(404, "Tos doesn't exist")
    const missing = (await context.access.snapshot(ask.principal?.account.id ?? '')).terms
    if (missing.some(({ terms, acceptedAt }) => terms === found.terms && acceptedAt === undefined)) {
      const back = new URL(ask.url)
      return away(context.termsUrl(found.terms, back.pathname + back.search))
    }
    // What the viewer's window of terms waits for.
    if (ask.url.searchParams.get('client') === 'ng') return message(context, 'success')
  }
  const redirect = ask.url.searchParams.get('redirect')
  if (redirect !== null) return sentBack(context, ask, new URL(redirect))
  if (context.config.viewers.length === 0) return message(context, null)
  const token = await signInToken(context, ask, 'viewer')
  return message(context, { token, app_urls: [...context.config.services] })
}

/** With a token to an address that is not registered nobody is sent. */
function refusedRedirect({ config, text }: CaveContext, { url }: RouteAsk): RouteReply | undefined {
  const redirect = url.searchParams.get('redirect')
  if (redirect === null) return undefined
  const target = URL.parse(redirect)
  const isPlain = target !== null && target.username === '' && target.password === ''
  if (isPlain && [...config.viewers, ...config.services].includes(target.origin)) return undefined
  const origin = target?.origin ?? redirect.slice(0, 100)
  const page = { title: text('refusedTitle'), text: [text('refusedText', { origin })], tone: 'warning' } as const
  return { status: 400, page }
}

async function sentBack(context: CaveContext, ask: RouteAsk, target: URL): Promise<RouteReply> {
  const token = await signInToken(context, ask, target.origin)
  const { host, pathname } = context.url(context.config.stickyPrefix)
  const query = { middle_auth_token: token, middle_auth_url: host + pathname, token }
  for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value)
  return { status: 302, headers: { Location: target.href, 'Referrer-Policy': 'no-referrer' } }
}

/** The same message once for each registered viewer: only the one that has opened this window gets it. */
function message({ config }: CaveContext, said: Json): RouteReply {
  // `<` could end the script.
  const written = (value: Json) => JSON.stringify(value).replaceAll('<', '\\u003c')
  const script =
    `const said = ${written(said)}\n` +
    `if (window.opener && said !== null) for (const origin of ${written([...config.viewers])}) window.opener.postMessage(said, origin)\n`
  const hash = createHash('sha256').update(script).digest('base64')
  return {
    status: 200,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': `default-src 'none'; script-src 'sha256-${hash}'; base-uri 'none'; frame-ancestors 'none'`,
    },
    body: `<!doctype html><html lang="en"><meta charset="utf-8"><title>Signed in</title><p>You are signed in. You may close this window.</p><script>${script}</script></html>`,
  }
}
