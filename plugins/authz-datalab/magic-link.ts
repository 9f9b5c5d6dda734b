/**
 * Links by mail: `POST /login/magic-link` sends one, its page asks, and the button leads to the sign-in by e-mail with
 * the address filled in. The link proves nothing by itself: that sign-in has a proof of its own.
 * @module
 */
import { createHash } from 'node:crypto'
import { Fault, type Handler, networkOf, parseAddress, type RouteAsk, type RouteReply } from '@labgate/contract'
import { bodyOf, failure, success } from './answers.ts'
import type { DatalabContext } from './config.ts'
import type { Providers } from './providers.ts'

const hour = 3600
/** Mails an hour: to one address from one network, to one address, from one network, in all. */
const limits = { addressHere: 3, address: 9, network: 60, all: 1000 }

/** Handlers of links; `begin` sends the browser to a sign-in. */
export function magicLinkHandlers(
  context: DatalabContext,
  { providers, begin }: { readonly providers: Providers; begin(provider: string, hint?: string): RouteReply },
): Readonly<Record<string, Handler>> {
  const { store, text, config } = context
  return {
    magicLink: (ask) => send(context, providers, ask),
    async openLink({ url, locale }) {
      const token = url.searchParams.get('token')
      if (token === null) return begin('email')
      const address = addressIn(await store.get(keyOf(token)))
      if (address === undefined) return over(context, locale)
      const values = { prefix: config.identifierPrefix, address }
      return {
        status: 200,
        headers: { 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' },
        page: {
          title: text('linkTitle', values, locale),
          text: [text('linkText', values, locale)],
          form: { fields: [], submit: text('linkGo', values, locale) },
        },
      }
    },
    async useLink({ url, locale }) {
      const address = addressIn(await store.take(keyOf(url.searchParams.get('token') ?? '')))
      return address === undefined ? over(context, locale) : begin('email', address)
    },
  }
}

async function send(context: DatalabContext, providers: Providers, ask: RouteAsk): Promise<RouteReply> {
  const { config, store, random, text, mail } = context
  const { email, referrer } = bodyOf(ask)
  if (!config.magicLinks || providers.instanceOf('email') === undefined)
    return failure(403, 'Sign-in by e-mail is not offered on this deployment.')
  const address = typeof email === 'string' ? parseAddress(email)?.address.toLowerCase() : undefined
  if (address === undefined) return failure(400, 'A valid email address is needed.')
  if (typeof referrer !== 'string' || referrer === '') return failure(400, 'No referrer was given.')
  // The link leads here whatever it says; a caller that names another application is told, not mailed for.
  if (URL.parse(referrer)?.origin !== new URL(config.appUrl).origin)
    return failure(400, 'The referrer is not the web application of this deployment.')
  await assertWithin(context, ask, address)
  const token = random.token()
  await store.put(keyOf(token), { address }, hour)
  const link = context.url('/login/email')
  link.searchParams.set('token', token)
  const values = { prefix: config.identifierPrefix, link: link.href }
  const body = text('mailText', values, ask.locale)
  await mail.send({
    to: address,
    subject: text('mailSubject', values, ask.locale),
    text: body,
    html: htmlOf(body, link),
  })
  return success({ message: 'Email sent successfully.' })
}

/** Counted before anything is known of the address, so that no answer tells whether somebody has it. */
async function assertWithin({ store }: DatalabContext, { address: from }: RouteAsk, to: string): Promise<void> {
  const network = networkOf(from)
  // From narrow to wide: what is refused at one is not counted at the next, so that one network cannot use up what
  // others are left of an address, or of all.
  const counts = [
    [`mails:${digest(`${network} ${to}`)}`, limits.addressHere],
    [`mails:${digest(network)}`, limits.network],
    [`mails:${digest(to)}`, limits.address],
    ['mails', limits.all],
  ] as const
  for (const [name, most] of counts)
    if ((await store.count(name, hour)) > most)
      throw new Fault('ERR_RATE', 'Too many mails were asked for. Wait an hour.', { retryAfterSeconds: hour })
}

/** The store is sealed; even so it holds no value that opens anything. */
function keyOf(token: string): string {
  return `link:${digest(token)}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

function addressIn(kept: unknown): string | undefined {
  const { address } = (kept ?? {}) as { readonly address?: unknown }
  return typeof address === 'string' ? address : undefined
}

function over({ text, config }: DatalabContext, locale: string): RouteReply {
  const page = { title: text('linkOverTitle', {}, locale), text: [text('linkOver', { app: config.appUrl }, locale)] }
  return { status: 400, page: { ...page, tone: 'warning' } }
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string) => text.replaceAll(/[&<>"]/g, (one) => entities[one] ?? '')

function htmlOf(body: string, link: URL): string {
  const href = escaped(link.href)
  const paragraphs = body.trim().split('\n\n').map(escaped)
  return paragraphs.map((one) => `<p>${one === href ? `<a href="${href}">${href}</a>` : one}</p>`).join('')
}
