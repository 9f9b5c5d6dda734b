/** The route table: routes are data, by host, method and path; every guard of a route runs here, in one order. @module */
import { Fault, type RouteReply } from '@labgate/contract'
import { type BodyRule, isWithoutBody, readBody } from './body.ts'
import type { Ctx, Step } from './context.ts'
import { answerPreflight, type CorsRule, namesOrigin, setCors } from './cors.ts'
import { assertProvenance, assertToken, type Csrf, type CsrfRule } from './csrf.ts'
import { keepOpener } from './opener.ts'
import { addressKey, type Limits, type RateRule } from './rate.ts'
import { createRouters, type Routers } from './routers.ts'

/** Methods a route may have; GET answers HEAD too. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One route. */
export interface Route {
  /** Host (with port, if not the scheme's own); default the issuer's. */
  readonly host?: string
  readonly method: Method
  /** Pattern of path-to-regexp. */
  readonly path: string
  /** Throws, or has answered by `ctx.redirect`: then return `'answered'`. Runs before body and token. */
  readonly guard?: (ctx: Ctx) => Promise<'answered' | undefined> | 'answered' | undefined
  /**
   * For methods that change something. Absent: the browser must vouch for the origin. A rule: and the form's token
   * must be right, and a browser that sends no origin is let by. `'off'`: for callers that bring a token of their own
   * in a header, never for cookies.
   */
  readonly csrf?: 'off' | CsrfRule
  readonly body?: BodyRule
  readonly rate?: RateRule
  readonly cors?: CorsRule
  /** A page of another site may wait for this one's message. */
  readonly opener?: 'kept'
  /** Id of the dialect instance that it belongs to. */
  readonly dialect?: string
  /** Errors in the dialect of this route. */
  readonly onError?: (fault: Fault, ctx: Ctx) => void
  readonly handler: (ctx: Ctx) => Promise<void> | void
  /** What `handler` does, in two halves: such a route may be answered without Koa (`short.ts`). Its guard answers nothing itself. */
  readonly halves?: Halves
}

/** An answer as a value, and how it is sent. */
export interface Halves {
  reply(ctx: Ctx): Promise<RouteReply>
  send(ctx: Ctx, reply: RouteReply): Promise<void> | void
}

/** A route as the short way runs it. */
export interface ShortRoute {
  readonly route: Route
  /** All that stands before the route, then its answer. @throws what the guards throw */
  reply(ctx: Ctx): Promise<RouteReply>
}

/** The table. Routes may be added while the server runs. */
export interface Routes {
  add(...routes: readonly Route[]): void
  /** All routes with their hosts, for tests and listings. */
  list(): readonly (Route & { readonly host: string })[]
  /** Hosts other than the issuer's. */
  hosts(): ReadonlySet<string>
}

/** What routes need of the app. */
export interface RouteNeeds {
  /** Origin of the issuer. */
  readonly issuer: string
  readonly csrf: Csrf
  readonly limits: Limits
}

const safe = new Set(['GET', 'HEAD', 'OPTIONS'])

function checkOrigin(ctx: Ctx, route: Route, origin: string): void {
  if (safe.has(ctx.method) || route.csrf === 'off') return
  // `'any'` is for callers without credentials: it opens no way to act with a person's cookies.
  const asking = ctx.get('origin')
  const origins = namesOrigin(route.cors, asking) ? [origin, asking] : [origin]
  assertProvenance(ctx, { origins, silent: route.csrf === undefined ? 'refuse' : 'needs-token' })
}

function checkToken(ctx: Ctx, route: Route, csrf: Csrf): void {
  if (safe.has(ctx.method) || route.csrf === undefined || route.csrf === 'off') return
  assertToken(ctx, csrf, route.csrf)
}

type Pass = (ctx: Ctx) => Promise<'answered' | undefined>

/** All that stands before a route, on whichever way a request comes. */
function passOf(route: Route, needs: RouteNeeds): Pass {
  const { protocol, host } = new URL(needs.issuer)
  const origin = `${protocol}//${route.host ?? host}`
  const { path, rate, guard, body } = route
  const limit = `${route.method} ${route.host ?? ''}${path}`
  return async (ctx) => {
    if (rate !== undefined) await needs.limits.take(limit, addressKey(ctx.state.address), rate)
    checkOrigin(ctx, route, origin)
    if (guard !== undefined && (await guard(ctx)) === 'answered') return 'answered'
    // Nothing is waited for where nothing is sent.
    if (body !== undefined && !isWithoutBody(ctx, body)) await readBody(ctx, body)
    checkToken(ctx, route, needs.csrf)
    return undefined
  }
}

