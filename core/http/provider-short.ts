/**
 * The short way to the Provider, which has a Koa of its own and needs no second one around it. What it has ready (its documents,
 * and what services ask of it all the time) is written at once; every other request is handed to it past our Koa, by the
 * same door. What is refused on the way goes on to our Koa, which says so.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { Ctx } from './context.ts'
import { bareCsp } from './headers.ts'
import { keepsOpener } from './opener.ts'
import {
  isProviderPath,
  type Prepared,
  type ProviderDoor,
  type ProviderMount,
  providerRoute,
  type QuickAnswer,
} from './provider.ts'
import type { ShortNeeds, ShortWay } from './short.ts'

/** What the way needs of the app. */
export interface ProviderShortNeeds extends Omit<ShortNeeds, 'routesAt'> {
  /** Host of the issuer. */
  readonly host: string
  mount(): ProviderMount | undefined
  readonly door: ProviderDoor
}

/** Those that may be ready. */
const ready = new Set([
  'GET /.well-known/openid-configuration',
  'GET /.well-known/oauth-authorization-server',
  'GET /oidc/jwks',
  'GET /oidc/userinfo',
  'POST /oidc/introspection',
  'POST /oidc/token',
])

/** Those that may be answered past the library, once they are admitted. */
const quickBelow = /^\/oidc\/auth[?/]/

/** Others could be read as another path by somebody; documents may be known to whoever asks, which Koa finds out. */
const plain = /^\/oidc\/(?!jwks)[a-z]+(?:\/[\w.~-]+)?$/

/** Whether it is for what is ready: nothing is read for it, so there is nothing that others could share. */
export function isDocument({ url }: IncomingMessage): boolean {
  return url?.startsWith('/.well-known/') === true || url === '/oidc/jwks'
}

/** An answer but for its request's id. */
interface Sendable {
  readonly status: number
  readonly head: readonly string[]
  /** A sign for each byte. */
  readonly text: string
}

/** Whether the very document is there already. What else may be said of it (RFC 9110 §13) is Koa's to understand. */
function isSame({ req }: Ctx, { etag }: Prepared): boolean {
  const { headers } = req
  const isPlain = headers['cache-control'] === undefined && headers['if-modified-since'] === undefined
  return isPlain && headers['if-none-match'] === etag
}

/** Writes what is ready, with the headers that every answer has. */
function createWriter(given: ProviderShortNeeds['headers']) {
  // Every answer says for itself how long it may be kept.
  const others = given.filter(([name]) => name !== 'Cache-Control')
  const always = ['X-Request-Id', '', ...others.flat(), 'Content-Security-Policy', bareCsp]
  const headOf = (headers: Readonly<Record<string, string>>): string[] => {
    const head = always.slice()
    for (const name in headers) head.push(name, headers[name] as string)
    return head
  }
  const send = ({ res, state }: Ctx, { status, head, text }: Sendable): void => {
    const block = head.slice()
    block[1] = state.requestId
    res.writeHead(status, block)
    // One text with the head, written at once; bytes would be a second part.
    res.end(text, 'latin1')
  }
  const sendables = new WeakMap<Prepared, { readonly whole: Sendable; readonly unchanged: Sendable }>()
  const sendablesOf = (document: Prepared) => {
    const known = sendables.get(document)
    if (known !== undefined) return known
    const { etag, type, headers, body } = document
    const shared = { ETag: etag, 'Cache-Control': 'no-cache', ...headers }
    const head = headOf({ ...shared, 'Content-Type': type, 'Content-Length': String(body.length) })
    const made = {
      // A sign for each byte.
      whole: { status: 200, head, text: body.toString('latin1') },
      unchanged: { status: 304, head: headOf(shared), text: '' },
    }
    sendables.set(document, made)
    return made
  }
  return {
    document: (ctx: Ctx, document: Prepared, as: 'whole' | 'unchanged') => send(ctx, sendablesOf(document)[as]),
    answer(ctx: Ctx, { status = 200, cookies = [], headers, type, text }: QuickAnswer): void {
      const length = Buffer.byteLength(text)
      const head = headOf({ ...headers, 'Content-Type': type, 'Content-Length': String(length) })
      for (const cookie of cookies) head.push('Set-Cookie', cookie)
      send(ctx, { status, head, text: length === text.length ? text : Buffer.from(text).toString('latin1') })
    },
  }
}

/** Makes the short way to the Provider. */
export function createProviderShortWay(needs: ProviderShortNeeds): ShortWay {
  const write = createWriter(needs.headers)
  const sendQuick = async (ctx: Ctx, mount: ProviderMount): Promise<boolean> => {
    // What is set already was set with this request in view, and would be lost.
    const quick = keepsOpener(ctx) ? undefined : await mount.quick?.(ctx)
    if (quick !== undefined) write.answer(ctx, quick)
    ctx.state.quickAsked = true
    return quick !== undefined
  }
  /** At once: a promise each would cost a document a twentieth. */
  const sendDocument = (ctx: Ctx, mount: ProviderMount): boolean => {
    const { url = '', headers } = ctx.req
    const known = headers['if-none-match']
    const document = mount.prepared?.(url, headers.origin)
    if (document === undefined) return false
    const isWanted = known === undefined || isSame(ctx, document)
    if (isWanted) write.document(ctx, document, known === undefined ? 'whole' : 'unchanged')
    return isWanted
  }
  const handOn = async (ctx: Ctx, mount: ProviderMount): Promise<void> => {
    const { res } = ctx
    await needs.door.admit(ctx)
    const mayBeQuick = !ctx.state.quickAsked && quickBelow.test(ctx.req.url ?? '')
    if (mayBeQuick && (await sendQuick(ctx, mount))) return
    res.setHeader('X-Request-Id', ctx.state.requestId)
    // What is set already was set with this request in view.
    for (const [name, value] of needs.headers) if (!res.hasHeader(name)) res.setHeader(name, value)
    await needs.door.enter(ctx, mount)
  }
  const leaveToKoa = (ctx: Ctx, error: unknown): void => {
    const { res } = ctx
    ctx.state.settled = { error }
    // Koa begins anew.
    if (!res.headersSent) for (const name of res.getHeaderNames()) res.removeHeader(name)
    needs.goOn(ctx)
  }
  const run = async (ctx: Ctx, { mount, isReady }: { mount: ProviderMount; isReady: boolean }): Promise<void> => {
    try {
      if (isReady && (await sendQuick(ctx, mount))) return
      await handOn(ctx, mount)
    } catch (error) {
      leaveToKoa(ctx, error)
    }
  }
  const runDocument = (ctx: Ctx, mount: ProviderMount): void => {
    try {
      if (!sendDocument(ctx, mount)) needs.goOn(ctx)
    } catch (error) {
      leaveToKoa(ctx, error)
    }
  }
  return (req, res) => {
    const { method, url = '' } = req
    const mount = needs.mount()
    if (mount === undefined) return false
    const isReady = ready.has(`${method} ${url}`)
    const query = url.indexOf('?')
    const path = query < 0 ? url : url.slice(0, query)
    if (!isReady && (!plain.test(path) || !isProviderPath(path))) return false
    const ctx = needs.contextOf(req, res)
    try {
      needs.passEdge(ctx)
    } catch {
      // Koa finds the same, and says it.
      return false
    }
    if (ctx.state.host !== needs.host) return false
    ctx.state.route = providerRoute(path)
    needs.begin(ctx)
    if (isReady && isDocument(req)) runDocument(ctx, mount)
    else void run(ctx, { mount, isReady })
    return true
  }
}
