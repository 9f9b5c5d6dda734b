/**
 * The way to the OpenID Provider: its requests are rewritten so that it sees the issuer's host and scheme only,
 * and handed to the Provider that is current at that moment.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Fault } from '@labgate/contract'
import { defaultBodyLimit } from './body.ts'
import type { Ctx } from './context.ts'
import { bareCsp } from './headers.ts'
import { keepsOpener } from './opener.ts'
import { addressKey, type Limits } from './rate.ts'

/** As much of an oidc-provider as the outer app knows. */
export interface ProviderApp {
  callback(): (req: IncomingMessage, res: ServerResponse) => unknown
}

/** A document made beforehand, answered without the Provider. */
export interface Prepared {
  readonly type: string
  readonly body: Buffer
  /** Strong, in quotes. */
  readonly etag: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A whole answer that the Provider's own app had no part in. */
export interface QuickAnswer {
  /** 200 where nothing is said. */
  readonly status?: number
  /** Whole headers. */
  readonly cookies?: readonly string[]
  readonly type: string
  readonly text: string
  readonly headers: Readonly<Record<string, string>>
}

/** How the Provider is mounted. */
export interface ProviderMount {
  /** Asked at each request, so that the Provider can be swapped while flows are open. */
  current(): ProviderApp
  /** CSP of a response of the Provider; without one, the house's own. */
  csp?(ctx: Ctx): string | undefined
  /** Asked first for GET and HEAD: the document of a path, for whoever asks from an origin. */
  prepared?(path: string, origin: string | undefined): Prepared | undefined
  /** Asked next; `undefined`: the Provider answers, from the same request. */
  quick?(ctx: Ctx): Promise<QuickAnswer | undefined> | undefined
}

const documents = new Set(['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'])

/**
 * Whether a path is the Provider's, letter by letter. The library takes capitals and a slash at the end, too; what stands
 * before it (limits, doors) knows one spelling, so no other gets there.
 */
export function isProviderPath(path: string): boolean {
  if (documents.has(path)) return true
  const [, first, second] = /^\/oidc\/([a-z]+)(?:\/([^/]+))?$/.exec(path) ?? []
  if (first === undefined) return false
  return second === undefined || !fixedNames.test(second) || second === second.toLowerCase()
}

/** Second names that are no ids. */
const fixedNames = /^(?:auth|confirm|success)$/i

/** A label of few values: the first name below `/oidc/`, when it is a plain word. */
export function providerRoute(path: string): string {
  if (documents.has(path)) return path
  const first = path.split('/')[2] ?? ''
  const known =
    /^(?:auth|token|me|userinfo|jwks|introspect|introspection|revoke|revocation|logout|session|reg|register|device|par|request)$/
  return known.test(first) ? `/oidc/${first}` : '/oidc/*'
}

/** Where anybody at all can make the Provider keep something. Generous: a whole institute may sit behind one address. */
const openToAll = new Set(['/oidc/auth', '/oidc/par', '/oidc/device/auth', '/oidc/register'])
const rate = { count: 1200, seconds: 60 }

/** Makes the request look as if it had reached the issuer directly. */
function rewriteToIssuer(req: IncomingMessage, issuer: URL): void {
  req.headers.host = issuer.host
  req.headers['x-forwarded-proto'] = issuer.protocol.slice(0, -1)
}

function answerPrepared(ctx: Ctx, document: Prepared): void {
  ctx.set({ ETag: document.etag, 'Cache-Control': 'no-cache', 'Content-Type': document.type, ...document.headers })
  ctx.status = 200
  if (ctx.fresh) ctx.status = 304
  else ctx.body = document.body
}

function answerQuick(ctx: Ctx, { status = 200, cookies = [], type, text, headers }: QuickAnswer): void {
  ctx.set({ ...headers, 'Content-Type': type })
  if (cookies.length > 0) ctx.append('Set-Cookie', [...cookies])
  // None of them is a page that anything is shown by.
  ctx.state.csp = bareCsp
  ctx.status = status
  ctx.body = text
}

const callbacks = new WeakMap<ProviderApp, ReturnType<ProviderApp['callback']>>()

function callbackOf(provider: ProviderApp): ReturnType<ProviderApp['callback']> {
  const known = callbacks.get(provider) ?? provider.callback()
  callbacks.set(provider, known)
  return known
}

interface DoorNeeds {
  readonly issuer: URL
  readonly mount: () => ProviderMount | undefined
  readonly setCsp: (ctx: Ctx) => void
  readonly limits: Limits
}

/** The door to the Provider, which both ways of a request lead through. */
export interface ProviderDoor {
  /** What every request passes before the Provider may see it. @throws Fault ERR_RATE, ERR_TOO_LARGE */
  admit(ctx: Ctx): Promise<void>
  /** Hands the request on; the Provider answers it outside of our Koa. */
  enter(ctx: Ctx, mount: ProviderMount): Promise<void>
  /** Answers the Provider's paths from Koa; `undefined` for all others. */
  answer(ctx: Ctx): Promise<void> | undefined
}

/** Makes the door. */
export function providerDoor(needs: DoorNeeds): ProviderDoor {
  const admit: ProviderDoor['admit'] = async (ctx) => {
    if (openToAll.has(ctx.path)) await needs.limits.take(`provider ${ctx.path}`, addressKey(ctx.state.address), rate)
    if ((ctx.request.length ?? 0) > defaultBodyLimit) throw new Fault('ERR_TOO_LARGE', 'The request is too large.')
  }
  const enter: ProviderDoor['enter'] = async (ctx, mount) => {
    const csp = mount.csp?.(ctx)
    if (csp !== undefined) ctx.state.csp = csp
    needs.setCsp(ctx)
    rewriteToIssuer(ctx.req, needs.issuer)
    await callbackOf(mount.current())(ctx.req, ctx.res)
  }
  const handOn = async (ctx: Ctx, mount: ProviderMount) => {
    ctx.state.route = providerRoute(ctx.path)
    const document =
      ctx.method === 'GET' || ctx.method === 'HEAD' ? mount.prepared?.(ctx.path, ctx.req.headers.origin) : undefined
    if (document !== undefined) return answerPrepared(ctx, document)
    const { settled, quickAsked } = ctx.state
    if (settled !== undefined && 'error' in settled) throw settled.error
    await admit(ctx)
    const quick = quickAsked || keepsOpener(ctx) ? undefined : await mount.quick?.(ctx)
    if (quick !== undefined) return answerQuick(ctx, quick)
    ctx.respond = false
    await enter(ctx, mount)
  }
  return {
    admit,
    enter,
    answer(ctx) {
      const mount = needs.mount()
      return mount !== undefined && isProviderPath(ctx.path) ? handOn(ctx, mount) : undefined
    },
  }
}
