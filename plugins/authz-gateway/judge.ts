/** May this request go through, as whom, and if not, what is missing? Reads only. @module */
import type { AccessAsk, Missing, Principal, RouteAsk } from '@labgate/contract'
import type { GatewayContext } from './config.ts'
import { identityHeaders } from './identity.ts'
import type { Keys } from './keys.ts'
import { methodsOf, otherTargets, spelt } from './retold.ts'
import { type Asked, agrees, type Demand, demandOf } from './rules.ts'

/** The answer, before it is put into words for anybody. */
export type Judgement =
  | { readonly is: 'allowed'; readonly headers: Readonly<Record<string, string>> }
  | { readonly is: 'ambiguous' | 'sign-in' | 'foreign' | 'owes' | 'key' | 'nobody' }
  | { readonly is: 'group'; readonly groups: readonly string[] }
  | { readonly is: 'dataset'; readonly asked: DatasetAsk; readonly missing: Missing | undefined }

type DatasetAsk = Pick<AccessAsk, 'dataset' | 'version' | 'verb'>

/** Judges one request. */
export async function judge(
  context: GatewayContext,
  keys: Keys | undefined,
  { ask, asked }: { readonly ask: RouteAsk; readonly asked: Asked },
): Promise<Judgement> {
  const demand = clearDemand(context, ask, asked)
  if (demand === 'ambiguous') return { is: 'ambiguous' }
  const foreign = isForeign(context, ask, asked)
  // Signed in, but not yet through this door, or made to come by another site: for a public part that is nobody.
  const principal = ask.owes === undefined && !foreign ? ask.principal : undefined
  const refused = await refusal(context, demand, principal)
  if (refused) return refused.is === 'sign-in' && ask.principal ? { is: foreign ? 'foreign' : 'owes' } : refused
  const key = principal && (await keys?.find(principal.account.id))
  if (keys && !key && demand.allow !== 'public') return { is: 'key' }
  return {
    is: 'allowed',
    headers: {
      // All of them, even if empty: what a proxy is to copy and does not find, it may leave as it came, or make up.
      ...noneOf(Object.values(context.config.headers)),
      ...(principal ? identityHeaders(context.config.headers, principal) : {}),
      ...(keys ? { [keys.header]: key?.value ?? '' } : {}),
    },
  }
}

function noneOf(names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.filter((name) => name !== '').map((name) => [name, '']))
}

/** The demand that holds whichever way the service reads the request. */
function clearDemand(context: GatewayContext, ask: RouteAsk, asked: Asked): Demand | 'ambiguous' {
  const { config } = context
  const demand = demandOf(config.rules, asked)
  const targets = otherTargets(ask, asked)
  if (demand === 'ambiguous' || targets === undefined || disguised(config, ask) || leaves(context, ask))
    return 'ambiguous'
  const methods = methodsOf(ask, asked)
  const others = [asked.target, ...targets].flatMap((target) => methods.map((method) => ({ method, target })))
  const isClear = others.every((other) => {
    const found = demandOf(config.rules, other)
    return found !== 'ambiguous' && agrees(demand, found)
  })
  return isClear ? demand : 'ambiguous'
}

/**
 * Whether it would leave HTTP/1.1 for an HTTP/2 in which a service answers whatever comes next, past proxy and gateway alike.
 * Over TLS nobody means that: HTTP/2 is agreed on before the first request (RFC 9113 §3.2).
 */
function leaves({ url }: GatewayContext, { headers }: RouteAsk): boolean {
  return headers['http2-settings'] !== undefined && url('/').protocol === 'https:'
}

/** A header that some servers (CGI, WSGI) take for one that only we may set: `X_Labgate_User`. */
function disguised({ headers, key }: GatewayContext['config'], ask: RouteAsk): boolean {
  const ours = new Set([...Object.values(headers), key?.header ?? ''].map((name) => name.toLowerCase()))
  return Object.keys(ask.headers).some((name) => spelt(name) !== name.toLowerCase() && ours.has(spelt(name)))
}

/**
 * Whether a page of another site makes the browser change something, or open a WebSocket, with the person's cookie. The
 * service cannot know that: before it stood behind us it had no cookie that a browser sends unasked.
 */
function isForeign({ config, url }: GatewayContext, ask: RouteAsk, asked: Asked): boolean {
  const { principal, headers } = ask
  if (principal?.via !== 'session') return false
  const isRead = methodsOf(ask, asked).every((method) => ['GET', 'HEAD', 'OPTIONS'].includes(method))
  if (isRead && headers['sec-websocket-version'] === undefined) return false
  const { origin } = headers
  if (origin !== undefined) return origin !== url('/').origin && !config.origins.includes(origin)
  const site = headers['sec-fetch-site']
  return site !== undefined && site !== 'same-origin' && site !== 'none'
}

async function refusal(
  context: GatewayContext,
  demand: Demand,
  principal: Principal | undefined,
): Promise<Judgement | undefined> {
  const { allow, groups, dataset, version, verb } = demand
  if (allow === 'nobody') return { is: 'nobody' }
  const isKnown = principal !== undefined
  if (allow === 'signed-in' && !isKnown) return { is: 'sign-in' }
  if (groups !== undefined && !groups.some((group) => principal?.account.groups.includes(group)))
    return { is: 'group', groups }
  if (dataset === undefined) return undefined
  const asked = { dataset, version, verb }
  const { allowed, missing } = await context.access.decide({ ...asked, account: principal?.account.id })
  if (allowed) return undefined
  return isKnown ? { is: 'dataset', asked, missing } : { is: 'sign-in' }
}
