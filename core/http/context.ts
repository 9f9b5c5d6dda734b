/** What every request of the outer app carries, made at the edge before any route runs. @module */
import type { RouterContext } from '@koa/router'
import type { Fault, RouteReply } from '@labgate/contract'
import type { Next } from 'koa'

/** Facts about one request. `address` and `secure` come from the socket and from listed proxies only. */
export interface State {
  /** Random, ours; a header of the request never sets it. */
  requestId: string
  /** The host asked for, checked and as URL writes it; empty until then. */
  host: string
  /** The person's network address. */
  address: string
  /** Whether the person's browser spoke TLS, as far as a listed proxy or our own socket says so. */
  secure: boolean
  /** CSP nonce of this response. */
  readonly nonce: string
  /** Sources added to `form-action` of this response; use `allowFormTo`. */
  formAction: string[]
  /** Whole CSP of this response instead of the house's own. */
  csp?: string
  /** Pattern of the route that answers, for logs and metrics; never the path. */
  route?: string
  /** The right address to offer when the asked one is not served. */
  rightAddress?: string
  /** Where the person may start over when this request fails. */
  restart?: string
  /** Body of a form; each name once. */
  form?: URLSearchParams
  /** Body as JSON; no object in it has a `__proto__` key. */
  json?: unknown
  /** Body as it came. */
  raw?: Uint8Array
  /** Whom the guard of a dialect's route found; `undefined`: nobody, or there was none. */
  found?: unknown
  /** What came of the request on the short way, which could not send it. */
  settled?: Settled
  /** The Provider had no quick answer. */
  quickAsked?: true
  /** Errors in the dialect of the route that answers. */
  onError?: (fault: Fault, ctx: Ctx) => void
}

/** How a route ended whose answer is still to be sent. */
export type Settled = { readonly reply: RouteReply } | { readonly error: unknown }

/** The context of the outer app's handlers. */
export type Ctx = RouterContext<State>

/** One step around the routes. */
export type Step = (ctx: Ctx, next: Next) => Promise<void>
