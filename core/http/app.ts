/**
 * The outer app: everything a request passes before a route or the Provider sees it. In this order: request id,
 * headers, errors, host, address and scheme, Provider, session and the like (`use`), routes.
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault } from '@labgate/contract'
import Koa from 'koa'
import { createRequestSpans } from '../observe/spans.ts'
import type { Ctx, State, Step } from './context.ts'
import { createCookieSigner } from './cookie-signer.ts'
import { type Csrf, createCsrf } from './csrf.ts'
import { createProxies, type Edge, readEdge, rewriteForwarded } from './edge.ts'
import { answerError, type ErrorPages } from './errors.ts'
import { securityHeaders, setCsp } from './headers.ts'
import { addressAt, createHosts, type Hosts } from './host.ts'
import { openerMark } from './opener.ts'
import { type ProviderMount, providerDoor } from './provider.ts'
import { createProviderShortWay, isDocument } from './provider-short.ts'
import { createLimits, type Limits } from './rate.ts'
import { createRoutes, type Routes } from './routes.ts'
import { createShortWay, type ShortNeeds, type ShortWay } from './short.ts'
import { atTurnsEnd } from './turn.ts'
import { newState, type RequestSample, type WatchNeeds, watchEnd } from './watch.ts'

/** What the app needs. */
export interface AppNeeds {
  /** An origin. */
  readonly issuer: string
  /** Addresses and ranges of reverse proxies; `unix` for callers on a unix socket. */
  readonly proxies: readonly string[]
  readonly log: WatchNeeds['log']
  readonly pages: ErrorPages
  /** Cookie keys, newest first; the Provider must get the very same ones. */
  readonly ringKeys: readonly string[]
  readonly metrics?: { request(sample: RequestSample): void }
  readonly limits?: Limits
}

/** The outer app. */
export interface App {
  /** For `koa-session`, which gives its contexts a session. */
  readonly koa: Koa<State>
  readonly routes: Routes
  readonly csrf: Csrf
  readonly limits: Limits
  /** Adds a step before the routes, not before the Provider. With one, every request goes the long way. */
  use(step: Step): void
  /** Adds a step that does nothing but say how errors are answered. */
  useForErrors(step: Step): void
  mountProvider(mount: ProviderMount): void
  /** The listener for a server. */
  callback(): (req: IncomingMessage, res: ServerResponse) => void
  /** Who asks, for WebSocket upgrades, which pass no step. @throws Fault ERR_HOST */
  inspect(req: IncomingMessage): Edge & { readonly host: string }
}

/** An https issuer is served over https only, as the socket or a listed proxy says. */
function refuseInsecure(ctx: Ctx, issuer: URL): void {
  if (issuer.protocol !== 'https:' || ctx.state.secure) return
  ctx.state.rightAddress = addressAt(`https://${ctx.state.host}`, ctx.req.url)
  throw new Fault('ERR_HOST', 'This address is served over https only.', {
    detail: {
      from: ctx.req.socket.remoteAddress,
      mend: 'if this is your reverse proxy, list its address in `proxies` and let it send X-Forwarded-Proto',
    },
  })
}

function checkHost(ctx: Ctx, hosts: Hosts): string {
  try {
    return hosts.check(ctx.req)
  } catch (fault) {
    const suggestion = hosts.suggestion(ctx.req)
    if (suggestion !== undefined) ctx.state.rightAddress = suggestion
    throw fault
  }
}

interface AtEdge {
  readonly issuer: URL
  readonly hosts: Hosts
  readonly edgeOf: (req: IncomingMessage) => Edge
}

function passEdge(ctx: Ctx, { issuer, hosts, edgeOf }: AtEdge): void {
  const edge = edgeOf(ctx.req)
  ctx.state.address = edge.address
  ctx.state.secure = edge.secure
  ctx.state.host = checkHost(ctx, hosts)
  rewriteForwarded(ctx.req, edge)
  refuseInsecure(ctx, issuer)
}

/** Runs the steps added by `use` around `last`. */
function around(added: readonly Step[], last: Step): Step {
  return (ctx, next) => {
    const at = (index: number): Promise<void> =>
      (added[index] ?? last)(ctx, index < added.length ? () => at(index + 1) : next)
    return at(0)
  }
}

