/**
 * The way into workspaces: their own hosts, where apps answer and nothing of ours is served but the way in. A browser
 * that has no session there is sent to the issuer and comes back with a ticket, which counts once, for this browser.
 * @module
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Json, Random, Store } from '@labgate/contract'
import type { BrowserSession, Sessions } from './accounts/sessions.ts'
import type { Rooms } from './assembly.ts'
import { cookieNames } from './http/cookies.ts'
import { createProxies, type Edge, readEdge } from './http/edge.ts'
import { normalHost } from './http/host.ts'
import { returnPath } from './http/returns.ts'
import type { Route } from './http/routes.ts'
import { readCookie, type SessionCookie } from './http/session.ts'
import type { Desk } from './login/desk.ts'
import type { Door } from './login/door.ts'
import type { WorkspacesRoom } from './workspaces/create.ts'
import { createForwarding, type Forwarding, refuse } from './workspaces/proxy.ts'
import { forbidden, isNavigation } from './workspaces/visit.ts'

/** What stands before the app of pages and dialects. */
export interface WorkspaceFront {
  /** Whether a request is for a workspace's host; decides who answers it. */
  takes(req: IncomingMessage): boolean
  handle(req: IncomingMessage, res: ServerResponse): void
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): void
}

/** What the front takes. */
export interface FrontNeeds {
  readonly rooms: Rooms
  readonly cookie: SessionCookie
  readonly proxies: readonly string[]
}

const ownPath = '/.labgate/'
const ticketSeconds = 60
/** How often an open WebSocket is asked whether it may stay. */
const recheckMs = 15_000

interface Ticket {
  readonly [name: string]: Json
  readonly handle: string
  readonly host: string
  readonly bind: string
  readonly back: string
}

interface Own {
  readonly issuer: string
  readonly room: WorkspacesRoom
  readonly store: Store
  readonly random: Random
  readonly sessions: Sessions
  readonly cookie: SessionCookie
  readonly forwarding: Forwarding
  readonly place: (req: IncomingMessage) => Found | undefined
  readonly edgeOf: (req: IncomingMessage) => Edge
  readonly nonceName: string
}

/** A request at one of the hosts. */
interface Found {
  readonly host: string
  readonly origin: string
  /** The workspace; absent at the shared origin's own paths. */
  readonly id: string | undefined
}

/** Makes the front; without `workspaces.origin` it takes nothing. */
export function createWorkspaceFront({ rooms, cookie, proxies }: FrontNeeds): WorkspaceFront {
  const { get } = rooms
  const { issuer, workspaces } = get('config')
  const names = cookieNames(issuer)
  const nonceName = `${names.session}_enter`
  const listed = createProxies(proxies)
  const own: Own = {
    issuer,
    room: get('workspaces'),
    store: get('storage').documents('core:workspaces'),
    random: get('random'),
    sessions: get('sessions'),
    cookie,
    place: placeOf(workspaces.origin),
    edgeOf: (req) => readEdge(req, listed),
    nonceName,
    forwarding: createForwarding({
      ownCookies: [...new Set(Object.values(names).map((name) => name.replace(/_[a-z]+$/, '')))],
      maxBytes: workspaces.maxUpload,
      onTrouble: (error, workspace) => get('log').info({ workspace, err: error }, 'an app did not answer'),
    }),
  }
  const open = new Map<Duplex, Joined>()
  const timer = setInterval(() => void recheck(own, open), recheckMs)
  timer.unref()
  const failed = (error: unknown) => get('log').error({ err: error }, 'the way to a workspace failed')
  return {
    takes: (req) => own.place(req) !== undefined,
    handle(req, res) {
      answer(own, req, res).catch((error: unknown) => {
        failed(error)
        refuse(res, 500, 'Something went wrong here.')
      })
    },
    upgrade(req, socket, head) {
      socket.on('error', () => socket.destroy())
      join(own, { req, socket, head })
        .then((joined) => {
          if (joined === undefined || socket.destroyed) return
          open.set(socket, joined)
          socket.once('close', () => open.delete(socket))
        })
        .catch((error: unknown) => {
          failed(error)
          socket.destroy()
        })
    },
    close() {
      clearInterval(timer)
      own.forwarding.close()
      for (const socket of open.keys()) socket.destroy()
    },
  }
}

