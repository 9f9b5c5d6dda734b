/**
 * How a browser comes into a workspace: it leaves a nonce there, signs in at the issuer, and comes back with a ticket,
 * which counts once, soon, at that host, and for the browser that holds the nonce.
 * @module
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Json, Random, Store } from '@labgate/contract'
import type { Sessions } from './accounts/sessions.ts'
import type { Rooms } from './assembly.ts'
import { cookieNames } from './http/cookies.ts'
import { returnPath } from './http/returns.ts'
import type { Route } from './http/routes.ts'
import { readCookie } from './http/session.ts'
import type { Desk } from './login/desk.ts'
import type { Door } from './login/door.ts'
import { refuse } from './workspaces/proxy.ts'
import { isNavigation } from './workspaces/visit.ts'

/** Paths of ours at the hosts of workspaces. */
export const ownPath = '/.labgate/'
const ticketSeconds = 60
const nonceSeconds = 600

/** A request at one of the hosts of workspaces. */
export interface Found {
  readonly host: string
  readonly origin: string
  /** The workspace; absent at the shared origin's own paths. */
  readonly id: string | undefined
}

/** A request, its answer, and the place it was sent to. */
export interface Visit {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly found: Found
}

/** The two steps at a workspace's host. */
export interface Entrance {
  /** To the issuer, to find out who it is. */
  sendToSignIn(visit: Visit): void
  /** Back, with a ticket. */
  comeIn(visit: Visit): Promise<void>
}

interface Ticket {
  readonly [name: string]: Json
  readonly handle: string
  readonly host: string
  readonly bind: string
  readonly back: string
}

/** What the entrance takes. */
export interface EntranceNeeds {
  readonly issuer: string
  readonly store: Store
  readonly random: Random
  readonly sessions: Pick<Sessions, 'openChild'>
}

/** Makes the entrance. */
export function createEntrance({ issuer, store, random, sessions }: EntranceNeeds): Entrance {
  const { session: sessionName } = cookieNames(issuer)
  const nonceName = `${sessionName}_enter`
  return {
    sendToSignIn({ req, res, found }) {
      if (found.id === undefined || !isNavigation({ method: req.method ?? 'GET', headers: req.headers }))
        return refuse(res, 401, 'Please sign in first.')
      const nonce = readCookie(req, nonceName) ?? random.token()
      const url = new URL(`/workspaces/${found.id}/enter`, issuer)
      url.search = new URLSearchParams({ bind: digest(nonce), back: req.url ?? '/' }).toString()
      redirect(res, url.href, [cookieLine(nonceName, nonce, { origin: found.origin, seconds: nonceSeconds })])
    },
    async comeIn({ req, res, found }) {
      const url = new URL(`${found.origin}${req.url}`)
      const value = url.searchParams.get('ticket')
      if (req.method !== 'GET' || url.pathname !== `${ownPath}enter` || value === null)
        return refuse(res, 404, 'There is no such page.')
      const ticket = (await store.take(digest(value))) as Ticket | undefined
      const nonce = readCookie(req, nonceName)
      if (ticket === undefined || ticket.host !== found.host)
        return refuse(res, 403, 'This link was used already, or is too old. Open the workspace again.')
      if (nonce === undefined || !isSame(digest(nonce), ticket.bind))
        return refuse(
          res,
          403,
          'This link was made for another browser, or this one takes no cookies. Open the workspace again.',
        )
      const id = random.token()
      if (!(await sessions.openChild({ id, parentHandle: ticket.handle, host: found.host })))
        return refuse(res, 403, 'You have signed out meanwhile. Open the workspace again.')
      redirect(res, returnPath(ticket.back, found.origin) ?? '/', [
        cookieLine(sessionName, id, { origin: found.origin, seconds: undefined }),
        cookieLine(nonceName, '', { origin: found.origin, seconds: 0 }),
      ])
    },
  }
}

/** Sends elsewhere. Whoever still sends a body is not listened to any longer. */
export function redirect(res: ServerResponse, to: string, cookies: readonly string[] = []): void {
  const { headers } = res.req
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
  res.writeHead(303, {
    location: to,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'set-cookie': [...cookies],
    'content-length': 0,
    ...(hasBody ? { connection: 'close' } : {}),
  })
  res.end()
}

function cookieLine(
  name: string,
  value: string,
  { origin, seconds }: { origin: string; seconds: number | undefined },
): string {
  const secure = origin.startsWith('https:') ? '; Secure' : ''
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${secure}${seconds === undefined ? '' : `; Max-Age=${seconds}`}`
}

function digest(value: string): string {
  return createHash('sha256').update(value).digest('base64url')
}

function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
}

/** The issuer's side: who may enter gets a ticket; who may not sees the workspace's page, or that there is none. */
export function enterRoute({ desk, door, rooms }: { desk: Desk; door: Door; rooms: Rooms }): Route {
  const { get } = rooms
  const store = get('storage').documents('core:workspaces')
  return {
    method: 'GET',
    path: '/workspaces/:id/enter',
    guard: door.guard(),
    async handler(ctx) {
      const id = ctx.params.id ?? ''
      const session = await desk.cookie.of(ctx.req)
      const way =
        session &&
        (await get('workspaces')
          .way(id, session.account)
          .catch(() => undefined))
      const { bind, back } = ctx.query
      ctx.set('Referrer-Policy', 'no-referrer')
      ctx.status = 303
      if (session === undefined || way === undefined || typeof bind !== 'string' || !/^[\w-]{43}$/.test(bind))
        return ctx.redirect(`/workspaces/${encodeURIComponent(id)}`)
      const { origin } = get('workspaces').addressOf(id)
      const inside = typeof back === 'string' && back.startsWith(way.basePath) ? back : way.basePath
      // A demo may serve apps at the issuer's own origin, where the session is there already.
      if (origin === new URL(get('config').issuer).origin)
        return ctx.redirect(returnPath(inside, origin) ?? way.basePath)
      const value = get('random').token()
      const ticket: Ticket = { handle: session.handle, host: new URL(origin).host, bind, back: inside }
      await store.put(digest(value), ticket, ticketSeconds)
      ctx.redirect(`${origin}${ownPath}enter?ticket=${value}`)
    },
  }
}
