/**
 * The session cookie: koa-session with our rows behind it. The cookie holds only a random id; who it belongs to
 * is asked of `accounts/sessions` at every use, by the same function for pages, the Provider and WebSocket upgrades.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { Random } from '@labgate/contract'
import type Koa from 'koa'
import session from 'koa-session'
import type { BrowserSession, SessionStart, Sessions } from '../accounts/sessions.ts'
import type { Ctx, State, Step } from './context.ts'
import { normalHost } from './host.ts'

/** The signed-in browser, for handlers. */
export interface SessionCookie {
  of(req: IncomingMessage): Promise<BrowserSession | undefined>
  /** The cookie's value; `undefined` when there is none. */
  idOf(req: IncomingMessage): string | undefined
  /** Opens a session under a new id; the one before it is forgotten (session fixation). */
  open(ctx: Ctx, start: SessionStart): Promise<void>
  /** Opens a session on a dialect's own host, under one at the issuer; `false` when that one is over. */
  openChild(ctx: Ctx, child: { readonly parentHandle: string; readonly host: string }): Promise<boolean>
  /** Ends the session with all that hangs on it. */
  close(ctx: Ctx): Promise<void>
}

/** The part of koa-session's session object that is used here; its types leave it out. */
interface Session {
  maxAge: number
  _requireSave: boolean
  regenerate(): Promise<void>
}

interface Kept {
  start?: SessionStart
}

const nobody = Promise.resolve(undefined)

/** Makes the session cookie over the rows of the sessions. */
export function createSessionCookie(needs: {
  koa: Koa<State>
  sessions: Sessions
  random: Random
  cookieName: string
  secure: boolean
}): SessionCookie {
  const { sessions, random, cookieName } = needs
  const known = new WeakMap<IncomingMessage, Promise<BrowserSession | undefined>>()
  const idOf = (req: IncomingMessage) => readCookie(req, cookieName)
  /** A dialect's cookie opens that dialect's host only, and the issuer's only the issuer's. */
  const onItsHost = async (req: IncomingMessage) => {
    const found = await sessions.of(idOf(req))
    return found?.host === hostOf(req.headers.host ?? '') ? found : undefined
  }
  // Nearly every request names the same one.
  let last = { header: '', host: '' as string | undefined }
  const hostOf = (header: string) => {
    if (header !== last.header) last = { header, host: normalHost(header, needs.secure ? 'https:' : 'http:') }
    return last.host
  }
  const of = (req: IncomingMessage) => {
    // Services and other sites' pages bring none.
    if (idOf(req) === undefined) return nobody
    const asked = known.get(req) ?? onItsHost(req)
    known.set(req, asked)
    return asked
  }
  const store = {
    // One look a request, whoever asks first.
    async get(_id: string, _maxAge: unknown, { ctx }: { readonly ctx: Ctx }) {
      const row = await of(ctx.req)
      return row && { account: row.account }
    },
    async set(id: string, data: Kept) {
      if (data.start) await sessions.start(id, data.start)
    },
    // Before one is opened, the package throws away the id that it has just made.
    destroy: async (id: string, { ctx }: { readonly ctx: Ctx }) => {
      if ((ctx.get('cookie') ?? '').includes(id)) await sessions.drop(id)
    },
  }
  const options = {
    key: cookieName,
    store,
    genid: () => random.token(),
    maxAge: 'session',
    httpOnly: true,
    signed: false,
    sameSite: 'lax',
    secure: needs.secure,
    path: '/',
    renew: false,
    rolling: false,
  }
  // Around the two moments that change the cookie, not around every request: most of them bring a token.
  // The package's types ask for a store of its own session type; ours keeps rows.
  const changing = session(options as never, needs.koa as never) as unknown as Step
  return {
    of,
    idOf,
    async open(ctx, start) {
      await changing(ctx, async () => {
        const current = (ctx as unknown as { session: Session & Kept }).session
        current.start = start
        if (start.remember) current.maxAge = sessions.lifeSeconds(true) * 1000
        await current.regenerate()
        delete current.start
        current._requireSave = false
      })
      known.delete(ctx.req)
    },
    async openChild(ctx, child) {
      const id = random.token()
      if (!(await sessions.openChild({ ...child, id }))) return false
      ctx.cookies.set(cookieName, id, {
        httpOnly: true,
        sameSite: 'lax',
        secure: needs.secure,
        signed: false,
        path: '/',
      })
      known.delete(ctx.req)
      return true
    },
    async close(ctx) {
      await changing(ctx, async () => {
        const id = idOf(ctx.req)
        if (id !== undefined) await sessions.end(id)
        ;(ctx as unknown as { session: null }).session = null
      })
      known.delete(ctx.req)
    },
  }
}

/** One cookie of a request; a name sent twice counts as absent, because two readers could pick different ones. */
export function readCookie(req: Pick<IncomingMessage, 'headers'>, name: string): string | undefined {
  const { cookie } = req.headers
  if (cookie === undefined) return undefined
  const values = cookie
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
  return values.length === 1 && values[0] !== '' ? values[0] : undefined
}
