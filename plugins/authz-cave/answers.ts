/** Bytes and headers as middle_auth sends them. @module */
import type { Fault, Json, RouteAsk, RouteReply, TokenTrouble } from '@labgate/contract'
import { isProgram, toAuthorize } from './browsers.ts'
import type { CaveContext } from './config.ts'
import { authorizeUrl } from './routes.ts'

/** Clients compare the type as a whole: no charset may follow. Frozen, so that the core puts a head together once. */
const jsonType = Object.freeze({ 'Content-Type': 'application/json' })
const wordsType = Object.freeze({ 'Content-Type': 'text/plain; charset=utf-8' })

/** JSON. */
export function json(value: Json, status = 200): RouteReply {
  return { status, headers: jsonType, json: value }
}

/** JSON that is written already: numbers beyond what JavaScript counts exactly. */
export function jsonText(body: string): RouteReply {
  return { status: 200, headers: jsonType, body }
}

/** Words. */
export function words(status: number, body: string): RouteReply {
  return { status, headers: wordsType, body }
}

/** Sends the browser elsewhere. */
export function away(url: URL): RouteReply {
  return { status: 302, headers: { Location: url.href } }
}

const troubles: Readonly<Record<TokenTrouble, { status: number; error: string; message: string; more: string }>> = {
  none: { status: 401, error: 'no_token', message: 'Unauthorized - No Token Provided', more: '' },
  invalid: {
    status: 401,
    error: 'invalid_token',
    message: 'Unauthorized - Token is Invalid or Expired',
    more: ', error="invalid_token", error_description="Invalid/Expired Token"',
  },
  conflict: {
    status: 401,
    error: 'invalid_token',
    message: 'Unauthorized - Header and Cookie hold different Tokens',
    more: ', error="invalid_token", error_description="Invalid/Expired Token"',
  },
  scheme: {
    status: 400,
    error: 'bad_auth_header',
    message: "Authorization header must begin with 'Bearer'",
    more: `, error="invalid_request", error_description="Header must begin with 'Bearer'"`,
  },
}

/** Errors in the dialect: a browser without a token is sent to sign in, programs hear what is wrong as JSON, the rest is words. */
export function renderError(context: CaveContext, fault: Fault, ask: RouteAsk): RouteReply {
  const { token } = fault.detail
  if (fault.code === 'ERR_UNAUTHENTICATED' && typeof token === 'string' && Object.hasOwn(troubles, token)) {
    const elsewhere = toAuthorize(context, ask)
    if (elsewhere) return away(elsewhere)
    const { status, error, message, more } = troubles[token as TokenTrouble]
    // The viewers' parser splits at ", " and "=": the address holds neither.
    const challenge = `Bearer realm="${authorizeUrl(context).href}"${more}`
    return { ...json({ error, message }, status), headers: { ...jsonType, 'WWW-Authenticate': challenge } }
  }
  const said = fault.shown ? fault.message : `${fault.code} ${ask.requestId}`
  if (!isProgram(ask) && ask.headers.accept?.includes('text/html') === true)
    return {
      status: fault.status,
      page: { title: context.text('problem', {}, ask.locale), text: [said], tone: 'warning' },
    }
  // What stands against a change is said with another number there.
  return words(fault.code === 'ERR_CONFLICT' ? 422 : fault.status, said)
}
