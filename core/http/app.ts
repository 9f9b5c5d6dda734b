/**
 * The outer app: everything a request passes before a route or the Provider sees it. In this order: request id,
 * headers, errors, host, address and scheme, Provider, session and the like (`use`), routes.
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault, type Log } from '@labgate/contract'
import Koa from 'koa'
import { newId, quickToken } from '../random.ts'
import type { Ctx, State, Step } from './context.ts'
import { createCookieSigner } from './cookie-signer.ts'
import { type Csrf, createCsrf } from './csrf.ts'
import { createProxies, type Edge, readEdge, rewriteForwarded } from './edge.ts'
import { catchErrors, type ErrorPages } from './errors.ts'
import { setCsp, setSecurityHeaders } from './headers.ts'
import { addressAt, createHosts, type Hosts } from './host.ts'
import { openerStep } from './opener.ts'
import { type ProviderMount, providerStep } from './provider.ts'
import { createLimits, type Limits } from './rate.ts'
import { createRoutes, type Routes } from './routes.ts'

/** One finished request, as metrics see it. */
export interface RequestSample {
  readonly method: string
  /** Pattern of the route, `none` when nothing matched. */
  readonly route: string
  readonly status: number
  readonly seconds: number
}

/** What the app needs. */
export interface AppNeeds {
  /** An origin. */
  readonly issuer: string
  /** Addresses and ranges of reverse proxies; `unix` for callers on a unix socket. */
  readonly proxies: readonly string[]
  readonly log: Log
  readonly pages: ErrorPages
  /** Cookie keys, newest first; the Provider must get the very same ones. */
  readonly ringKeys: readonly string[]
  readonly metrics?: { request(sample: RequestSample): void }
  readonly limits?: Limits
}

/** The outer app. */
export interface App {
  /** For `koa-session`, which signs its cookie with the app's keys. */
  readonly koa: Koa<State>
  readonly routes: Routes
  readonly csrf: Csrf
  readonly limits: Limits
  /** Adds a step before the routes, not before the Provider. */
  use(step: Step): void
  mountProvider(mount: ProviderMount): void
  /** The listener for a server. */
  callback(): (req: IncomingMessage, res: ServerResponse) => void
  /** Who asks, for WebSocket upgrades, which pass no step. @throws Fault ERR_HOST */
  inspect(req: IncomingMessage): Edge & { readonly host: string }
}

function begin(ctx: Ctx): void {
  const state: State = {
    // People read it to each other and paste it into commands: letters and digits only.
    requestId: newId({ token: () => quickToken(32) }, 16),
    nonce: quickToken(16),
    formAction: [],
    host: '',
    address: 'unknown',
    secure: false,
  }
  Object.assign(ctx.state, state)
  ctx.set('X-Request-Id', state.requestId)
}

/** A path that leads nowhere may still hold a secret, when somebody mistyped the rest. */
const withoutLongNames = (path: string): string => path.replaceAll(/[\w.~-]{40,}/g, '…')

function watchEnd(ctx: Ctx, needs: AppNeeds): void {
  const started = performance.now()
  ctx.res.once('close', () => {
    const seconds = (performance.now() - started) / 1000
    const { requestId, address, route } = ctx.state
    const { method } = ctx
    const status = ctx.res.statusCode
    needs.metrics?.request({ method, route: route ?? 'none', status, seconds })
    // A known route's path may hold a secret (a link from a mail), so only its pattern is written.
    const where = route === undefined ? { path: withoutLongNames(ctx.path) } : { route }
    const whole = ctx.res.writableFinished ? {} : { broken: true }
    const line = { requestId, method, ...where, status, address, ms: Math.round(seconds * 1e3), ...whole }
    needs.log.info(line, 'request')
  })
}

function beginStep(needs: AppNeeds): Step {
  return async (ctx, next) => {
    begin(ctx)
    watchEnd(ctx, needs)
    setSecurityHeaders(ctx, needs)
    await next()
    setCsp(ctx)
  }
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

function edgeStep(needs: { issuer: URL; hosts: Hosts; edgeOf: (req: IncomingMessage) => Edge }): Step {
  return async (ctx, next) => {
    const edge = needs.edgeOf(ctx.req)
    Object.assign(ctx.state, edge)
    ctx.state.host = checkHost(ctx, needs.hosts)
    rewriteForwarded(ctx.req, edge)
    refuseInsecure(ctx, needs.issuer)
    await next()
  }
}

function useAll(koa: Koa<State>, steps: readonly Step[]): void {
  // The router's context type adds `params`, which no step before the routes reads.
  for (const step of steps) koa.use(step as Koa.Middleware<State>)
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
  const { routes, run } = createRoutes({ issuer: needs.issuer, csrf, limits }, (ctx) => ctx.state.host)
  const added: Step[] = []
  let mount: ProviderMount | undefined
  // `proxy` is safe here: `rewriteForwarded` leaves only what the edge vouches for.
  const koa = new Koa<State>({ proxy: true })
  koa.keys = createCookieSigner(needs.ringKeys) as Koa['keys']
  koa.on('error', (error: unknown) => needs.log.warn({ error }, 'a response broke off'))
  useAll(koa, [
    beginStep(needs),
    catchErrors(needs),
    edgeStep({ issuer, hosts, edgeOf }),
    openerStep({ issuer, routes: () => routes.list() }),
    onHost(issuer.host, providerStep({ issuer, mount: () => mount, setCsp, limits })),
    around(added, run),
  ])
  return {
    koa,
    routes,
    csrf,
    limits,
    use: (step) => void added.push(step),
    mountProvider: (given) => {
      mount = given
    },
    callback: () => koa.callback(),
    inspect: (req) => ({ ...edgeOf(req), host: hosts.check(req) }),
  }
}

function onHost(host: string, step: Step): Step {
  return (ctx, next) => (ctx.state.host === host ? step(ctx, next) : next())
}
