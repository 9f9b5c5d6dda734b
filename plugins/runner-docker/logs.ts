/** What an app writes, line by line. @module */

import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import type Docker from 'dockerode'
import { engineTrouble } from './engine.ts'

/** Which lines, and for how long. */
export interface LinesAsk {
  readonly tail: number
  readonly follow: boolean
  readonly signal: AbortSignal
}

/** Both outputs of a container in one stream of lines, the oldest first. */
export async function* linesOf(engine: Docker, id: string, { tail, follow, signal }: LinesAsk): AsyncGenerator<string> {
  const container = engine.getContainer(id)
  const ask = { stdout: true, stderr: true, tail, abortSignal: signal }
  const out = new PassThrough()
  try {
    if (follow) {
      const stream = await container.logs({ ...ask, follow: true })
      container.modem.demuxStream(stream, out, out)
      stream.once('end', () => out.end()).once('error', () => out.end())
      signal.addEventListener('abort', () => out.end(), { once: true })
    } else {
      const whole = await container.logs({ ...ask, follow: false })
      for (const part of framesOf(whole as unknown as Buffer)) out.write(part)
      out.end()
    }
  } catch (error) {
    throw engineTrouble(error)
  }
  yield* createInterface({ input: out, crlfDelay: Number.POSITIVE_INFINITY })
}

/** Each frame has eight bytes before it: which output, and how long it is. */
function* framesOf(whole: Buffer): Generator<Buffer> {
  for (let at = 0; at + 8 <= whole.length; ) {
    const length = whole.readUInt32BE(at + 4)
    yield whole.subarray(at + 8, at + 8 + length)
    at += 8 + length
  }
}
