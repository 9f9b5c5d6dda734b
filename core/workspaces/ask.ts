/** Asks an app something over its endpoint, whatever that is: readiness and activity. @module */
import { type ClientRequestArgs, request } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Endpoint } from '@labgate/contract'

/** What is asked. */
export interface AppAsk {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** What it answered; the body is cut at 1 MiB. */
export interface AppAnswer {
  readonly status: number
  readonly body: string
}

const most = 1024 * 1024

/** How a request of Node's reaches an endpoint. A tunnel is opened anew for each. */
export async function reach(endpoint: Endpoint): Promise<ClientRequestArgs> {
  if (endpoint.kind === 'tcp') return { host: endpoint.host, port: endpoint.port, agent: false }
  if (endpoint.kind === 'unix') return { socketPath: endpoint.path, agent: false }
  const stream = await endpoint.open()
  // A duplex is all that a request needs of a socket. Not with `agent: false`: that makes an agent, which connects by itself.
  return { createConnection: () => stream as Duplex } as unknown as ClientRequestArgs
}

/** @throws whatever the way there throws, and when it takes too long */
export async function askApp(endpoint: Endpoint, ask: AppAsk): Promise<AppAnswer> {
  const signal = AbortSignal.any([ask.signal, AbortSignal.timeout(ask.timeoutMs)])
  const way = await reach(endpoint)
  return new Promise((resolve, reject) => {
    const asked = request({
      ...way,
      path: ask.path,
      headers: { host: 'localhost', connection: 'close', ...ask.headers },
      signal,
    })
    asked.once('error', reject)
    asked.once('response', (answer) => {
      let body = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => {
        body += part.slice(0, Math.max(0, most - body.length))
      })
      answer.once('error', reject)
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, body }))
    })
    asked.end()
  })
}
