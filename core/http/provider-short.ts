/**
 * The short way to what the Provider has ready: its documents, and what services ask of it all the time. Such an answer
 * is written at once; whatever is not ready goes on to Koa, and to the Provider, as it came.
 * @module
 */
import type { Ctx } from './context.ts'
import { bareCsp } from './headers.ts'
import { type ProviderMount, providerRoute } from './provider.ts'
import type { ShortNeeds, ShortWay } from './short.ts'

/** What the way needs of the app. */
export interface ProviderShortNeeds extends Omit<ShortNeeds, 'routesAt'> {
  /** Host of the issuer. */
  readonly host: string
  mount(): ProviderMount | undefined
}

const paths = new Set([
  'GET /.well-known/openid-configuration',
  'GET /.well-known/oauth-authorization-server',
  'GET /oidc/jwks',
  'GET /oidc/userinfo',
  'POST /oidc/introspection',
  'POST /oidc/token',
])

/** Makes the short way to the Provider. */
export function createProviderShortWay(needs: ProviderShortNeeds): ShortWay {
  // Every answer says for itself how long it may be kept.
  const others = needs.headers.filter(([name]) => name !== 'Cache-Control')
  const always = ['X-Request-Id', '', ...others.flat(), 'Content-Security-Policy', bareCsp]
  const send = ({ res, state }: Ctx, headers: Readonly<Record<string, string>>, body: string | Buffer): void => {
    const block = always.slice()
    block[1] = state.requestId
    for (const name in headers) block.push(name, headers[name] as string)
    block.push('Content-Length', String(Buffer.byteLength(body)))
    res.writeHead(200, block)
    res.end(body)
  }
  const run = async (ctx: Ctx, mount: ProviderMount): Promise<void> => {
    const document = ctx.req.headers['if-none-match'] === undefined ? mount.prepared?.(ctx) : undefined
    if (document !== undefined) {
      const { etag, type, headers, body } = document
      return send(ctx, { ETag: etag, 'Cache-Control': 'no-cache', 'Content-Type': type, ...headers }, body)
    }
    try {
      const quick = await mount.quick?.(ctx)
      if (quick !== undefined) return send(ctx, { ...quick.headers, 'Content-Type': quick.type }, quick.text)
      ctx.state.quickAsked = true
    } catch (error) {
      ctx.state.settled = { error }
    }
    needs.goOn(ctx)
  }
  return (req, res) => {
    const { method, url = '' } = req
    const mount = needs.mount()
    if (mount === undefined || !paths.has(`${method} ${url}`)) return false
    const ctx = needs.contextOf(req, res)
    try {
      needs.passEdge(ctx)
    } catch {
      // Koa finds the same, and says it.
      return false
    }
    if (ctx.state.host !== needs.host) return false
    ctx.state.route = providerRoute(url)
    needs.begin(ctx)
    void run(ctx, mount)
    return true
  }
}
