/** The route table: routes are data, by host, method and path; every guard of a route runs here, in one order. @module */
import Router from '@koa/router'
import { Fault } from '@labgate/contract'
import { type BodyRule, isWithoutBody, readBody } from './body.ts'
import type { Ctx, Step } from './context.ts'
import { answerPreflight, type CorsRule, namesOrigin, setCors } from './cors.ts'
import { assertProvenance, assertToken, type Csrf, type CsrfRule } from './csrf.ts'
import { keepOpener } from './opener.ts'
import { addressKey, type Limits, type RateRule } from './rate.ts'

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

function stepOf(route: Route, needs: RouteNeeds): Step {
  const { protocol, host } = new URL(needs.issuer)
  const origin = `${protocol}//${route.host ?? host}`
  const { path, onError, cors, opener, rate, guard, body, handler } = route
  const limit = `${route.method} ${route.host ?? ''}${path}`
  return async (ctx) => {
    ctx.state.route = path
    if (onError !== undefined) ctx.state.onError = onError
    if (cors !== undefined) setCors(ctx, cors)
    if (opener === 'kept') keepOpener(ctx)
    if (rate !== undefined) await needs.limits.take(limit, addressKey(ctx.state.address), rate)
    checkOrigin(ctx, route, origin)
    if (guard !== undefined && (await guard(ctx)) === 'answered') return
    // Nothing is waited for where nothing is sent.
    if (body !== undefined && !isWithoutBody(ctx, body)) await readBody(ctx, body)
    checkToken(ctx, route, needs.csrf)
    await handler(ctx)
  }
}

/** One host's routes: its router for matching, its list for preflights. */
interface HostTable {
  readonly router: Router
  /** Routes without parameters by method and path: nothing is more specific, so no pattern need be tried. */
  readonly exact: Map<string, Step>
  readonly dispatch: Step
  readonly routes: Route[]
}

function newTable(): HostTable {
  // The pattern with fewer parameters wins, so that /a/new is not taken for /a/:id.
  const router = new Router({ exclusive: 'specificity', strict: true, sensitive: true })
  // The router's own types know no `State`; its contexts are ours.
  return { router, exact: new Map(), dispatch: router.routes() as unknown as Step, routes: [] }
}

function methodsAt(table: HostTable, path: string): readonly string[] {
  return [...new Set(table.router.match(path, '').path.flatMap((layer) => layer.methods))]
}

function patternAt(table: HostTable, path: string): string | undefined {
  const pattern = table.router.match(path, '').path[0]?.path
  return typeof pattern === 'string' ? pattern : undefined
}

function corsAt(table: HostTable, ctx: Ctx): CorsRule | undefined {
  const asked = ctx.get('access-control-request-method')
  const layers = table.router.match(ctx.path, asked).pathAndMethod
  return table.routes.find((route) => route.method === asked && layers.some((layer) => layer.path === route.path))?.cors
}

/** When no route took the request: a preflight, a wrong method, or nothing. */
function answerUnmatched(ctx: Ctx, table: HostTable): void {
  const methods = methodsAt(table, ctx.path)
  if (methods.length === 0) throw new Fault('ERR_NOT_FOUND', 'There is no such page.')
  ctx.state.route = patternAt(table, ctx.path) ?? '*'
  ctx.set('Allow', [...methods, 'OPTIONS'].join(', '))
  if (ctx.method !== 'OPTIONS') throw new Fault('ERR_METHOD', 'This page does not take that kind of request.')
  const cors = corsAt(table, ctx)
  if (cors === undefined) ctx.status = 204
  else answerPreflight(ctx, cors, methods)
}

/** Makes the table and the step that runs it; `hostOf` is the checked host of a request. */
export function createRoutes(needs: RouteNeeds, hostOf: (ctx: Ctx) => string): { routes: Routes; run: Step } {
  const home = new URL(needs.issuer).host
  const tables = new Map<string, HostTable>([[home, newTable()]])
  const tableOf = (host: string) => tables.get(host) ?? tables.set(host, newTable()).get(host)!
  const add = (route: Route) => {
    const table = tableOf(route.host ?? home)
    table.routes.push(route)
    const step = stepOf(route, needs)
    table.router.register(route.path, [route.method.toLowerCase()], step as never)
    if (/^[\w./-]*$/.test(route.path) && !table.exact.has(`${route.method} ${route.path}`))
      table.exact.set(`${route.method} ${route.path}`, step)
  }
  return {
    routes: {
      add: (...routes) => routes.forEach(add),
      list: () => [...tables].flatMap(([host, table]) => table.routes.map((route) => ({ ...route, host }))),
      hosts: () => new Set([...tables.keys()].filter((host) => host !== home)),
    },
    async run(ctx) {
      const table = tableOf(hostOf(ctx))
      const exact = table.exact.get(`${ctx.method === 'HEAD' ? 'GET' : ctx.method} ${ctx.path}`)
      if (exact !== undefined) return exact(ctx, async () => undefined)
      let taken = true
      await table.dispatch(ctx, async () => {
        taken = false
      })
      if (!taken) answerUnmatched(ctx, table)
    },
  }
}
