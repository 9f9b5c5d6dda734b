/** Server-sent events (HTML Living Standard §9.2): a response that stays open until it is over or the browser leaves. @module */
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { Fault } from '@labgate/contract'
import type { Ctx } from '../http/context.ts'

/** One open stream. */
export interface EventStream {
  /** Aborted when the browser leaves, or after `end`. */
  readonly signal: AbortSignal
  /** Waits while the browser does not read. */
  send(message: { readonly id?: number; readonly event?: string; readonly data: unknown }): Promise<void>
  /** A comment, so that nobody between takes the connection for dead. */
  beat(): void
  /** The last word: the browser is not to ask again. */
  end(): void
}

/** Opens streams; an account has no more than `most` at once. */
export interface EventStreams {
  /** Answers with a stream and lets `run` fill it. @throws Fault ERR_RATE */
  open(ctx: Ctx, account: string, run: (stream: EventStream) => Promise<void>): void
}

/** Makes them. `onTrouble` hears of a `run` that failed. */
export function createEventStreams(needs: { readonly most: number; onTrouble(error: unknown): void }): EventStreams {
  const open = new Map<string, number>()
  const count = (account: string, by: 1 | -1) => {
    const now = (open.get(account) ?? 0) + by
    if (now > 0) open.set(account, now)
    else open.delete(account)
  }
  return {
    open(ctx, account, run) {
      if ((open.get(account) ?? 0) >= needs.most)
        throw new Fault('ERR_RATE', 'Too many of these pages are open. Close some of them.', { retryAfterSeconds: 10 })
      const { stream, body, over } = makeStream()
      count(account, 1)
      // Koa and its pipeline listen eleven times, which is no leak.
      ctx.res.setMaxListeners(20)
      ctx.res.once('close', () => {
        count(account, -1)
        over()
      })
      ctx.status = 200
      ctx.set({ 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' })
      ctx.body = body
      run(stream)
        .catch((error: unknown) => {
          if (!stream.signal.aborted) needs.onTrouble(error)
        })
        .finally(over)
    },
  }
}

function makeStream(): { stream: EventStream; body: PassThrough; over: () => void } {
  const body = new PassThrough()
  const controller = new AbortController()
  const { signal } = controller
  body.on('error', () => controller.abort())
  const over = () => {
    controller.abort()
    if (!body.writableEnded) body.end()
  }
  const write = (text: string) => signal.aborted || body.write(text)
  const stream: EventStream = {
    signal,
    async send({ id, event, data }) {
      const head = `${id === undefined ? '' : `id: ${id}\n`}${event === undefined ? '' : `event: ${event}\n`}`
      if (write(`${head}data: ${JSON.stringify(data)}\n\n`)) return
      await once(body, 'drain', { signal }).catch(() => undefined)
    },
    beat: () => void write(': still here\n\n'),
    end() {
      write('event: end\ndata: {}\n\n')
      over()
    },
  }
  return { stream, body, over }
}
