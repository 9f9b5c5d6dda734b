/** The one place where an error becomes a response: status, page or JSON, and a line in the log. @module */
import { Fault, type FaultCode, isFault, type Log } from '@labgate/contract'
import type { Ctx } from './context.ts'
import type { LanguageHeaders } from './language.ts'

/** Data of an error page. */
export interface ErrorView {
  /** `wrong-host`: `href` is the address to use. */
  readonly kind: 'error' | 'wrong-host'
  readonly status: number
  readonly code: FaultCode
  /** Words for the person; `undefined` when there are none that may be shown. */
  readonly message: string | undefined
  /** Reference for the operator: the same id stands in the log. */
  readonly requestId: string
  readonly nonce: string
  /** `Accept-Language` as it came. */
  readonly headers: LanguageHeaders
  readonly href: string | undefined
  /** Where the person may start over; `undefined`: at the first page. */
  readonly restart: string | undefined
  /** The checked host; `undefined` when it was none of ours. */
  readonly host: string | undefined
  /** The Host header as it came, capped. */
  readonly typed: string
}

/** Who draws error pages. */
export interface ErrorPages {
  renderError(view: ErrorView): string
}

/** What the mapper needs. */
export interface ErrorNeeds {
  readonly log: Log
  readonly pages: ErrorPages
}

const byStatus: Readonly<Record<number, readonly [FaultCode, string]>> = {
  400: ['ERR_INPUT', 'The request could not be understood.'],
  404: ['ERR_NOT_FOUND', 'There is no such page.'],
  413: ['ERR_TOO_LARGE', 'The request is too large.'],
}

/** Any thrown value as a fault: what libraries throw for a wrong request is `ERR_INPUT`, what nobody foresaw is `ERR_INTERNAL`. */
export function faultOf(error: unknown): Fault {
  if (isFault(error)) return error
  if (error instanceof URIError) return new Fault('ERR_INPUT', 'The address could not be understood.', { cause: error })
  const { status, expose } = (typeof error === 'object' && error !== null ? error : {}) as {
    status?: number
    expose?: boolean
  }
  const known = expose === true ? byStatus[status ?? 0] : undefined
  return known === undefined
    ? new Fault('ERR_INTERNAL', 'an error that nobody foresaw', { cause: error })
    : new Fault(known[0], known[1], { cause: error })
}

/** Whether the asker reads pages; a client that takes anything gets JSON. */
export function wantsPage(ctx: Ctx): boolean {
  return ctx.accepts('json', 'html') === 'html'
}

function logFault(ctx: Ctx, fault: Fault, log: Log): void {
  const { requestId, route, address } = ctx.state
  const line = { requestId, method: ctx.method, route, address, status: fault.status, error: fault }
  if (fault.status >= 500) log.error(line, 'request failed')
  else
    log.info(
      { ...line, error: undefined, fault: fault.code, why: fault.message, detail: fault.detail },
      'request refused',
    )
}

function viewOf(ctx: Ctx, fault: Fault): ErrorView {
  const href = fault.code === 'ERR_HOST' ? ctx.state.rightAddress : undefined
  return {
    kind: href === undefined ? 'error' : 'wrong-host',
    status: fault.status,
    code: fault.code,
    message: fault.shown ? fault.message : undefined,
    requestId: ctx.state.requestId,
    nonce: ctx.state.nonce,
    headers: ctx.req.headers,
    href,
    restart: ctx.state.restart,
    host: ctx.state.host,
    typed: (ctx.req.headers.host ?? '').slice(0, 255),
  }
}

function answerJson(ctx: Ctx, view: ErrorView): void {
  const { code, message, requestId, href } = view
  ctx.type = 'json'
  ctx.body = JSON.stringify({ error: code, ...(message && { message }), ...(href && { href }), request_id: requestId })
}

function answer(ctx: Ctx, fault: Fault, needs: ErrorNeeds): void {
  ctx.status = fault.status
  // What is left of a body that was too long is not worth reading.
  if (fault.code === 'ERR_TOO_LARGE') ctx.set('Connection', 'close')
  if (fault.retryAfterSeconds !== undefined) ctx.set('Retry-After', String(Math.ceil(fault.retryAfterSeconds)))
  if (ctx.state.onError !== undefined) {
    ctx.state.onError(fault, ctx)
    return
  }
  const view = viewOf(ctx, fault)
  ctx.vary('Accept')
  if (!wantsPage(ctx)) {
    answerJson(ctx, view)
    return
  }
  ctx.type = 'html'
  ctx.body = needs.pages.renderError(view)
}

/** A body for when drawing the error failed too. */
function answerBare(ctx: Ctx, needs: ErrorNeeds, error: unknown): void {
  needs.log.error({ requestId: ctx.state.requestId, error }, 'the error page failed')
  ctx.status = 500
  ctx.type = 'text'
  ctx.body = `ERR_INTERNAL ${ctx.state.requestId}\n`
}

const ofTheBody = ['Content-Length', 'Content-Encoding', 'Content-Disposition', 'ETag', 'Last-Modified']

/** Turns an error into the response. Headers set so far stay, CORS included; those of a body do not. */
export function answerError(ctx: Ctx, error: unknown, needs: ErrorNeeds): void {
  const fault = faultOf(error)
  logFault(ctx, fault, needs.log)
  if (ctx.res.headersSent) {
    ctx.res.destroy()
    return
  }
  for (const name of ofTheBody) ctx.remove(name)
  ctx.set('Cache-Control', 'no-store')
  try {
    answer(ctx, fault, needs)
  } catch (failure) {
    answerBare(ctx, needs, failure)
  }
}
