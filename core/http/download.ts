/** A file as an answer, part by part, never held whole. @module */
import { Readable } from 'node:stream'
import type { Ctx } from './context.ts'

/** What is sent. */
export interface FileAnswer {
  readonly name: string
  /** Its media type. */
  readonly type: string
  readonly parts: AsyncIterable<Uint8Array>
}

/** Answers with a file. What fails before its first part is thrown; what fails later breaks the answer off. */
export async function sendFile(ctx: Ctx, { name, type, parts }: FileAnswer): Promise<void> {
  const body = await begun(parts)
  ctx.set({
    'Content-Type': type,
    'Content-Disposition': `attachment; filename="${name.replaceAll(/[^\w.-]/g, '')}"`,
    'Content-Security-Policy': "default-src 'none'; sandbox",
  })
  // Koa and its pipeline listen eleven times, which is no leak.
  ctx.res.setMaxListeners(20)
  ctx.body = body
}

/** What is answered of a file to who wants none of it. */
export function answerHead(ctx: Ctx, type: string): void {
  ctx.status = 200
  ctx.set('Content-Type', type)
}

/** The stream, when its first part is there: what fails at once is told as an error, not as a broken file. */
async function begun(parts: AsyncIterable<Uint8Array>): Promise<Readable> {
  const iterator = parts[Symbol.asyncIterator]()
  let first: IteratorResult<Uint8Array> | undefined = await iterator.next()
  // No generator: one that was not begun would not pass on that nobody wants the rest.
  const rest: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => rest,
    async next() {
      const part = first ?? (await iterator.next())
      first = undefined
      return part
    },
    async return() {
      await iterator.return?.()
      return { done: true, value: undefined }
    },
  }
  return Readable.from(rest, { objectMode: false })
}
