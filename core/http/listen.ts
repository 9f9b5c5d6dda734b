/** Listening, and leaving in order: no new connections, requests under way are finished, idle ones are closed. @module */
import { chmodSync, rmSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { connect } from 'node:net'
import { Fault } from '@labgate/contract'
import { createUnderWay, type UnderWay } from '../under-way.ts'

/** A port on an address, or a unix socket (made with mode 0660). */
export type Place = { readonly host: string; readonly port: number } | { readonly socket: string }

/** Certificate chain and key in PEM. */
export interface TlsFiles {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

/** What to listen with. */
export interface ListenNeeds {
  readonly handler: (req: IncomingMessage, res: ServerResponse) => void
  readonly place: Place
  readonly tls?: TlsFiles | undefined
  /** Requests that may take long to arrive, as uploads to apps do; all others must be whole within 30 seconds. */
  readonly isPatient?: (req: IncomingMessage) => boolean
  /** Seconds that all others have. Default 30. */
  readonly bodySeconds?: number
}

/** A server that listens. */
export interface Listening {
  /** The port taken; `undefined` on a unix socket. */
  readonly port: number | undefined
  /** For upgrades (WebSocket). */
  readonly server: Server | TlsServer
  /** A new certificate for new connections. */
  setTls(tls: TlsFiles): void
  /** Stops; what still runs after `graceSeconds` is cut off. Called twice, the second waits for the first. */
  close(options: { readonly graceSeconds: number }): Promise<void>
}

/** Keep-alive is longer than the 60 seconds of common proxies, so that they close first and never write into a closed socket. */
const limits: ServerOptions = {
  headersTimeout: 15_000,
  // By `arriveSoon`, which knows whose request it is.
  requestTimeout: 0,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16 * 1024,
  connectionsCheckingInterval: 5_000,
  // A request without a body is a stream that has ended already: four events that nobody waits for, each in a turn of its own, were
  // a tenth of what a document costs. So whoever waits for the end of a request asks `readableEnded` first, or waits for the response's.
  optimizeEmptyRequests: true,
}

function placeName(place: Place): string {
  return 'socket' in place ? place.socket : `${place.host}:${place.port}`
}

/** Whether somebody answers on a unix socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => resolve(true)).once('error', () => resolve(false))
    probe.once('connect', () => probe.destroy())
  })
}

/** Removes a socket that a killed process left behind; anything else at the path is left alone. */
async function removeStale(path: string): Promise<void> {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isSocket() && !(await answers(path))) rmSync(path, { force: true })
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there; stop it or choose another place',
  EADDRNOTAVAIL: 'this machine has no such address; `host: 0.0.0.0` takes all that it has',
  EACCES:
    'that is not allowed; ports below 1024 need more rights, and the folder of a socket has to be there and open to us',
  ENOTFOUND: 'there is no host of this name',
  EINVAL: 'the system takes no such place; the path of a socket has at most 107 bytes',
}

function bind(server: Server | TlsServer, place: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const why = reasons[error.code ?? ''] ?? error.message
      reject(new Fault('ERR_CONFIG', `listen: cannot listen on ${placeName(place)}: ${why}`, { cause: error }))
    }
    server.once('error', failed)
    server.listen('socket' in place ? { path: place.socket } : { host: place.host, port: place.port }, () => {
      server.removeListener('error', failed)
      resolve()
    })
  })
}

function closer(server: Server | TlsServer, active: UnderWay<ServerResponse>): Listening['close'] {
  let closing: Promise<void> | undefined
  const run = (graceSeconds: number) =>
    new Promise<void>((resolve) => {
      const cut = setTimeout(() => server.closeAllConnections(), graceSeconds * 1000)
      // Closes idle connections too.
      server.close(() => {
        clearTimeout(cut)
        resolve()
      })
      for (const response of active.all()) leaveAfter(server, response)
    })
  return ({ graceSeconds }) => {
    closing ??= run(graceSeconds)
    return closing
  }
}

/** Lets a connection go when the response it is busy with is done. */
function leaveAfter(server: Server | TlsServer, response: ServerResponse): void {
  // Events have no end of their own; browsers ask again by themselves.
  if (String(response.getHeader('content-type')).startsWith('text/event-stream')) {
    response.destroy()
    return
  }
  if (!response.headersSent) response.setHeader('Connection', 'close')
  response.once('close', () => setImmediate(() => server.closeIdleConnections()))
}

/** Cuts off a request whose body does not come (slow senders would hold what others need). */
function arriveSoon(req: IncomingMessage, res: ServerResponse, seconds: number): void {
  const { 'content-length': length, 'transfer-encoding': encoding } = req.headers
  if ((length === undefined || length === '0') && encoding === undefined) return
  const timer = setTimeout(() => {
    if (res.headersSent) return void req.destroy()
    // The answer goes out first.
    res.writeHead(408, { connection: 'close' }).end(() => req.destroy())
  }, seconds * 1000)
  // The server keeps the process, not this.
  timer.unref()
  const done = () => clearTimeout(timer)
  req.once('end', done).once('close', done)
}

/** Begins to listen. @throws Fault ERR_CONFIG when the place is taken or not allowed */
export async function listen({
  handler,
  place,
  tls,
  isPatient = () => false,
  bodySeconds = 30,
}: ListenNeeds): Promise<Listening> {
  const active = createUnderWay<ServerResponse>()
  const track = (req: IncomingMessage, res: ServerResponse) => {
    res.on('close', active.add(res))
    if (!server.listening) leaveAfter(server, res)
    if (!isPatient(req)) arriveSoon(req, res, bodySeconds)
    handler(req, res)
  }
  const server =
    tls === undefined
      ? createServer(limits, track)
      : createTlsServer({ ...limits, ...tls, minVersion: 'TLSv1.2' }, track)
  if ('socket' in place) await removeStale(place.socket)
  await bind(server, place)
  if ('socket' in place) chmodSync(place.socket, 0o660)
  const address = server.address()
  return {
    port: typeof address === 'object' ? address?.port : undefined,
    server,
    setTls: (given) => {
      if ('setSecureContext' in server) server.setSecureContext(given)
    },
    close: closer(server, active),
  }
}
