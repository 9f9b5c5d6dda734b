/** Who may do what with a workspace's origin, by what the browser says of a request. Pure. @module */
import type { IncomingHttpHeaders } from 'node:http'

/** A request as far as it matters here. */
export interface VisitAsk {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  /** The origin it is served at. */
  readonly origin: string
  readonly upgrade: boolean
}

const safe = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Why a request that carries a visitor's cookie is refused; `undefined` lets it by. The proxy adds the app's token, which
 * switches the app's own protection off: a page of somebody else's workspace must not make this browser act here. What
 * another site may do is lead somebody here, at the top of a window.
 */
export function forbidden({ method, headers, origin, upgrade }: VisitAsk): string | undefined {
  const from = headers.origin
  const site = headers['sec-fetch-site']
  if (from !== undefined && from !== origin) return 'Only its own pages may talk to this workspace.'
  if (upgrade) return from === origin ? undefined : 'A WebSocket of a browser says where it comes from.'
  const isOwn = site === undefined || site === 'same-origin' || site === 'none'
  if (!safe.has(method)) {
    if (from === origin || (isOwn && site !== undefined)) return undefined
    return 'Only its own pages may change something in this workspace.'
  }
  if (isOwn) return undefined
  const isTop = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  return isTop ? undefined : 'Only its own pages may read from this workspace.'
}

/** Whether a person looks at the answer, who can be sent elsewhere. */
export function isNavigation({ method, headers }: Pick<VisitAsk, 'method' | 'headers'>): boolean {
  const mode = headers['sec-fetch-mode']
  if (method !== 'GET') return false
  return mode === undefined ? (headers.accept ?? '').includes('text/html') : mode === 'navigate'
}
