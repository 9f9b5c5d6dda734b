/** A request as a dialect's handler sees it. @module */
import type { IncomingHttpHeaders } from 'node:http'
import type { Principal, RouteAsk } from '@labgate/contract'
import type { Ctx } from './context.ts'
import type { DialectNeeds } from './dialect-place.ts'
import { readCookie } from './session.ts'

/** Our own cookies are no dialect's business: one that hands requests on must not hand on whole sessions. */
const ours = /^(?:__Host-|__Secure-)?labgate_/

/** What the guard found out. */
export interface Known {
  readonly principal: Principal | undefined
  readonly owes: RouteAsk['owes']
}

/** It found nobody, or was not asked yet. */
export const nobody: Known = { principal: undefined, owes: undefined }

/** What a handler gets. Nearly every handler wants little of it: what must be copied or parsed is, when it is asked for. */
export class Ask implements RouteAsk {
  readonly method: string
  readonly params: RouteAsk['params']
  readonly body: Uint8Array
  readonly address: string
  readonly requestId: string
  readonly principal: Principal | undefined
  readonly owes: RouteAsk['owes']
  // Private, so that no handler reaches past what it is given.
  readonly #ctx: Ctx
  readonly #needs: DialectNeeds
  #headers: RouteAsk['headers'] | undefined
  #cookies: RouteAsk['cookies'] | undefined

  constructor(ctx: Ctx, needs: DialectNeeds, { principal, owes }: Known) {
    const { raw, address, requestId } = ctx.state
    this.method = ctx.req.method ?? 'GET'
    this.params = ctx.params ?? {}
    this.body = raw ?? none
    this.address = address
    this.requestId = requestId
    this.principal = principal
    this.owes = owes
    this.#ctx = ctx
    this.#needs = needs
  }

  get url(): URL {
    return this.#ctx.URL
  }

  get locale(): string {
    return this.#needs.locale(this.#ctx)
  }

  get headers(): RouteAsk['headers'] {
    // As `seen` says, there is nothing in it but texts.
    this.#headers ??= new Proxy(this.#ctx.req.headers, seen) as RouteAsk['headers']
    return this.#headers
  }

  get cookies(): RouteAsk['cookies'] {
    this.#cookies ??= cookiesFor(this.#ctx)
    return this.#cookies
  }
}

const none = new Uint8Array()

function pairsOf({ cookie = '' }: Headers): string[] {
  const pairs = cookie.split(';').map((pair) => pair.trim())
  return pairs.filter((pair) => pair !== '' && !ours.test(pair))
}

type Headers = IncomingHttpHeaders

/**
 * Headers as a handler sees them: without our cookies, and not to be changed. A view, for a copy of them all would cost more than
 * what nearly every handler does with them.
 */
const seen: ProxyHandler<Headers> = {
  get: (headers, name) => (typeof name === 'string' ? seenIn(headers, name) : undefined),
  getOwnPropertyDescriptor(headers, name) {
    const found = Reflect.getOwnPropertyDescriptor(headers, name)
    return found && { ...found, value: seenIn(headers, String(name)) }
  },
  set: () => false,
  deleteProperty: () => false,
  defineProperty: () => false,
  setPrototypeOf: () => false,
}

function seenIn(headers: Headers, name: string): string | undefined {
  // Nothing but own members: a handler may ask for any word.
  if (!Object.hasOwn(headers, name)) return undefined
  if (name === 'cookie') return pairsOf(headers).join('; ') || undefined
  const value = headers[name]
  // Node joins what comes twice; `set-cookie` alone would be a list, and nobody asks by it.
  return typeof value === 'string' ? value : undefined
}

function cookiesFor(ctx: Ctx): RouteAsk['cookies'] {
  const names = pairsOf(ctx.req.headers)
    .map((pair) => pair.split('=')[0]?.trim() ?? '')
    .filter(Boolean)
  return Object.fromEntries(names.map((name) => [name, readCookie(ctx.req, name)]))
}
