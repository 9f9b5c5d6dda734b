/**
 * The session cookie. It holds only a random id; who it belongs to is asked of `accounts/sessions` at every use, by the same
 * function for pages, the Provider and WebSocket upgrades. It is opened in one commit with what the sign-in brought; its end,
 * row and cookie, is koa-session's.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { Random } from '@labgate/contract'
import type Koa from 'koa'
import session from 'koa-session'
import type { BrowserSession, SessionStart, Sessions } from '../accounts/sessions.ts'
import type { Ctx, State, Step } from './context.ts'
import { normalHost } from './host.ts'
import { setCookie } from './set-cookie.ts'

/** The signed-in browser, for handlers. */
export interface SessionCookie {
  of(req: IncomingMessage): Promise<BrowserSession | undefined>
  /** The cookie's value; `undefined` when there is none. */
  idOf(req: IncomingMessage): string | undefined
  /**
   * Opens a session under a new id; the one before it is forgotten (session fixation). The browser is given it when `along` is
   * written, too: nobody is signed in of whom the trail says nothing.
   */
  open(ctx: Ctx, start: SessionStart, along?: Promise<unknown>): Promise<void>
  /** Opens a session on a dialect's own host, under one at the issuer; `false` when that one is over. */
  openChild(ctx: Ctx, child: { readonly parentHandle: string; readonly host: string }): Promise<boolean>
  /** Ends the session with all that hangs on it. */
  close(ctx: Ctx): Promise<void>
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
  // On the request itself: a map with an entry for each request would cost more than the look.
  const asked = Symbol('session')
  type Asked = IncomingMessage & { [asked]?: Promise<BrowserSession | undefined> | undefined }
  const idOf = (req: IncomingMessage) => readCookie(req, cookieName)
  /** A dialect's cookie opens that dialect's host only, and the issuer's only the issuer's. */
  const onItsHost = async (req: IncomingMessage, id: string) => {
    const found = await sessions.of(id)
    return found?.host === hostOf(req.headers.host ?? '') ? found : undefined
  }
  // Nearly every request names the same one.
  let last = { header: '', host: '' as string | undefined }
  const hostOf = (header: string) => {
    if (header !== last.header) last = { header, host: normalHost(header, needs.secure ? 'https:' : 'http:') }
    return last.host
  }
  const of = (req: Asked) => {
    const known = req[asked]
    if (known !== undefined) return known
    const id = idOf(req)
    // Services and other sites' pages bring none.
    if (id === undefined) return nobody
    const answer = onItsHost(req, id)
    req[asked] = answer
    return answer
  }
  const forget = (req: Asked) => {
    req[asked] = undefined
  }
  const store = {
    // One look a request, whoever asks first.
    async get(_id: string, _maxAge: unknown, { ctx }: { readonly ctx: Ctx }) {
      const row = await of(ctx.req)
      return row && { account: row.account }
    },
    set: async () => undefined,
    destroy: (id: string) => sessions.drop(id),
  }
  const attributes = { httpOnly: true, signed: false, sameSite: 'lax', secure: needs.secure, path: '/' } as const
  const options = { ...attributes, key: cookieName, store, maxAge: 'session', renew: false, rolling: false }
  // Around the end of a session, not around every request: most of them bring a token. The package's types ask for a store
  // of its own session type; ours keeps rows.
  const ending = session(options as never, needs.koa as never) as unknown as Step
  return {
    of,
    idOf,
    async open(ctx, start, along) {
      const [id, before] = [random.token(), idOf(ctx.req)]
      // The package would make a session and throw it away before it makes this one.
      await Promise.all([sessions.start(id, start), before === undefined ? undefined : sessions.drop(before), along])
      if (start.remember) ctx.cookies.set(cookieName, id, { ...attributes, maxAge: sessions.lifeSeconds(true) * 1000 })
      else setCookie(ctx, { name: cookieName, value: id, secure: needs.secure })
      forget(ctx.req)
    },
    async openChild(ctx, child) {
      const id = random.token()
      if (!(await sessions.openChild({ ...child, id }))) return false
      setCookie(ctx, { name: cookieName, value: id, secure: needs.secure })
      forget(ctx.req)
      return true
    },
    async close(ctx) {
      await ending(ctx, async () => {
        const id = idOf(ctx.req)
        if (id !== undefined) await sessions.end(id)
        ;(ctx as unknown as { session: null }).session = null
      })
      forget(ctx.req)
    },
  }
}

/** One cookie of a request; a name sent twice counts as absent, because two readers could pick different ones. */
export function readCookie(req: Pick<IncomingMessage, 'headers'>, name: string): string | undefined {
  const { cookie } = req.headers
  // Most requests bring none of that name.
  if (cookie?.includes(name) !== true) return undefined
  let found: string | undefined
  for (let at = 0, end = 0; end < cookie.length; at = end + 1) {
    const next = cookie.indexOf(';', at)
    end = next < 0 ? cookie.length : next
    const pair = cookie.slice(at, end).trim()
    if (pair.charAt(name.length) !== '=' || !pair.startsWith(name)) continue
    if (found !== undefined) return undefined
    found = pair.slice(name.length + 1)
  }
  return found === '' ? undefined : found
}
