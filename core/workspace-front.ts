/**
 * The way into workspaces: their own hosts, where apps answer and nothing of ours is served but the way in. Who asks and
 * whether they may, is read at every request and every upgrade.
 * @module
 */
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AccountId } from '@labgate/contract'
import type { EndListener, Sessions } from './accounts/sessions.ts'
import type { Rooms } from './assembly.ts'
import type { Config } from './config/schema.ts'
import { cookieNames } from './http/cookies.ts'
import { createProxies, type Edge, readEdge } from './http/edge.ts'
import { normalHost } from './http/host.ts'
import type { SessionCookie } from './http/session.ts'
import type { SessionStore } from './storage/sessions.ts'
import { createUnderWay, type UnderWay } from './under-way.ts'
import { createEntrance, type Entrance, type Found, ownPath, redirect, type Visit } from './workspace-entrance.ts'
import type { WorkspacesRoom } from './workspaces/create.ts'
import { createForwarding, type Forwarding, refuse } from './workspaces/proxy.ts'
import { forbidden, isNavigation } from './workspaces/visit.ts'
import type { Way } from './workspaces/workspaces.ts'

/** What stands before the app of pages and dialects. */
export interface WorkspaceFront {
  /** Whether a request is for a workspace's host; decides who answers it. */
  takes(req: IncomingMessage): boolean
  handle(req: IncomingMessage, res: ServerResponse): void
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void
  close(): void
  /** Hears of sessions that end: what was open for one does not outlive it. */
  readonly ended: EndListener
}

/** What the front takes. */
export interface FrontNeeds {
  readonly rooms: Pick<Rooms, 'get'>
  readonly config: Pick<Config, 'issuer' | 'workspaces'>
  /** Those of the config that serves now. */
  sessions(): Pick<Sessions, 'openChild'>
  readonly cookie: Pick<SessionCookie, 'of' | 'idOf'>
  readonly proxies: readonly string[]
}

/** How often whoever has something open is asked whether they may stay. */
const recheckMs = 15_000

/** An open WebSocket, or an answer under way. The cookie is kept, for the app's request has it no more. */
interface Joined {
  readonly id: string
  readonly host: string
  readonly cookie: string | undefined
  readonly account: AccountId
}

interface Own {
  readonly issuer: string
  readonly room: WorkspacesRoom
  readonly rows: Pick<SessionStore, 'find'>
  readonly cookie: FrontNeeds['cookie']
  readonly entrance: Entrance
  readonly forwarding: Forwarding
  readonly place: (req: IncomingMessage) => Found | undefined
  readonly edgeOf: (req: IncomingMessage) => Edge
  readonly open: UnderWay<{ readonly what: Duplex | ServerResponse; readonly joined: Joined }>
}

/** Makes the front; without `workspaces.origin` it takes nothing. */
export function createWorkspaceFront(needs: FrontNeeds): WorkspaceFront {
  const { get } = needs.rooms
  const own = ownOf(needs)
  const failed = (error: unknown) => get('log').error({ err: error }, 'the way to a workspace failed')
  const sweep = async () => {
    own.forwarding.sweep()
    await recheck(own, () => true)
  }
  const timer = setInterval(() => void sweep().catch(failed), recheckMs)
  timer.unref()
  const heedless = own.room.onShutOut((id) => void recheck(own, (one) => one.id === id).catch(failed))
  return {
    // Once its row is gone.
    ended:
      async ({ account }) =>
      () =>
        recheck(own, (one) => one.account === account).catch(failed),
    takes: (req) => own.place(req) !== undefined,
    handle(req, res) {
      answer(own, req, res).catch((error: unknown) => {
        failed(error)
        refuse(res, 502, 'The place where this runs does not answer.')
      })
    },
    upgrade(req, socket, head) {
      socket.on('error', () => socket.destroy())
      join(own, { req, socket, head }).catch((error: unknown) => {
        failed(error)
        socket.destroy()
      })
    },
    close() {
      clearInterval(timer)
      heedless()
      own.forwarding.close()
      // Answers under way have the time that the server gives them.
      for (const { what } of own.open.all()) if (!(what instanceof ServerResponse)) what.destroy()
    },
  }
}

function ownOf({ rooms: { get }, config, sessions, cookie, proxies }: FrontNeeds): Own {
  const { issuer, workspaces } = config
  const listed = createProxies(proxies)
  const room = get('workspaces')
  return {
    ...{ issuer, room, cookie, rows: get('storage').sessions, open: createUnderWay() },
    place: placeOf(workspaces.origin, issuer),
    edgeOf: (req) => readEdge(req, listed),
    entrance: createEntrance({
      ...{ issuer, random: get('random') },
      sessions: { openChild: (child) => sessions().openChild(child) },
      store: get('storage').documents('core:workspaces'),
    }),
    forwarding: createForwarding({
      ownCookies: [...new Set(Object.values(cookieNames(issuer)).map((name) => name.replace(/_[a-z]+$/, '')))],
      maxBytes: workspaces.maxUpload,
      onTraffic: room.touch,
      onTrouble(error, workspace) {
        room.forgetWay(workspace)
        get('log').info({ workspace, err: error }, 'an app did not answer')
      },
    }),
  }
}

