/**
 * How browsers sign in, and where that ends: back at a registered origin with a token in the query, or a message with
 * the token to the window that opened this one, sent to registered viewers alone.
 * @module
 */
import { createHash } from 'node:crypto'
import type { Handler, Json, RouteAsk, RouteReply } from '@labgate/contract'
import { away, words } from './answers.ts'
import { tokenCookies } from './browsers.ts'
import type { CaveContext } from './config.ts'
import { authorizeUrl, readsCookies } from './routes.ts'
import { signInToken } from './tokens.ts'

/** Handlers of the ways of browsers. */
export function signInHandlers(context: CaveContext): Readonly<Record<string, Handler>> {
  const { config, url } = context
  const at = (path: string) => url(config.stickyPrefix + path)
  const authorize: Handler = async (ask) => {
    const refused = refusedRedirect(context, ask)
    if (refused) return refused
    // Not for the message's taker: a program opens this very address in a window of its own.
    if (ask.headers['x-requested-with'] !== undefined) return words(200, withQuery(authorizeUrl(context), ask).href)
    return away(withQuery(at('/api/v1/oauth2callback'), ask))
  }
  const leads = (path: string): Handler => {
    return async () => ({ status: 302, headers: { Location: ourPage(context, path) } })
  }
  return {
    authorize,
    // A form of another page says `tos_agree`; accepted is on our own page of the terms, which shows what they are.
    authorizePosted: authorize,
    callback: async (ask) =>
      (await termsFirst(context, ask, ask.url.searchParams.get('tos_id'))) ?? finished(context, ask),
    tos: (ask) => agreed(context, ask),
    // Accepted is by the form of our own page, so that no other one can do it in somebody's name.
    tosPosted: async (ask) => ({ status: 303, headers: { Location: ask.url.pathname + ask.url.search } }),
    settingsTokens: leads('/account/tokens'),
    settingsUsername: leads('/account'),
    chooseUsername: leads('/account'),
    admin: leads('/console'),
  }
}

/** A page of Labgate itself: on the issuer's host, which terms pages stand on. */
function ourPage({ termsUrl }: CaveContext, path: string): string {
  return new URL(path, termsUrl('x', '/')).href
}

function withQuery(url: URL, { url: asked, body }: RouteAsk): URL {
  const form = new URLSearchParams(new TextDecoder().decode(body))
  for (const name of ['redirect', 'tos_id', 'client']) {
    const value = asked.searchParams.get(name) ?? (name === 'tos_id' ? form.get(name) : null)
    if (value !== null) url.searchParams.set(name, value)
  }
  return url
}

/** Where the way goes on before it ends: to terms that are named and not accepted yet. */
async function termsFirst(context: CaveContext, ask: RouteAsk, tos: string | null): Promise<RouteReply | undefined> {
  const refused = refusedRedirect(context, ask)
  if (refused || tos === null) return refused
  const found = /^\d{1,15}$/.test(tos) ? await context.access.terms(Number(tos)) : undefined
  if (!found) return words(404, 'Terms of Service does not exist')
  const missing = (await context.access.snapshot(ask.principal?.account.id ?? '')).terms
  const isMissing = missing.some(({ terms, acceptedAt }) => terms === found.terms && acceptedAt === undefined)
  return isMissing ? away(context.termsUrl(found.terms, ask.url.pathname + ask.url.search)) : undefined
}

/** How a sign-in ends. */
async function finished(context: CaveContext, ask: RouteAsk): Promise<RouteReply> {
  const redirect = ask.url.searchParams.get('redirect')
  if (redirect !== null) return sentBack(context, ask, new URL(redirect))
  if (context.config.viewers.length === 0) return message(context, null)
  const token = await signInToken(context, ask, 'viewer')
  return message(context, { token, app_urls: [...context.config.services] })
}

/** How the page of terms ends: nobody gets a token here who did not say where to go with it. */
async function agreed(context: CaveContext, ask: RouteAsk): Promise<RouteReply> {
  const before = await termsFirst(context, ask, ask.params.id ?? '')
  if (before) return before
  // What the viewer's window of terms waits for.
  if (ask.url.searchParams.get('client') === 'ng') return message(context, 'success')
  if (ask.url.searchParams.has('redirect')) return finished(context, ask)
  const say = (key: string) => context.text(key, {}, ask.locale)
  return { status: 200, page: { title: say('agreedTitle'), text: [say('agreedText')], tone: 'success' } }
}

/** With a token to an address that is not registered nobody is sent. */
function refusedRedirect(context: CaveContext, { url, locale }: RouteAsk): RouteReply | undefined {
  const { config, text } = context
  const redirect = url.searchParams.get('redirect')
  if (redirect === null) return undefined
  const target = URL.parse(redirect)
  const isPlain = target !== null && target.username === '' && target.password === ''
  if (isPlain && ([...config.viewers, ...config.services].includes(target.origin) || isOwn(context, target)))
    return undefined
  const origin = target?.origin ?? redirect.slice(0, 100)
  const words = [text('refusedText', { origin }, locale)]
  const page = { title: text('refusedTitle', {}, locale), text: words, tone: 'warning' } as const
  return { status: 400, page }
}

/** An address of this API: a browser was sent here from it. */
function isOwn(context: CaveContext, target: URL): boolean {
  return target.origin === context.url('/').origin && readsCookies(context, target.pathname)
}

async function sentBack(context: CaveContext, ask: RouteAsk, target: URL): Promise<RouteReply> {
  const token = await signInToken(context, ask, target.origin)
  const cookies = tokenCookies(context, token)
  // The cookie is enough at home.
  if (isOwn(context, target)) return { ...away(target), cookies }
  const { host, pathname } = context.url(context.config.stickyPrefix)
  const query = { middle_auth_token: token, middle_auth_url: host + pathname, token }
  for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value)
  return { status: 302, headers: { Location: target.href, 'Referrer-Policy': 'no-referrer' }, cookies }
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
