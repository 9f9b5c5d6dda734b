/**
 * Hands requests and WebSockets on to an app. Who may, was asked before; what passes, is `headers.ts`; what is too large,
 * too late or leads nowhere is answered here.
 * @module
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createProxyServer, type ProxyServer, type ServerOptions } from 'http-proxy-3'
import { type Agents, createAgents } from './agents.ts'
import { conceal, concealIn, isPage, tokenOf } from './conceal.ts'
import { type Arrival, dropHopByHop, fromApp, leadHome, toApp } from './headers.ts'
import type { Way } from './workspaces.ts'

/** What is known of a request from outside. */
export interface Asked extends Omit<Arrival, 'ownCookies'> {
  readonly way: Way
  /** The path as the app shall see it. */
  readonly path: string
}

/** Hands on. */
export interface Forwarding {
  web(req: IncomingMessage, res: ServerResponse, asked: Asked): void
  upgrade(req: IncomingMessage, socket: Duplex, asked: Asked & { readonly head: Buffer }): void
  /** Ends connections that nobody needs. */
  sweep(): void
  close(): void
}

/** What forwarding takes. */
export interface ForwardingNeeds {
  /** Cookies of ours by the beginning of their names. */
  readonly ownCookies: readonly string[]
  /** Largest request body. */
  readonly maxBytes: number
  readonly onTrouble: (error: Error, workspace: string) => void
  /** A WebSocket carries something to an app. */
  readonly onTraffic: (workspace: string) => void
}

/** How long somebody who sends too much is listened to, so that they read why. */
const lingerMs = 2000
/** Most that an app answers to a WebSocket that it does not want. */
const mostRefusal = 1024 * 1024

interface Own {
  readonly needs: ForwardingNeeds
  readonly proxy: ProxyServer
  readonly agents: Agents
  /** What was asked of an app for a request that is under way. */
  readonly asking: WeakMap<IncomingMessage, ClientRequest>
  /** What each request under way is about. */
  readonly asked: WeakMap<IncomingMessage, Asked>
  /** The workspace of a browser's WebSocket. */
  readonly joined: WeakMap<Duplex, string>
}

/** Makes it. */
export function createForwarding(needs: ForwardingNeeds): Forwarding {
  const own: Own = {
    needs,
    proxy: createProxyServer({ xfwd: false, changeOrigin: false, ws: true, toProxy: true }),
    agents: createAgents(),
    asking: new WeakMap(),
    asked: new WeakMap(),
    joined: new WeakMap(),
  }
  // A browser that goes away in the middle; without a listener the library throws it at the whole process.
  own.proxy.on('error', () => undefined)
  own.proxy.on('proxyReq', (asking, req, res) => {
    own.asking.set(req, asking)
    // Nobody asked for another protocol; what is not listened to, Node would let hang.
    asking.once('upgrade', (_, socket) => {
      socket.destroy()
      refuse(res as ServerResponse, 502, 'The app does not answer as it should.')
    })
  })
  own.proxy.on('proxyRes', (answer, req, res) => {
    toBrowser(own, req, answer)
    passOn(answer, res as ServerResponse)
  })
  own.proxy.on('proxyReqWs', (asking, req, socket) => {
    endTogether(asking, socket)
    guardAnswer(own, { asking, req, socket })
    // Not before somebody reads: a listener of our own would make it flow into nothing.
    const touch = () => needs.onTraffic(own.joined.get(socket) ?? '')
    asking.once('upgrade', () => void socket.on('data', touch))
  })
  return {
    web: (req, res, asked) => web(own, { req, res, asked }),
    upgrade: (req, socket, asked) => upgrade(own, { req, socket, asked }),
    sweep: own.agents.sweep,
    close() {
      own.agents.close()
      own.proxy.close()
    },
  }
}

interface Passing {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly asked: Asked
}

function web(own: Own, { req, res, asked }: Passing): void {
  const { needs } = own
  const { 'content-length': length, 'transfer-encoding': coding } = req.headers
  // The library sends these with a length of nothing: their bodies would be taken for the next request.
  if (coding !== undefined && (req.method === 'DELETE' || req.method === 'OPTIONS'))
    return void refuseBody(req, res, { status: 411, text: 'This must say how long it is.' })
  if (Number(length ?? 0) > needs.maxBytes) return void refuseBody(req, res, tooLarge)
  const isCapped = coding === undefined ? () => false : capBody(own, req, res)
  dropHopByHop(req.headers)
  if (coding !== undefined) req.headers['transfer-encoding'] = coding
  // Our own server has said already that it may go on.
  delete req.headers.expect
  prepare(own, req, asked)
  const options = optionsOf(own, asked)
  const failed = (error: Error) => {
    if (isCapped()) return
    needs.onTrouble(error, asked.way.workspace.id)
    refuse(res, 502, 'The app does not answer.')
  }
  own.proxy.web(req, res, options, (error) => {
    if (mayRepeat(error, req, res)) own.proxy.web(req, res, options, failed)
    else failed(error)
  })
}

/** A connection that was kept may be closed by the app in the moment it is used: what changes nothing is asked again. */
function mayRepeat(error: Error, req: IncomingMessage, res: ServerResponse): boolean {
  const isBare = req.headers['content-length'] === undefined && req.headers['transfer-encoding'] === undefined
  const isSafe = req.method === 'GET' || req.method === 'HEAD'
  return 'code' in error && error.code === 'ECONNRESET' && isBare && isSafe && !res.headersSent && !res.destroyed
}

