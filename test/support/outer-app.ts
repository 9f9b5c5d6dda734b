/** The outer app of `core/http` on a real port, and requests to it with every header as the test writes it. @module */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { type AppNeeds, createApp } from '../../core/http/app.ts'
import type { Ctx } from '../../core/http/context.ts'
import type { ErrorView } from '../../core/http/errors.ts'
import { listen } from '../../core/http/listen.ts'
import { type AppLog, createLog } from '../../core/observe/log.ts'

/** An answer as it came. */
export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** What to send; `host` defaults to the issuer's. */
export interface Request {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string
  /** Address of this machine that it comes from. */
  readonly from?: string
}

/** A handler that answers `body`. */
export const answering = (body: unknown) => (ctx: Ctx) => {
  ctx.body = body
}

/** A log that keeps its lines. */
export function keptLog(): { readonly log: AppLog; lines(): readonly Record<string, unknown>[]; text(): string } {
  const kept: string[] = []
  const clock = { now: () => new Date(1_700_000_000_000) }
  const log = createLog({ clock, level: 'debug', write: (line) => void kept.push(line) })
  return { log, lines: () => kept.map((line) => JSON.parse(line)), text: () => kept.join('') }
}

/** A page that shows what it was given. */
export const plainPages = {
  renderError: (view: ErrorView) =>
    `<h1>${view.code}</h1><p>${view.message ?? ''}</p><a href="${view.href ?? ''}">${view.requestId}</a>`,
}

/** Sends one request to a port or socket of this machine, on a connection of its own. */
export function send(
  place: number | string,
  { method = 'GET', path, headers = {}, body, from }: Request,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const local = from === undefined ? {} : { localAddress: from }
    const to = typeof place === 'string' ? { socketPath: place } : { port: place, host: '127.0.0.1', ...local }
    const request = httpRequest({ ...to, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject)
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      )
    })
    request.once('error', reject)
    request.end(body)
  })
}

/** Starts an app; the issuer is `http://localhost:PORT` unless given. */
export async function startApp(options: Partial<AppNeeds> = {}) {
  const kept = keptLog()
  let answer: ReturnType<ReturnType<typeof createApp>['callback']> = (_req, res) => res.end()
  const listening = await listen({ handler: (req, res) => answer(req, res), place: { host: '127.0.0.1', port: 0 } })
  const port = listening.port ?? 0
  const issuer = options.issuer ?? `http://localhost:${port}`
  const needs = { proxies: [], pages: plainPages, ringKeys: ['a-key-of-the-tests-0123456789abcdef'], log: kept.log }
  const app = createApp({ ...needs, ...options, issuer })
  answer = app.callback()
  const { host } = new URL(issuer)
  return {
    app,
    port,
    issuer,
    kept,
    send: (asked: Request) => send(port, { ...asked, headers: { host, ...asked.headers } }),
    close: () => listening.close({ graceSeconds: 0 }),
  }
}
