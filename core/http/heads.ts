/** Headers of the plain answers of one route, put together once for all answers that have the same. @module */
import type { RouteReply } from '@labgate/contract'
import { type CorsRule, corsHeaders, variesByOrigin } from './cors.ts'
import { bareCsp } from './headers.ts'

/** Heads as Node takes them: name, value, name, value. The first is the request id's, whose value is left open. */
export interface Heads {
  /** `undefined`: an answer with these headers is not plain. */
  of(reply: Pick<RouteReply, 'headers' | 'json'>, origin: string | undefined): readonly string[] | undefined
}

type Pair = readonly [string, string]
type Members = Readonly<Record<string, string>>

/** Whether it is an answer for a program, which shows nothing and so may load nothing. */
export function isData({ headers = none, json }: Pick<RouteReply, 'headers' | 'json'>): boolean {
  const type = headers['Content-Type']
  return type === undefined ? json !== undefined : /^(?:application\/json|text\/plain)\b/.test(type)
}

const none: Members = Object.freeze({})
/** What stands for the connection or the request, and is nobody's to say in passing. */
const special = new Set(['content-length', 'transfer-encoding', 'connection', 'set-cookie', 'x-request-id'])
/** Listed origins are few; an expression may take many. */
const mostOrigins = 100

/** Makes the heads of a route; `always` is what every response has. */
export function createHeads({ cors }: { readonly cors?: CorsRule }, always: readonly Pair[]): Heads {
  // Handlers answer with the same few frozen objects again and again.
  const byOrigin = new Map<string, WeakMap<Members, readonly string[]>>()
  return {
    of({ headers = none, json }, asking) {
      // Asked each time: the same headers may stand before something else.
      if (!isData({ headers, ...(json === undefined ? {} : { json }) })) return undefined
      const allowed = cors === undefined ? [] : corsHeaders(cors, asking)
      const key = allowed[0]?.[1] ?? ''
      let kept = byOrigin.get(key)
      const known = kept?.get(headers)
      if (known !== undefined) return known
      if (Object.keys(headers).some((name) => special.has(name.toLowerCase()))) return undefined
      const vary: Pair[] = cors !== undefined && variesByOrigin(cors) ? [['Vary', 'Origin']] : []
      const type: Pair = ['Content-Type', 'application/json; charset=utf-8']
      const csp: Pair = ['Content-Security-Policy', bareCsp]
      const head = flat([...always, ...vary, ...allowed, csp, type, ...Object.entries(headers)])
      if (!Object.isFrozen(headers)) return head
      if (kept === undefined) {
        kept = new WeakMap()
        if (byOrigin.size < mostOrigins) byOrigin.set(key, kept)
      }
      kept.set(headers, head)
      return head
    },
  }
}

/** Of a name that comes twice the later one counts, as with `setHeader`. */
function flat(pairs: readonly Pair[]): string[] {
  const byName = new Map(pairs.map((pair) => [pair[0].toLowerCase(), pair]))
  return ['X-Request-Id', '', ...[...byName.values()].flat()]
}