function stepOf({ path, onError, cors, opener, handler, halves }: Route, pass: Pass): Step {
  return async (ctx) => {
    const { settled } = ctx.state
    ctx.state.route = path
    if (onError !== undefined) ctx.state.onError = onError
    if (cors !== undefined) setCors(ctx, cors)
    if (opener === 'kept') keepOpener(ctx)
    if (settled === undefined) {
      if ((await pass(ctx)) !== 'answered') await handler(ctx)
    } else if ('error' in settled) throw settled.error
    else await halves?.send(ctx, settled.reply)
  }
}

/** Those that may be answered without Koa: by method and path, then by host. */
type ShortRoutes = Map<string, Map<string, ShortRoute>>

/** Only those without parameters: nothing is more specific, so no pattern need be tried. */
function addShort(table: ShortRoutes, given: { host: string; route: Route; pass: Pass }): void {
  const { host, route, pass } = given
  const { method, path, halves, opener } = route
  if (halves === undefined || opener !== undefined || !/^[\w./-]*$/.test(path)) return
  const key = `${method} ${path}`
  const byHost = table.get(key) ?? new Map<string, ShortRoute>()
  table.set(key, byHost)
  const reply = async (ctx: Ctx) => {
    await pass(ctx)
    return halves.reply(ctx)
  }
  byHost.set(host, byHost.get(host) ?? { route, reply })
}

/** One host's routes. */
interface HostTable {
  readonly routers: Routers
  readonly routes: Route[]
}

/** When no route took the request: a preflight, a wrong method, or nothing. */
function answerUnmatched(ctx: Ctx, { routers, routes }: HostTable): void {
  const { router } = routers.at(ctx.path)
  const layers = router.match(ctx.path, '').path
  if (layers.length === 0) throw new Fault('ERR_NOT_FOUND', 'There is no such page.')
  ctx.state.route = String(layers[0]?.path)
  const methods = [...new Set(layers.flatMap((layer) => layer.methods))]
  ctx.set('Allow', [...methods, 'OPTIONS'].join(', '))
  if (ctx.method !== 'OPTIONS') throw new Fault('ERR_METHOD', 'This page does not take that kind of request.')
  const asked = ctx.get('access-control-request-method')
  const paths = new Set(router.match(ctx.path, asked).pathAndMethod.map(({ path }) => path))
  const cors = routes.find(({ method, path }) => method === asked && paths.has(path))?.cors
  if (cors === undefined) ctx.status = 204
  else answerPreflight(ctx, cors, methods)
}

/** The table, and the two ways to what stands in it. */
export interface RunningRoutes {
  readonly routes: Routes
  readonly run: Step
  /** The routes of one method and path that may be answered without Koa, by host. */
  shortAt(method: string | undefined, path: string): ReadonlyMap<string, ShortRoute> | undefined
}

/** Makes the table and the step that runs it; `hostOf` is the checked host of a request. */
export function createRoutes(needs: RouteNeeds, hostOf: (ctx: Ctx) => string): RunningRoutes {
  const home = new URL(needs.issuer).host
  const newTable = (): HostTable => ({ routers: createRouters(), routes: [] })
  const tables = new Map([[home, newTable()]])
  const tableOf = (host: string) => tables.get(host) ?? tables.set(host, newTable()).get(host)!
  const short: ShortRoutes = new Map()
  let others: ReadonlySet<string> = new Set()
  let listed: ReturnType<Routes['list']> | undefined
  const add = (route: Route) => {
    listed = undefined
    const host = route.host ?? home
    const table = tableOf(host)
    table.routes.push(route)
    others = new Set([...tables.keys()].filter((one) => one !== home))
    const pass = passOf(route, needs)
    table.routers.add(route.method, route.path, stepOf(route, pass))
    addShort(short, { host, route, pass })
  }
  return {
    routes: {
      add: (...routes) => routes.forEach(add),
      list() {
        listed ??= [...tables].flatMap(([host, table]) => table.routes.map((route) => ({ ...route, host })))
        return listed
      },
      hosts: () => others,
    },
    shortAt: (method, path) => short.get(`${method} ${path}`),
    async run(ctx) {
      const table = tableOf(hostOf(ctx))
      await table.routers.at(ctx.path).run(ctx, async () => answerUnmatched(ctx, table))
    },
  }
}
