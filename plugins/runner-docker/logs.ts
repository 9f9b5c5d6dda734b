/** What an app writes, line by line. @module */
import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type Docker from 'dockerode'
import { engineTrouble } from './engine.ts'

/** A line may be as long as an app likes; nobody reads more of it. */
const longest = 8192

/** Which lines, and for how long. */
export interface LinesAsk {
  readonly tail: number
  readonly follow: boolean
  readonly signal: AbortSignal
}

/** Both outputs of a container in one stream of lines, the oldest first. Aborted, it ends. */
export async function* linesOf(engine: Docker, id: string, ask: LinesAsk): AsyncGenerator<string> {
  const { signal } = ask
  let source: Readable | undefined
  try {
    source = await opened(engine, id, ask)
    const outputs = [linesFrom(), linesFrom(), linesFrom()] as const
    for await (const { output, part } of framesOf(source)) yield* outputs[output].take(part)
    for (const output of outputs) yield* output.rest()
  } catch (error) {
    if (!signal.aborted) throw engineTrouble(error)
  } finally {
    source?.destroy()
  }
}

// The client would read what is not followed into memory, as a whole.
function opened(engine: Docker, id: string, { tail, follow, signal }: LinesAsk): Promise<Readable> {
  const call = {
    ...{ path: `/containers/${encodeURIComponent(id)}/logs?`, method: 'GET', isStream: true, abortSignal: signal },
    statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
    options: { stdout: true, stderr: true, tail, follow },
  }
  return new Promise((resolve, reject) => {
    engine.modem.dial(call, (error: unknown, stream: unknown) => {
      if (error) return reject(error)
      // `isStream` makes it the answer itself.
      const answer = stream as Readable
      signal.addEventListener('abort', () => answer.destroy(), { once: true })
      resolve(answer)
    })
  })
}

type Output = 0 | 1 | 2

/** Eight bytes stand before each frame: which output, and how long it is. Frames may come in any pieces. */
async function* framesOf(source: AsyncIterable<Buffer>): AsyncGenerator<{ output: Output; part: Buffer }> {
  let head = Buffer.alloc(0)
  let output: Output = 1
  let left = 0
  for await (let piece of source) {
    while (piece.length > 0) {
      if (left === 0) {
        const wanted = 8 - head.length
        head = Buffer.concat([head, piece.subarray(0, wanted)])
        piece = piece.subarray(wanted)
        if (head.length < 8) break
        output = head[0] === 2 ? 2 : 1
        left = head.readUInt32BE(4)
        head = Buffer.alloc(0)
        continue
      }
      const part = piece.subarray(0, left)
      left -= part.length
      piece = piece.subarray(part.length)
      yield { output, part }
    }
  }
}

function linesFrom() {
  const decoder = new StringDecoder('utf8')
  let kept = ''
  return {
    *take(part: Buffer): Generator<string> {
      const lines = (kept + decoder.write(part)).split('\n')
      kept = lines.pop() ?? ''
      // One more than is shown, so that the cut is seen.
      if (kept.length > longest) kept = kept.slice(0, longest + 1)
      for (const line of lines) yield cut(line)
    },
    *rest(): Generator<string> {
      if (kept !== '') yield cut(kept)
    },
  }
}

function cut(line: string): string {
  const bare = line.endsWith('\r') ? line.slice(0, -1) : line
  return bare.length > longest ? `${bare.slice(0, longest)}…` : bare
}
