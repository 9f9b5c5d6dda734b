/**
 * A service that knows nothing of Labgate, behind a real nginx or Caddy that asks Labgate about each request, configured by the
 * very words of `docs/gateway.md`.
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, request as requestInClear } from 'node:http'
import { request } from 'node:https'
import { join } from 'node:path'
import { type Front, type Ground, startFront } from './front.ts'
import { freePort } from './labgate.ts'
import { programOf } from './needs.ts'

/** One request as the service got it. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** Names as they came, in the spelling they came in. */
  readonly names: readonly string[]
  readonly bytes: number
}

/** The service: it answers what it got. */
export interface EchoService {
  readonly port: number
  readonly seen: readonly Seen[]
  close(): Promise<void>
}

/** Starts the service; `/wrong` answers 401 and `/forbidden` 403 of its own, an upgrade is echoed. */
export async function startEcho(): Promise<EchoService> {
  const seen: Seen[] = []
  const server = createServer((req, res) => {
    let bytes = 0
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    req.on('end', () => {
      const { method = '', url = '', headers } = req
      const names = req.rawHeaders.filter((_one, index) => index % 2 === 0)
      seen.push({ method, url, headers, names, bytes })
      const status = url.startsWith('/wrong') ? 401 : url.startsWith('/forbidden') ? 403 : 200
      res.writeHead(status, { 'content-type': 'application/json', 'x-service': 'echo' })
      res.end(JSON.stringify(seen.at(-1)))
    })
  })
  server.on('upgrade', (req, socket) => {
    const { method = '', url = '', headers } = req
    seen.push({ method, url, headers, names: [], bytes: 0 })
    socket.on('error', () => socket.destroy())
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello')
    socket.on('data', (chunk) => socket.end(chunk))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  return {
    port,
    seen,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

/** What a gateway of the tests stands between. */
export interface GatewayPlace {
  readonly kind: 'nginx' | 'caddy'
  /** Of the issuer: `https://localhost:PORT`. */
  readonly issuerPort: number
  /** Of the service: `https://127.0.0.1:PORT`. */
  readonly servicePort: number
  readonly labgatePort: number
  readonly echoPort: number
  readonly proxySecret: string
  /** Whether each person has a key of the service; the page says what to add then. */
  readonly keys: boolean
}

/** Starts the reverse proxy: Labgate at `localhost`, the service at `127.0.0.1`. */
export function startGatewayFront(place: GatewayPlace): Promise<Front> {
  const recipe = {
    command: programOf(place.kind),
    // Caddy keeps state under the home folder unless told otherwise.
    env: ({ folder }: Ground) => ({ HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }),
    prepare: place.kind === 'nginx' ? prepareNginx(place) : prepareCaddy(place),
  }
  return startFront(recipe, { upstream: `http://127.0.0.1:${place.labgatePort}`, port: place.issuerPort })
}

/** The first block of this language in docs/gateway.md, with the addresses of this test. */
async function fromTheDocs(place: GatewayPlace, changes: readonly (readonly [from: string, to: string])[]) {
  const page = await readFile(join(import.meta.dirname, '../../docs/gateway.md'), 'utf8')
  const block = new RegExp(`\`\`\`${place.kind}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1]
  if (block === undefined) throw new Error(`docs/gateway.md has no block for ${place.kind}`)
  const ours = [
    ['127.0.0.1:8080', `127.0.0.1:${place.labgatePort}`],
    ['127.0.0.1:5001', `127.0.0.1:${place.echoPort}`],
    ['a long random text', place.proxySecret],
    ...(place.keys && place.kind === 'caddy' ? [['# copy_headers', 'copy_headers'] as const] : []),
    ...changes,
  ] as const
  return ours.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the block for ${place.kind} lacks ${from}`)
    return text.replaceAll(from, to)
  }, block)
}

function prepareNginx(place: GatewayPlace) {
  return async ({ folder, port, upstream, certificate }: Ground): Promise<readonly string[]> => {
    const { certFile, keyFile } = certificate ?? { certFile: '', keyFile: '' }
    const block = await fromTheDocs(place, [
      ['listen 443 ssl', `listen 127.0.0.1:${place.servicePort} ssl`],
      ['Host maps.lab.example', `Host 127.0.0.1:${place.servicePort}`],
      ['/etc/ssl/maps.pem', certFile],
      ['/etc/ssl/maps.key', keyFile],
    ])
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    const file = join(folder, 'nginx.conf')
    await writeFile(
      file,
      `daemon off;
pid ${folder}/nginx.pid;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 128; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${certFile};
    ssl_certificate_key ${keyFile};
    location / {
      proxy_pass ${upstream};
      proxy_buffer_size 16k;
      proxy_buffers 8 16k;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
  ${block}
}
`,
    )
    return ['-p', folder, '-c', file, '-e', 'stderr']
  }
}

function prepareCaddy(place: GatewayPlace) {
  return async ({ folder, port, upstream, certificate }: Ground): Promise<readonly string[]> => {
    const tls = `bind 127.0.0.1\n\ttls ${certificate?.certFile} ${certificate?.keyFile}`
    const block = await fromTheDocs(place, [
      ['maps.lab.example {', `https://127.0.0.1:${place.servicePort} {\n\t${tls}`],
    ])
    const file = join(folder, 'Caddyfile')
    await writeFile(
      file,
      `{
	admin off
	auto_https off
}
https://localhost:${port} {
	${tls}
	reverse_proxy ${upstream.replace('http://', '')}
}
${block}`,
    )
    return ['run', '--config', file, '--adapter', 'caddyfile']
  }
}

/** Two free ports that differ. */
export async function twoPorts(): Promise<readonly [number, number]> {
  const one = await freePort()
  for (;;) {
    const other = await freePort()
    if (other !== one) return [one, other]
  }
}

/**
 * A `fetch` that trusts the test's certificate and sends the headers it is given and no others: the platform's own says
 * `Sec-Fetch-Mode: cors`, as no browser does that goes to a page.
 */
export function plainFetch(ca = ''): typeof fetch {
  const plain = (input: string | URL | Request, init: RequestInit = {}): Promise<Response> =>
    new Promise((done, fail) => {
      const { body } = init
      const bytes = body === undefined || body === null ? undefined : bytesOf(body)
      const form = body instanceof URLSearchParams ? { 'content-type': 'application/x-www-form-urlencoded' } : {}
      const length = bytes === undefined ? {} : { 'content-length': String(bytes.length) }
      const headers = { ...form, ...length, ...(init.headers as Record<string, string> | undefined) }
      const options = { method: init.method ?? 'GET', headers, ca, agent: false } as const
      const url = new URL(String(input))
      const outgoing = (url.protocol === 'http:' ? requestInClear : request)(url, options, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', fail)
        answer.once('end', () => {
          const got = new Headers()
          for (const [name, values] of Object.entries(answer.headersDistinct))
            for (const value of values ?? []) got.append(name, value)
          const status = answer.statusCode ?? 0
          const isEmpty = [204, 205, 304].includes(status)
          done(new Response(isEmpty ? null : Buffer.concat(chunks), { status, headers: got }))
        })
      })
      outgoing.once('error', fail)
      outgoing.end(bytes)
    })
  return plain as typeof fetch
}

function bytesOf(body: NonNullable<RequestInit['body']>): Buffer {
  return body instanceof Uint8Array ? Buffer.from(body) : Buffer.from(String(body))
}