/** Finds the workspace in host and path, by the origin that the config gives them. */
function placeOf(configured: string | undefined): Own['place'] {
  if (configured === undefined) return () => undefined
  const isWild = configured.includes('://*.')
  const { protocol, host: suffix } = new URL(configured.replace('://*.', '://'))
  return (req) => {
    const host = normalHost(req.headers.host ?? '', protocol)
    if (host === undefined) return undefined
    const origin = `${protocol}//${host}`
    if (!isWild)
      return host === suffix ? { host, origin, id: /^\/w\/(w[a-z0-9]{15})\//.exec(req.url ?? '')?.[1] } : undefined
    const id = host.endsWith(`.${suffix}`) ? host.slice(0, -suffix.length - 1) : ''
    return /^w[a-z0-9]{15}$/.test(id) ? { host, origin, id } : undefined
  }
}

async function answer(own: Own, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const found = own.place(req)
  if (found === undefined) return refuse(res, 421, 'Nothing is served at this address.')
  const { address, secure } = own.edgeOf(req)
  if (found.origin.startsWith('https:') && !secure) return refuse(res, 421, 'This address is served over https only.')
  const path = req.url ?? '/'
  if (path.startsWith(ownPath)) return comeIn(own, { req, res, found })
  if (found.id === undefined) return refuse(res, 404, 'There is no such workspace.')
  const session = await own.cookie.of(req)
  if (session === undefined) return sendToSignIn(own, { req, res, found, path })
  const why = forbidden({ method: req.method ?? 'GET', headers: req.headers, origin: found.origin, upgrade: false })
  if (why !== undefined) return refuse(res, 403, why)
  const way = await own.room.way(found.id, session.account)
  if (way === undefined) return sendToPage(own, { req, res, id: found.id })
  own.room.touch(found.id)
  const inner = innerOf(way.profile.basePath, { path, basePath: way.basePath })
  own.forwarding.web(req, res, { way, path: inner, scheme: found.origin.split(':')[0] ?? 'http', address })
}

/** An app that is told its path sees the whole one; another sees what is below. */
function innerOf(rule: 'told' | 'stripped', { path, basePath }: { path: string; basePath: string }): string {
  return rule === 'told' ? path : `/${path.slice(basePath.length)}`
}

function redirect(res: ServerResponse, to: string, cookies: readonly string[] = []): void {
  res.writeHead(303, {
    location: to,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'set-cookie': [...cookies],
  })
  res.end()
}

function sendToPage(
  { issuer }: Own,
  { req, res, id }: { req: IncomingMessage; res: ServerResponse; id: string },
): void {
  if (isNavigation({ method: req.method ?? 'GET', headers: req.headers }))
    redirect(res, new URL(`/workspaces/${id}`, issuer).href)
  else refuse(res, 404, 'There is no such workspace that runs.')
}

/** What binds the ticket to this browser is left here first: nobody is led into somebody else's workspace. */
function sendToSignIn(
  own: Own,
  { req, res, found, path }: { req: IncomingMessage; res: ServerResponse; found: Found; path: string },
): void {
  if (found.id === undefined || !isNavigation({ method: req.method ?? 'GET', headers: req.headers })) {
    refuse(res, 401, 'Please sign in first.')
    return
  }
  const nonce = readCookie(req, own.nonceName) ?? own.random.token()
  const url = new URL(`/workspaces/${found.id}/enter`, own.issuer)
  url.search = new URLSearchParams({ bind: digest(nonce), back: path }).toString()
  redirect(res, url.href, [cookieLine(own.nonceName, nonce, { origin: found.origin, seconds: 600 })])
}

async function comeIn(
  own: Own,
  { req, res, found }: { req: IncomingMessage; res: ServerResponse; found: Found },
): Promise<void> {
  const url = new URL(req.url ?? '/', found.origin)
  const value = url.searchParams.get('ticket')
  if (req.method !== 'GET' || url.pathname !== `${ownPath}enter` || value === null)
    return refuse(res, 404, 'There is no such page.')
  const ticket = (await own.store.take(digest(value))) as Ticket | undefined
  const nonce = readCookie(req, own.nonceName)
  if (ticket === undefined || ticket.host !== found.host)
    return refuse(res, 403, 'This link was used already, or is too old. Open the workspace again.')
  if (nonce === undefined || !isSame(digest(nonce), ticket.bind))
    return refuse(
      res,
      403,
      'This link was made for another browser, or this one takes no cookies. Open the workspace again.',
    )
  const id = own.random.token()
  if (!(await own.sessions.openChild({ id, parentHandle: ticket.handle, host: found.host })))
    return refuse(res, 403, 'You have signed out meanwhile. Open the workspace again.')
  const name = cookieNames(own.issuer).session
  redirect(res, returnPath(ticket.back, found.origin) ?? '/', [
    cookieLine(name, id, { origin: found.origin, seconds: undefined }),
    cookieLine(own.nonceName, '', { origin: found.origin, seconds: 0 }),
  ])
}

function cookieLine(
  name: string,
  value: string,
  { origin, seconds }: { origin: string; seconds: number | undefined },
): string {
  const secure = origin.startsWith('https:') ? '; Secure' : ''
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${secure}${seconds === undefined ? '' : `; Max-Age=${seconds}`}`
}

/** Whose WebSocket it is: the cookie is read before it is taken out of what the app gets. */
interface Joined {
  readonly id: string
  readonly cookie: string | undefined
}

/** Joins a WebSocket to its app. */
async function join(
  own: Own,
  { req, socket, head }: { req: IncomingMessage; socket: Duplex; head: Buffer },
): Promise<Joined | undefined> {
  const found = own.place(req)
  const { address, secure } = own.edgeOf(req)
  if (found?.id === undefined || (found.origin.startsWith('https:') && !secure)) return end(socket, 404)
  const session = await own.cookie.of(req)
  if (session === undefined) return end(socket, 401)
  if (forbidden({ method: 'GET', headers: req.headers, origin: found.origin, upgrade: true }) !== undefined)
    return end(socket, 403)
  const way = await own.room.way(found.id, session.account)
  if (way === undefined) return end(socket, 404)
  own.room.touch(found.id)
  const joined: Joined = { id: found.id, cookie: own.cookie.idOf(req) }
  const path = innerOf(way.profile.basePath, { path: req.url ?? '/', basePath: way.basePath })
  socket.on('data', () => own.room.touch(way.workspace.id))
  own.forwarding.upgrade(req, socket, { way, path, scheme: found.origin.split(':')[0] ?? 'http', address, head })
  return joined
}

function end(socket: Duplex, status: number): undefined {
  socket.end(`HTTP/1.1 ${status} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

/** A WebSocket outlives no session, no grant and no stop. */
async function recheck(own: Own, open: ReadonlyMap<Duplex, Joined>): Promise<void> {
  for (const [socket, { id, cookie }] of open) {
    const session: BrowserSession | undefined = await own.sessions.of(cookie)
    const way = session && (await own.room.way(id, session.account))
    if (way === undefined) socket.destroy()
  }
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
      const way = session && (await get('workspaces').way(id, session.account))
      const { bind, back } = ctx.query
      ctx.set('Referrer-Policy', 'no-referrer')
      ctx.status = 303
      if (session === undefined || way === undefined || typeof bind !== 'string' || !/^[\w-]{43}$/.test(bind))
        return ctx.redirect(`/workspaces/${encodeURIComponent(id)}`)
      const { origin } = get('workspaces').addressOf(id)
      const value = get('random').token()
      const ticket: Ticket = {
        handle: session.handle,
        host: new URL(origin).host,
        bind,
        back: typeof back === 'string' && back.startsWith(way.basePath) ? back : way.basePath,
      }
      await store.put(digest(value), ticket, ticketSeconds)
      ctx.redirect(`${origin}${ownPath}enter?ticket=${value}`)
    },
  }
}
