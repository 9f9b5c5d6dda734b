/**
 * The short way: services ask dialects thousands of times a second, and of what Koa does for a page they need next to
 * nothing. A route that gives its answer as a value is run as ever, by the same guards, limits and handlers on the same kind of
 * context; a plain answer is then written at once. Whatever is not plain (an error, a page, a cookie, a redirect) goes on
 * to Koa as it stands and is sent there: nothing is run twice, and nothing has two mappers.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RouteReply } from '@labgate/contract'
import type { Ctx, Settled } from './context.ts'
import { createHeads, type Heads } from './heads.ts'
import type { Route, ShortRoute } from './routes.ts'

/** What the short way needs of the app. */
export interface ShortNeeds {
  /** The routes that may go this way, by host. */
  routesAt(method: string | undefined, path: string): ReadonlyMap<string, ShortRoute> | undefined
  contextOf(req: IncomingMessage, res: ServerResponse): Ctx
  /** Host, address and scheme. @throws what refuses a request before anything else */
  passEdge(ctx: Ctx): void
  /** Notes the end, and whatever else every request of the app gets. */
  begin(ctx: Ctx): void
  /** Sends by Koa what came of it. */
  goOn(ctx: Ctx): void
  /** Of every response. */
  readonly headers: readonly (readonly [string, string])[]
}

/** Answers a request, or says that it is for Koa: then nothing has happened yet. */
export type ShortWay = (req: IncomingMessage, res: ServerResponse) => boolean

/** Makes the short way. */
export function createShortWay(needs: ShortNeeds): ShortWay {
  const headsOf = new WeakMap<Route, Heads>()
  const run = async (ctx: Ctx, { route, reply }: ShortRoute): Promise<void> => {
    let settled: Settled
    try {
      const answer = await reply(ctx)
      if (sendPlain(ctx, answer, heads(route))) return
      settled = { reply: answer }
    } catch (error) {
      settled = { error }
    }
    ctx.state.settled = settled
    needs.goOn(ctx)
  }
  const heads = (route: Route): Heads => {
    const known = headsOf.get(route) ?? createHeads(route, needs.headers)
    headsOf.set(route, known)
    return known
  }
  return (req, res) => {
    const { url = '' } = req
    const query = url.indexOf('?')
    const routes = needs.routesAt(req.method, query < 0 ? url : url.slice(0, query))
    if (routes === undefined) return false
    const ctx = needs.contextOf(req, res)
    try {
      needs.passEdge(ctx)
    } catch {
      // Koa finds the same, and says it.
      return false
    }
    const route = routes.get(ctx.state.host)
    if (route === undefined) return false
    ctx.state.route = route.route.path
    needs.begin(ctx)
    void run(ctx, route)
    return true
  }
}

/** Writes a plain answer; `false`: it is none, and nothing was written. */
function sendPlain({ req, res, state }: Ctx, reply: RouteReply, heads: Heads): boolean {
  const text = textOf(reply)
  // A header that is set already says that somebody before had a special wish.
  if (text === undefined || res.getHeaderNames().length > 0) return false
  const head = heads.of(reply, req.headers.origin)
  if (head === undefined) return false
  const block = head.slice()
  block[1] = state.requestId
  const length = Buffer.byteLength(text)
  block.push('Content-Length', String(length))
  res.writeHead(reply.status, block)
  // A byte for each sign: then nothing has to be encoded.
  res.end(text, length === text.length ? 'latin1' : 'utf8')
  return true
}

function textOf({ status, json, body, page, cookies, signIn, signOut }: RouteReply): string | undefined {
  if (page || cookies || signIn || signOut || status < 200 || status === 204 || status === 205 || status === 304)
    return undefined
  const text = json === undefined ? body : JSON.stringify(json)
  return typeof text === 'string' ? text : undefined
}
