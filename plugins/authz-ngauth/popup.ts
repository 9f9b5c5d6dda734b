/** What people open: `/`, the popup from `/login` to the message for the Neuroglancer that waits, and the way out. @module */
import { type AuthzContext, Fault, type Handler, type RouteAsk, type RouteReply } from '@labgate/contract'
import type { NgauthConfig } from './config.ts'
import { allows, isOrigin } from './origins.ts'
import { donePage, homePage, offerPage, shown, strangerPage } from './pages.ts'
import { noteLater, termsToOffer } from './terms.ts'
import type { UserTokens } from './user-token.ts'

interface Parts {
  readonly context: AuthzContext<NgauthConfig>
  readonly origins: readonly (string | RegExp)[]
  readonly tokens: UserTokens
}

/** Paths whose errors are pages. */
export const pagePaths: ReadonlySet<string> = new Set(['/', '/login', '/login/finish', '/logout'])

/** Handlers of what people open. */
export function popupHandlers(
  parts: Parts,
): Readonly<Record<'home' | 'login' | 'finish' | 'later' | 'logout', Handler>> {
  return {
    home: (ask) => home(parts, ask),
    login: async (ask) => login(parts, ask),
    finish: (ask) => finish(parts, ask),
    later: (ask) => later(parts, ask),
    logout: (ask) => logout(parts, ask),
  }
}

function sayIn({ text }: Parts['context'], { locale }: RouteAsk) {
  return (key: string, values?: Readonly<Record<string, string>>) => text(key, values, locale)
}

async function home({ context, tokens }: Parts, ask: RouteAsk): Promise<RouteReply> {
  const { origin } = context.url('/')
  const here = { origin, login: context.url('/login').href }
  const account = ask.principal?.account
  if (account === undefined) return shown(homePage(sayIn(context, ask), here))
  const proof = await tokens.give({ account: account.id, origin }, 'sign-out')
  const name = account.email === undefined ? account.displayName : `${account.displayName} (${account.email})`
  return shown(homePage(sayIn(context, ask), { ...here, known: { name, proof } }))
}

/** The origin of the page that waits; `''`: nobody does. A page to answer instead where something is wrong with it. */
function openerOf({ context, origins }: Parts, ask: RouteAsk): string | RouteReply {
  const origin = ask.url.searchParams.get('origin') ?? ''
  const say = sayIn(context, ask)
  if (origin === '' || allows(origins, origin)) return origin
  if (isOrigin(origin)) return shown(strangerPage(say, origin))
  return shown({ title: say('badOrigin'), text: [say('noOrigin')], tone: 'warning' }, 400)
}

/** Judges the origin before anybody is asked to sign in. */
function login(parts: Parts, ask: RouteAsk): RouteReply {
  const opener = openerOf(parts, ask)
  if (typeof opener !== 'string') return opener
  return { status: 303, headers: { Location: finishUrl(parts, opener).href } }
}

function finishUrl({ context }: Parts, origin: string): URL {
  const url = context.url('/login/finish')
  if (origin !== '') url.searchParams.set('origin', origin)
  return url
}

async function finish(parts: Parts, ask: RouteAsk): Promise<RouteReply> {
  const opener = openerOf(parts, ask)
  if (typeof opener !== 'string') return opener
  if (opener === '') return { status: 303, headers: { Location: parts.context.url('/').href } }
  const { context } = parts
  const [first, ...rest] = await termsToOffer(context, accountOf(ask))
  if (first === undefined) return done(parts, ask, opener)
  const { pathname, search } = finishUrl(parts, opener)
  const href = context.termsUrl(first.terms, pathname + search).href
  return shown(offerPage(sayIn(context, ask), [first, ...rest], href))
}

/** By a POST of the offer: without these terms for now. */
async function later(parts: Parts, ask: RouteAsk): Promise<RouteReply> {
  const opener = openerOf(parts, ask)
  if (typeof opener !== 'string') return opener
  const account = accountOf(ask)
  const offered = await termsToOffer(parts.context, account)
  await noteLater(
    parts.context,
    account,
    offered.map(({ terms }) => terms),
  )
  if (opener === '') return { status: 303, headers: { Location: parts.context.url('/').href } }
  return done(parts, ask, opener)
}

async function done({ context, tokens }: Parts, ask: RouteAsk, origin: string): Promise<RouteReply> {
  const account = accountOf(ask)
  const token = await tokens.give({ account, origin }, 'data')
  await context.noteIssue({ account, ask, detail: { what: 'user-token', origin, by: 'popup' } })
  return shown(donePage(sayIn(context, ask), { token, origin }))
}

function accountOf({ principal }: RouteAsk): string {
  if (principal === undefined) throw new Fault('ERR_UNAUTHENTICATED', 'Please sign in first.')
  return principal.account.id
}

/** Back to `/` in any case; signed out only with the proof that our own page gave to this very person. */
async function logout({ context, tokens }: Parts, { body, principal }: RouteAsk): Promise<RouteReply> {
  const proof = new URLSearchParams(new TextDecoder().decode(body)).get('token') ?? ''
  const back = { status: 302, headers: { Location: context.url('/').href } }
  if (principal === undefined || (await tokens.read(proof, 'sign-out'))?.account !== principal.account.id) return back
  return { ...back, signOut: true }
}
