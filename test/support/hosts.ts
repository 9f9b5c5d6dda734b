/**
 * Sites with names of their own on two ports of this machine, one plain and one with TLS: what a browser needs to tell them
 * apart. Open it with `openIncognito({ rules })` and pages with `ignoreHTTPSErrors: true`.
 * @module
 */

import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, request, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { makeCertificate } from './certificate.ts'
import { tempFolder } from './program.ts'

/** How a page is reached. */
export type Scheme = 'http' | 'https'

/** Running sites. */
export interface Hosts {
  /** `https://viewer.test:PORT`. */
  origin(scheme: Scheme, name: string): string
  /** For Chromium: these names are here. */
  readonly rules: string
  /** Gives a name to a handler; the last counts. */
  serve(name: string, handle: RequestListener): void
  close(): Promise<void>
}

/** Opens both ports for `names`; ask `needs('openssl')` first. A name nobody serves is answered 421. */
export async function openHosts(names: readonly string[]): Promise<Hosts> {
  const folder = await tempFolder()
  try {
    const { certFile, keyFile } = await makeCertificate(folder.path, names)
    const handlers = new Map<string, RequestListener>()
    const handle = (req: IncomingMessage, res: ServerResponse) => {
      const known = handlers.get(new URL(`http://${req.headers.host}`).hostname)
      if (known === undefined) res.writeHead(421).end()
      else known(req, res)
    }
    const tls = { cert: await readFile(certFile), key: await readFile(keyFile) }
    const servers = { http: createServer(handle), https: createTlsServer(tls, handle) }
    const ports = { http: await listen(servers.http), https: await listen(servers.https) }
    return {
      origin: (scheme, name) => `${scheme}://${name}:${ports[scheme]}`,
      // 443 is for names whose addresses are fixed in a client.
      rules: names.map((name) => `MAP ${name}:443 127.0.0.1:${ports.https} , MAP ${name} 127.0.0.1`).join(' , '),
      serve: (name, handler) => void handlers.set(name, handler),
      async close() {
        for (const server of Object.values(servers)) server.closeAllConnections()
        await Promise.all(Object.values(servers).map((server) => new Promise((done) => server.close(done))))
      },
    }
  } finally {
    await folder.remove()
  }
}

/** A reverse proxy to a port of this machine, as `docs/operate.md` asks for one. */
export function forwardTo(port: number): RequestListener {
  return (req, res) => {
    const proto = 'encrypted' in req.socket ? 'https' : 'http'
    const headers = { ...req.headers, 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': proto }
    const target = { host: '127.0.0.1', port, method: req.method, path: req.url, headers }
    const out = request(target, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(res)
    })
    out.on('error', () => res.destroy())
    req.pipe(out)
  }
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}
