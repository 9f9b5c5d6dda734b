/** The life of a request, on whichever way it is answered: its id and facts at the begin, one line and one sample at the end. @module */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Log } from '@labgate/contract'
import type { AppLog } from '../observe/log.ts'
import { quickId, quickToken } from '../random.ts'
import type { Ctx, State } from './context.ts'

/** One finished request, as metrics see it. */
export interface RequestSample {
  readonly method: string
  /** Pattern of the route, `none` when nothing matched. */
  readonly route: string
  readonly status: number
  readonly seconds: number
}

/** Who hears of finished requests. */
export interface WatchNeeds {
  readonly log: Log & Partial<Pick<AppLog, 'request'>>
  readonly metrics?: { request(sample: RequestSample): void }
  /** Absent: nobody listens. */
  readonly spans?: { ended(req: IncomingMessage, sample: RequestSample): void } | undefined
}

class Begun implements State {
  // People read it to each other and paste it into commands: letters and digits only.
  readonly requestId = quickId(16)
  readonly formAction: string[] = []
  host = ''
  address = 'unknown'
  secure = false
  #nonce: string | undefined

  /** Answers for programs have none. */
  get nonce(): string {
    this.#nonce ??= quickToken(16)
    return this.#nonce
  }
}

/** What a request begins with. */
export function newState(): State {
  return new Begun()
}

/** A path that leads nowhere may still hold a secret, when somebody mistyped the rest. */
const withoutLongNames = (path: string): string => path.replaceAll(/[\w.~-]{40,}/g, '…')

/**
 * What nobody read of a request is read off when it is answered: else nothing more were answered on its connection, which may
 * be a proxy's for many. Node does so only where nobody had begun to read.
 */
function readOff({ req, res }: Ctx): void {
  const { socket } = req
  res.on('finish', () => {
    if (req.complete) return
    if (req.destroyed) socket.destroySoon()
    else req.resume()
  })
}

/** Writes the line and counts the sample when the response is over, sent or broken off. */
export function watchEnd(ctx: Ctx, needs: WatchNeeds): void {
  const started = performance.now()
  const { req, state } = ctx
  if (req.method === 'POST' || req.method === 'PUT' || req.method === 'PATCH') readOff(ctx)
  ctx.res.on('close', function ended(this: ServerResponse) {
    const seconds = (performance.now() - started) / 1000
    const { requestId, address, route } = state
    const { method = '' } = req
    const status = this.statusCode
    const sample = { method, route: route ?? 'none', status, seconds }
    needs.metrics?.request(sample)
    needs.spans?.ended(req, sample)
    // A known route's path may hold a secret (a link from a mail), so only its pattern is written.
    const path = route === undefined ? withoutLongNames(ctx.path) : undefined
    const broken = this.writableFinished ? undefined : true
    const line = { requestId, method, route, path, status, address, ms: Math.round(seconds * 1e3), broken } as const
    if (needs.log.request === undefined) needs.log.info(line, 'request')
    else needs.log.request(line)
  })
}
