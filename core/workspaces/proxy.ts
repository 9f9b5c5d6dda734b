/**
 * Hands requests and WebSockets on to an app. Who may, was asked before; here the app gets what it must have and
 * nothing that is ours: no cookie of ours, no header in which somebody else could say who they are.
 * @module
 */
import { Agent, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createProxyServer, type ProxyServer, type ServerOptions } from 'http-proxy-3'
import type { Way } from './workspaces.ts'

/** What is known of a request from outside. */
export interface Asked {
  readonly way: Way
  /** The path as the app shall see it. */
  readonly path: string
  /** `https` or `http`, as the browser sees it. */
  readonly scheme: string
  /** Address of the browser. */
  readonly address: string
}

/** Hands on. */
export interface Forwarding {
  web(req: IncomingMessage, res: ServerResponse, asked: Asked): void
  upgrade(req: IncomingMessage, socket: Duplex, asked: Asked & { readonly head: Buffer }): void
  close(): void
}

/** What forwarding takes. */
export interface ForwardingNeeds {
  /** Cookies of ours by name; those whose name begins with one are taken out, both ways. */
  readonly ownCookies: readonly string[]
  /** Largest request body. */
  readonly maxBytes: number
  readonly onTrouble: (error: Error, workspace: string) => void
}

/** What could say who somebody is, or where they come from; we alone do. */
const claims =
  /^(x-labgate-|x-forwarded-|x-remote-|x-auth-|x-webauth-|remote-|forwarded$|x-real-ip$|x-original-|x-rstudio-useridentity)/

interface Own {
  readonly needs: ForwardingNeeds
  readonly proxy: ProxyServer
  readonly agents: Map<string, Agent>
  readonly plain: Agent
}

/** Makes it. */
export function createForwarding(needs: ForwardingNeeds): Forwarding {
  const own: Own = {
    needs,
    proxy: createProxyServer({ xfwd: false, changeOrigin: false, ws: true }),
    agents: new Map(),
    plain: new Agent({ keepAlive: true, keepAliveMsecs: 5000, maxFreeSockets: 64 }),
  }
  own.proxy.on('proxyRes', ({ headers }) => {
    const cookies = headers['set-cookie']?.flatMap((cookie) => cookieOfApp(cookie, needs.ownCookies))
    if (cookies) headers['set-cookie'] = cookies
  })
  own.proxy.on('proxyReqWs', (asking, _, socket) => endTogether(asking, socket))
  return {
    web(req, res, asked) {
      if (tooLarge(req, res, needs.maxBytes)) return
      capBody(req, res, needs.maxBytes)
      prepare(req, asked, needs)
      own.proxy.web(req, res, optionsOf(own, asked), (error) => answerTrouble(own, { res, error, asked }))
    },
    upgrade(req, socket, asked) {
      prepare(req, asked, needs)
      own.proxy.ws(req, socket as Socket, asked.head, optionsOf(own, asked), (error) => {
        needs.onTrouble(error, asked.way.workspace.id)
        socket.destroy()
      })
    },
    close() {
      own.plain.destroy()
      for (const agent of own.agents.values()) agent.destroy()
      own.proxy.close()
    },
  }
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

function optionsOf(own: Own, { way }: Asked): ServerOptions {
  const { endpoint } = way
  const target =
    endpoint.kind === 'tcp' ? { host: endpoint.host, port: endpoint.port } : { host: 'localhost', port: 80 }
  return {
    target: {
      protocol: 'http:',
      ...target,
      ...(endpoint.kind === 'unix' ? { socketPath: endpoint.path } : {}),
    } as never,
    agent: endpoint.kind === 'tunnel' ? tunnelAgent(own, way) : own.plain,
    headers: { ...way.headers },
  }
}

/** Connections through a tunnel are kept by workspace: opening one costs a round trip to its machine. */
function tunnelAgent({ agents }: Own, { workspace, endpoint }: Way): Agent {
  if (endpoint.kind !== 'tunnel') return new Agent()
  const agent = agents.get(workspace.id) ?? new Agent({ keepAlive: true, maxFreeSockets: 8 })
  // Each time: after a restart it may be on another machine.
  agent.createConnection = ((_: unknown, done: (error: Error | null, stream?: Duplex) => void) => {
    endpoint.open().then(
      (stream) => done(null, stream as Duplex),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    )
    return undefined
  }) as never
  agents.set(workspace.id, agent)
  return agent
}

function prepare(req: IncomingMessage, { way, path, scheme, address }: Asked, { ownCookies }: ForwardingNeeds): void {
  req.url = path
  for (const name of Object.keys(req.headers)) if (claims.test(name)) delete req.headers[name]
  const cookies = (req.headers.cookie ?? '').split(';').map((one) => one.trim())
  const theirs = cookies.filter((one) => one !== '' && !ownCookies.some((name) => one.startsWith(name)))
  if (theirs.length > 0) req.headers.cookie = theirs.join('; ')
  else delete req.headers.cookie
  // Truthful: apps compare Host with Origin, and make addresses of them.
  req.headers['x-forwarded-proto'] = scheme
  req.headers['x-forwarded-host'] = req.headers.host
  req.headers['x-forwarded-for'] = address
  if (way.profile.preset === 'rstudio') req.headers['x-rstudio-root-path'] = way.basePath.replace(/\/$/, '') || '/'
}

/** A cookie of the app stays at its own host, and takes no name of ours. */
function cookieOfApp(cookie: string, ownCookies: readonly string[]): string[] {
  if (ownCookies.some((name) => cookie.trimStart().startsWith(name))) return []
  return [
    cookie
      .split(';')
      .filter((part, index) => index === 0 || !/^\s*domain\s*=/i.test(part))
      .join(';'),
  ]
}

function tooLarge(req: IncomingMessage, res: ServerResponse, most: number): boolean {
  if (!(Number(req.headers['content-length'] ?? 0) > most)) return false
  refuse(res, 413, 'This is larger than what may be sent here.')
  // What is still on its way would be taken for the next request.
  req.unpipe()
  req.resume()
  res.once('finish', () => req.destroy())
  return true
}

/** A body without a length is counted while it passes. */
function capBody(req: IncomingMessage, res: ServerResponse, most: number): void {
  if (req.headers['content-length'] !== undefined || req.headers['transfer-encoding'] === undefined) return
  let length = 0
  req.on('data', (part: Buffer) => {
    length += part.length
    if (length <= most) return
    if (!res.headersSent) refuse(res, 413, 'This is larger than what may be sent here.')
    req.unpipe()
    res.once('finish', () => req.destroy())
    req.removeAllListeners('data')
  })
  // Listening begins with whoever pipes it on.
  req.pause()
}

/** An answer of ours, in the app's stead. */
export function refuse(res: ServerResponse, status: number, text: string): void {
  if (res.headersSent) return void res.destroy()
  res.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    connection: 'close',
  })
  res.end(`${text}\n`)
}

function answerTrouble({ needs }: Own, { res, error, asked }: { res: unknown; error: Error; asked: Asked }): void {
  needs.onTrouble(error, asked.way.workspace.id)
  const answer = res as ServerResponse
  if ('writeHead' in answer) refuse(answer, 502, 'The app does not answer.')
}
