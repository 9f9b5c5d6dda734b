/** A request as a dialect's handler sees it. @module */
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
    this.#headers ??= headersFor(this.#ctx)
    return this.#headers
  }

  get cookies(): RouteAsk['cookies'] {
    this.#cookies ??= cookiesFor(this.#ctx)
    return this.#cookies
  }
}

const none = new Uint8Array()

function pairsOf({ req }: Ctx): string[] {
  const pairs = (req.headers.cookie ?? '').split(';').map((pair) => pair.trim())
  return pairs.filter((pair) => pair !== '' && !ours.test(pair))
}

function headersFor(ctx: Ctx): RouteAsk['headers'] {
  // Node joins what comes twice; `set-cookie` alone would be a list, and nobody asks by it.
  const headers = { ...ctx.req.headers, 'set-cookie': undefined }
  if (headers.cookie !== undefined) headers.cookie = pairsOf(ctx).join('; ') || undefined
  return headers as Readonly<Record<string, string | undefined>>
}

function cookiesFor(ctx: Ctx): RouteAsk['cookies'] {
  const names = pairsOf(ctx)
    .map((pair) => pair.split('=')[0]?.trim() ?? '')
    .filter(Boolean)
  return Object.fromEntries(names.map((name) => [name, readCookie(ctx.req, name)]))
}
