/** What an app writes, line by line. @module */
import { StringDecoder } from 'node:string_decoder'
import { type Host, hostTrouble } from './host.ts'
import { runOf } from './state.ts'
import { pause } from './wait.ts'

/** Which lines, and for how long. */
export interface LinesAsk {
  readonly tail: number
  readonly follow: boolean
  readonly signal: AbortSignal
}

/** A longer line is cut. */
const lineLength = 8192
/** How often a log is looked at that is followed. Asking leaves nothing behind on the host when the connection is lost. */
const everyMs = 700

/** The lines of an instance, the oldest first. Followed, they end with the instance or with the signal. */
export async function* linesOf(host: Host, instance: string, ask: LinesAsk): AsyncGenerator<string> {
  try {
    yield* read(host, instance, ask)
  } catch (error) {
    if (!ask.signal.aborted) throw hostTrouble(host.name, error)
  }
}

async function* read(host: Host, instance: string, { tail, follow, signal }: LinesAsk): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let begun = ''
  let ask: readonly [string, string] = ['tail', String(Math.max(0, Math.min(10_000, Math.trunc(tail))))]
  for (;;) {
    const answer = await host.ask([['lines', instance, ...ask]], { signal })
    const lines = (begun + decoder.write(answer.rest)).split('\n')
    begun = (lines.pop() ?? '').slice(0, lineLength)
    for (const line of lines) yield line.slice(0, lineLength)
    const isRunning = answer.lines('run').map(runOf)[0]?.state === 'running'
    if (!follow || (!isRunning && answer.rest.length === 0)) break
    ask = ['from', answer.line('upto')?.[0] ?? '0']
    if (answer.rest.length === 0) await pause(everyMs, signal)
  }
  if (begun !== '') yield begun
}