/** Builds the app; it listens nowhere yet. */
export function createApp(needs: AppNeeds): App {
  const issuer = new URL(needs.issuer)
  const proxies = createProxies(needs.proxies)
  const edgeOf = (req: IncomingMessage) => readEdge(req, proxies)
  const csrf = createCsrf(needs)
  const limits = needs.limits ?? createLimits()
  const hosts = createHosts({ issuer: needs.issuer, others: () => routes.hosts() })
  const { routes, run, shortAt } = createRoutes({ issuer: needs.issuer, csrf, limits }, (ctx) => ctx.state.host)
  const added: Step[] = []
  const headers = securityHeaders(needs)
  const spans = createRequestSpans()
  const watching = spans === undefined ? needs : { ...needs, spans }
  let isStraight = true
  let mount: ProviderMount | undefined
  // `proxy` is safe here: `rewriteForwarded` leaves only what the edge vouches for.
  const koa = new Koa<State>({ proxy: true })
  koa.keys = createCookieSigner(needs.ringKeys) as Koa['keys']
  koa.on('error', (error: unknown) => needs.log.warn({ error }, 'a response broke off'))
  const markOpener = openerMark({ issuer, routes: () => routes.list() })
  const door = providerDoor({ issuer, mount: () => mount, setCsp, limits })
  const toRoute = around(added, run)
  const atEdge = { issuer, hosts, edgeOf }
  const inside = (ctx: Ctx): Promise<void> => {
    passEdge(ctx, atEdge)
    markOpener(ctx)
    const taken = ctx.state.host === issuer.host ? door.answer(ctx) : undefined
    return taken ?? toRoute(ctx, nobodyElse)
  }
  /** Requests that came the short way and leave by Koa. */
  const onTheWay = new WeakMap<IncomingMessage, State>()
  // One step, not one each: every step costs each request its promises.
  const all: Step = async (ctx) => {
    const begun = onTheWay.get(ctx.req)
    ctx.state = begun ?? newState()
    if (begun === undefined) watchEnd(ctx, watching)
    ctx.res.setHeader('X-Request-Id', ctx.state.requestId)
    for (const [name, value] of headers) ctx.res.setHeader(name, value)
    try {
      await inside(ctx)
    } catch (error) {
      // Here and not past Koa, whose own handler would strip the headers.
      answerError(ctx, error, needs)
    }
    setCsp(ctx)
  }
  // The router's context type adds `params`, which nothing before the routes reads.
  koa.use(all as Koa.Middleware<State>)
  const longWay = koa.callback()
  const short: Omit<ShortNeeds, 'routesAt'> = {
    headers,
    contextOf(req, res) {
      // As above: `params` is the router's, which these routes do without.
      const ctx = koa.createContext(req, res) as unknown as Ctx
      ctx.state = newState()
      return ctx
    },
    passEdge: (ctx) => passEdge(ctx, atEdge),
    begin(ctx) {
      watchEnd(ctx, watching)
      markOpener(ctx)
    },
    goOn({ req, res, state }) {
      onTheWay.set(req, state)
      void longWay(req, res)
    },
  }
  const shortWay = createShortWay({
    ...short,
    routesAt: (method, path) => (isStraight ? shortAt(method, path) : undefined),
  })
  const toProvider = createProviderShortWay({ ...short, host: issuer.host, mount: () => mount, door })
  return {
    koa,
    routes,
    csrf,
    limits,
    use(step) {
      added.push(step)
      isStraight = false
    },
    useForErrors: (step) => void added.push(step),
    mountProvider: (given) => {
      mount = given
    },
    callback() {
      const straight: ShortWay = (req, res) => isStraight && toProvider(req, res)
      const byWays = (first: ShortWay, second: ShortWay) => (req: IncomingMessage, res: ServerResponse) => {
        if (!first(req, res) && !second(req, res)) void longWay(req, res)
      }
      const listener = byWays(shortWay, straight)
      // No dialect has the Provider's documents.
      const document = byWays(straight, shortWay)
      // Who traces requests may have said at its arrival which one this is.
      if (spans !== undefined) return spans.around(listener)
      const later = atTurnsEnd(listener)
      return (req, res) => (isDocument(req) ? document(req, res) : later(req, res))
    },
    inspect: (req) => ({ ...edgeOf(req), host: hosts.check(req) }),
  }
}

const nobodyElse = () => Promise.resolve()