function upgrade(
  own: Own,
  { req, socket, asked }: { req: IncomingMessage; socket: Duplex; asked: Asked & { readonly head: Buffer } },
): void {
  const { needs } = own
  const { id } = asked.way.workspace
  dropHopByHop(req.headers)
  prepare(own, req, asked)
  Object.assign(req.headers, { connection: 'Upgrade', upgrade: 'websocket' })
  own.joined.set(socket, id)
  own.proxy.ws(req, socket as Socket, asked.head, optionsOf(own, asked), (error) => {
    needs.onTrouble(error, id)
    socket.destroy()
  })
}

/** A browser that leaves before the app has answered leaves no connection to it behind. */
function endTogether(asking: ClientRequest, socket: Socket): void {
  const leave = () => void asking.destroy()
  socket.once('close', leave)
  asking.once('upgrade', (_, joined) => {
    // From here on the end of one is passed on to the other with all that was said before.
    socket.off('close', leave)
    if (socket.destroyed) joined.destroy()
  })
}

/** An answer as a browser may have it. */
function toBrowser({ needs, asked }: Own, req: IncomingMessage, answer: IncomingMessage): void {
  const { headers } = answer
  fromApp(headers, needs.ownCookies)
  const about = asked.get(req)
  if (about === undefined) return
  const { way, host, scheme } = about
  const { endpoint } = way
  if (endpoint.kind === 'tcp') {
    const inside = `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`
    const base = way.profile.basePath === 'told' ? '/' : way.basePath
    leadHome(headers, { inside, outside: `${scheme}://${host}${base}` })
  }
  const token = tokenOf(way)
  if (token === undefined) return
  concealIn(headers, token)
  if (!isPage(headers)) return
  // The library joins the answer to the browser's by itself.
  const pipe = answer.pipe.bind(answer)
  answer.pipe = (to) => pipe(conceal(token)).pipe(to)
}

/** The library hands on the answer to an upgrade as it is, and what refuses one as fast as it comes. */
function guardAnswer(
  own: Own,
  { asking, req, socket }: { asking: ClientRequest; req: IncomingMessage; socket: Socket },
): void {
  asking.once('upgrade', (answer: IncomingMessage) => {
    toBrowser(own, req, answer)
    Object.assign(answer.headers, { connection: 'Upgrade', upgrade: 'websocket' })
  })
  asking.once('response', (answer: IncomingMessage) => {
    toBrowser(own, req, answer)
    let length = 0
    answer.on('data', (part: Buffer) => {
      length += part.length
      if (length > mostRefusal) socket.destroy()
    })
  })
}

/** What comes is sent at once, and what breaks off breaks off. */
function passOn(answer: IncomingMessage, res: ServerResponse): void {
  answer.on('error', () => res.destroy())
  answer.once('close', () => {
    if (!answer.complete) res.destroy()
  })
  setImmediate(() => {
    if (!res.headersSent && !res.destroyed) res.flushHeaders()
  })
}

function optionsOf(own: Own, { way }: Asked): ServerOptions {
  const { endpoint } = way
  const target =
    endpoint.kind === 'tcp' ? { host: endpoint.host, port: endpoint.port } : { host: 'localhost', port: 80 }
  const socket = endpoint.kind === 'unix' ? { socketPath: endpoint.path } : {}
  return {
    // Its types ask for a URL, which knows no socket.
    target: { protocol: 'http:', ...target, ...socket } as never,
    agent: own.agents.of(way),
    headers: { ...way.headers },
  }
}

function prepare({ needs: { ownCookies }, asked: all }: Own, req: IncomingMessage, asked: Asked): void {
  const { way, path, ...arrival } = asked
  all.set(req, asked)
  req.url = path
  toApp(req.headers, { ...arrival, ownCookies })
  // A page that is pressed together could not be read on its way.
  if (tokenOf(way) !== undefined && req.headers.accept?.includes('text/html')) delete req.headers['accept-encoding']
  if (way.profile.preset === 'rstudio') req.headers['x-rstudio-root-path'] = way.basePath.replace(/\/$/, '') || '/'
}

const tooLarge = { status: 413, text: 'This is larger than what may be sent here.' }

/** Refuses a request whose body is still on its way. */
function refuseBody(
  req: IncomingMessage,
  res: ServerResponse,
  { status, text }: { readonly status: number; readonly text: string },
): void {
  refuse(res, status, text)
  // Read on for a while: a connection that is cut at once takes the answer with it.
  req.unpipe()
  req.removeAllListeners('data')
  req.resume()
  const timer = setTimeout(() => req.destroy(), lingerMs)
  req.once('close', () => clearTimeout(timer))
}

/** A body without a length is counted while it passes; says whether it was too large. */
function capBody(own: Own, req: IncomingMessage, res: ServerResponse): () => boolean {
  let length = 0
  let isOver = false
  req.on('data', (part: Buffer) => {
    length += part.length
    if (length <= own.needs.maxBytes || isOver) return
    isOver = true
    refuseBody(req, res, tooLarge)
    own.asking.get(req)?.destroy()
  })
  return () => isOver
}

/** An answer of ours, in the app's stead. */
export function refuse(res: ServerResponse, status: number, text: string): void {
  if (res.headersSent) return void res.destroy()
  for (const name of res.getHeaderNames()) res.removeHeader(name)
  res.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    connection: 'close',
  })
  res.end(`${text}\n`)
}
