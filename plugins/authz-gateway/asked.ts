/** What the reverse proxy says about the request it asks for, and who would read the answer. @module */
import { timingSafeEqual } from 'node:crypto'
import { Fault, type RouteAsk } from '@labgate/contract'
import type { GatewayContext } from './config.ts'
import type { Asked } from './rules.ts'

/** Which headers speak of the request: nginx is told to send the first, Caddy and Traefik send the second by themselves. */
export type Words = 'original' | 'forwarded'

/**
 * The request that is asked about. The core leaves these headers to listed proxies alone; which pair counts is the
 * endpoint's choice, never the caller's.
 * @throws Fault ERR_FORBIDDEN when it is not the reverse proxy that asks, ERR_INPUT when it tells no request
 */
export function askedOf(context: GatewayContext, { headers }: RouteAsk, words: Words): Asked {
  assertProxy(context, headers['x-labgate-proxy'])
  const [method, target] =
    words === 'original'
      ? [headers['x-original-method'], headers['x-original-uri']]
      : [headers['x-forwarded-method'], headers['x-forwarded-uri']]
  if (method !== undefined && target !== undefined) return { method, target }
  throw new Fault('ERR_INPUT', context.text('proxyOnly', { service: titleOf(context) }), {
    detail: {
      why: 'the request that is asked about was not told, or not by a listed proxy',
      mend: 'list the address of the reverse proxy in `proxies`, and configure it as docs/gateway.md says',
    },
  })
}

function assertProxy(context: GatewayContext, given: string | undefined): void {
  const wanted = context.config.proxySecret?.reveal()
  if (wanted === undefined || (given !== undefined && isSame(wanted, given))) return
  context.log.warn(
    { told: given !== undefined },
    'asked without the right X-Labgate-Proxy: let the reverse proxy send it',
  )
  throw new Fault('ERR_INPUT', context.text('proxyOnly', { service: titleOf(context) }))
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** What people call the service. */
export function titleOf({ config, url }: GatewayContext): string {
  return config.title ?? url('/').host
}

/** Whether the answer is read by a person. */
export function wantsPage({ headers }: RouteAsk): boolean {
  return /(?:^|[\s,])text\/html/i.test(headers.accept ?? '')
}

/** Whether a browser goes to an address, and would follow us to another one: not its scripts, images and forms. */
export function isOnTheWay(ask: RouteAsk, { method }: Asked): boolean {
  const mode = ask.headers['sec-fetch-mode']
  return wantsPage(ask) && (method === 'GET' || method === 'HEAD') && (mode === undefined || mode === 'navigate')
}

/** A path of this host to come back to, or `undefined`. */
export function backOf({ url }: GatewayContext, value: string | null): string | undefined {
  if (value === null || value.length > 2048 || !/^\/(?![/\\])[\x21-\x7e]*$/.test(value) || value.includes('\\'))
    return undefined
  const { origin } = url('/')
  const found = URL.parse(value, origin)
  if (found?.origin !== origin) return undefined
  const path = found.pathname + found.search + found.hash
  return path.startsWith('//') ? undefined : path
}

/** An address of ours that leads back there. */
export function wayOver(context: GatewayContext, path: '/enter' | '/key', target: string): string {
  const url = context.url(path)
  const back = backOf(context, target)
  if (back !== undefined) url.searchParams.set('back', back)
  return url.href
}