/** Finds the workspace in host and path, by the origin that the config gives them. */
function placeOf(configured: string | undefined, issuer: string): Own['place'] {
  if (configured === undefined) return () => undefined
  const isWild = configured.includes('://*.')
  const { protocol, host: suffix } = new URL(configured.replace('://*.', '://'))
  const isShared = suffix === new URL(issuer).host
  return (req) => {
    const [header, ...more] = req.headersDistinct.host ?? []
    // Nearly every request of an issuer's page ends here.
    if (header === undefined || more.length > 0 || !req.url?.startsWith('/')) return undefined
    const host = normalHost(header, protocol)
    if (host === undefined) return undefined
    const origin = `${protocol}//${host}`
    if (isWild) {
      const id = host.endsWith(`.${suffix}`) ? host.slice(0, -suffix.length - 1) : ''
      return /^w[a-z0-9]{15}$/.test(id) ? { host, origin, id } : undefined
    }
    if (host !== suffix) return undefined
    const id = /^\/w\/(w[a-z0-9]{15})\//.exec(req.url)?.[1]
    // In a demo the issuer's pages live there, too.
    return id === undefined && isShared ? undefined : { host, origin, id }
  }
}

async function answer(own: Own, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const found = own.place(req)
  if (found === undefined) return refuse(res, 421, 'Nothing is served at this address.')
  const { address, secure } = own.edgeOf(req)
  if (found.origin.startsWith('https:') && !secure) return refuse(res, 421, 'This address is served over https only.')
  // It would echo what the proxy adds.
  if (req.method === 'TRACE') return refuse(res, 405, 'This is not done here.')
  const visit: Visit = { req, res, found }
  if (req.url?.startsWith(ownPath)) return own.entrance.comeIn(visit)
  if (found.id === undefined) return refuse(res, 404, 'There is no such workspace.')
  if (isWorkerAtTop(req)) return refuse(res, 403, 'A service worker of an app has a folder of its own.')
  const session = await own.cookie.of(req)
  if (session === undefined) return own.entrance.sendToSignIn(visit)
  const why = forbidden({ method: req.method ?? 'GET', headers: req.headers, origin: found.origin, upgrade: false })
  if (why !== undefined) return refuse(res, 403, why)
  const way = await own.room.way(found.id, session.account)
  if (way === undefined) return sendToPage(own, visit)
  if (res.destroyed) return
  own.room.touch(found.id)
  keepAnEye(own, res, { id: found.id, host: found.host, cookie: own.cookie.idOf(req), account: session.account })
  own.forwarding.web(req, res, { way, ...arrivalOf(found, { req, way }), address })
}

/** At the top it would stand before our entrance there, and read tickets on their way. */
function isWorkerAtTop({ headers, url = '/' }: IncomingMessage): boolean {
  return headers['service-worker'] !== undefined && url.split('?')[0]?.lastIndexOf('/') === 0
}

function arrivalOf({ host, origin }: Found, { req, way }: { req: IncomingMessage; way: Way }) {
  return { host, scheme: origin.startsWith('https:') ? 'https' : 'http', path: innerOf(way, req.url ?? '/') }
}

/** An app that is told its path sees the whole one; another sees what is below. */
function innerOf({ profile, basePath }: Way, path: string): string {
  return profile.basePath === 'told' ? path : `/${path.slice(basePath.length)}`
}

function sendToPage({ issuer }: Own, { req, res, found }: Visit): void {
  if (isNavigation({ method: req.method ?? 'GET', headers: req.headers }))
    redirect(res, new URL(`/workspaces/${found.id}`, issuer).href)
  else refuse(res, 404, 'There is no such workspace that runs.')
}

/** Joins a WebSocket to its app. */
async function join(
  own: Own,
  { req, socket, head }: { req: IncomingMessage; socket: Duplex; head: Buffer },
): Promise<void> {
  const found = own.place(req)
  const { address, secure } = own.edgeOf(req)
  if (found?.id === undefined || (found.origin.startsWith('https:') && !secure)) return end(socket, 404)
  if (req.method !== 'GET' || req.headers.upgrade?.toLowerCase() !== 'websocket' || hasBody(req))
    return end(socket, 400)
  const session = await own.cookie.of(req)
  if (session === undefined) return end(socket, 401)
  if (forbidden({ method: 'GET', headers: req.headers, origin: found.origin, upgrade: true }) !== undefined)
    return end(socket, 403)
  const way = await own.room.way(found.id, session.account)
  if (way === undefined) return end(socket, 404)
  if (socket.destroyed) return
  own.room.touch(found.id)
  keepAnEye(own, socket, { id: found.id, host: found.host, cookie: own.cookie.idOf(req), account: session.account })
  own.forwarding.upgrade(req, socket, { way, ...arrivalOf(found, { req, way }), address, head })
}

/** A body that is announced and never handed on: an app would take the next request on its connection for it. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
}

function keepAnEye({ open }: Own, what: Duplex | ServerResponse, joined: Joined): void {
  what.once('close', open.add({ what, joined }))
}

/** Whoever is refused and keeps the connection has it no longer. */
function end(socket: Duplex, status: number): void {
  const line = `HTTP/1.1 ${status} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
  socket.end(line, () => socket.destroy())
}

/** Nothing that is open outlives a session, a grant or a stop; nor does it keep a session alive that nobody uses. */
async function recheck(own: Own, concerns: (one: Joined) => boolean): Promise<void> {
  for (const { what, joined } of own.open.all()) {
    if (!concerns(joined)) continue
    const { id, host, cookie } = joined
    const session = cookie === undefined ? undefined : await own.rows.find(cookie)
    const isIn = session?.host === host && (await mayStay(own, id, session.account))
    if (!isIn) what.destroy()
  }
}

/** A place that does not answer now cuts off nobody. */
async function mayStay({ room }: Own, id: string, account: AccountId): Promise<boolean> {
  return room.way(id, account).then(
    (way) => way !== undefined,
    () => true,
  )
}
