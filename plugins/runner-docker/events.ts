/** What an engine tells of its own accord: containers of ours that ended, were killed for memory, or were taken away. @module */
import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { Heard } from '@labgate/contract'
import { engineTrouble, isGone } from './engine.ts'
import type { Ground } from './ground.ts'
import { labels } from './plan.ts'

/** Words of Docker and Podman for what is worth a look. */
const worthALook = /^(die|died|oom|destroy|remove|health_status\b.*)$/
/** A line of an engine is never longer; what is counts as noise. */
const longest = 1024 * 1024

interface Told {
  readonly Action?: unknown
  readonly status?: unknown
  readonly id?: unknown
  readonly Actor?: { readonly ID?: unknown; readonly Attributes?: Readonly<Record<string, unknown>> }
}

/** One connection: it throws when it breaks, and ends when it is aborted. */
export async function* heardFrom(ground: Ground, signal: AbortSignal): AsyncGenerator<Heard> {
  let source: Readable | undefined
  const leave = () => source?.destroy()
  signal.addEventListener('abort', leave, { once: true })
  try {
    // By type alone: Podman before 5 tells an end without labels, so a filter of labels would keep it back.
    const stream = await ground.engine.wait.getEvents({
      filters: JSON.stringify({ type: ['container'] }),
      abortSignal: signal,
    })
    source = stream as Readable
    if (signal.aborted) return
    for await (const line of linesIn(source)) {
      const heard = await heardIn(ground, line, signal)
      if (heard) yield heard
    }
  } catch (error) {
    if (!signal.aborted) throw engineTrouble(error)
  } finally {
    signal.removeEventListener('abort', leave)
    leave()
  }
}

async function* linesIn(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let kept = ''
  for await (const part of source) {
    const lines = (kept + decoder.write(part)).split('\n')
    kept = lines.pop() ?? ''
    if (kept.length > longest) kept = ''
    yield* lines
  }
}

async function heardIn(ground: Ground, line: string, signal: AbortSignal): Promise<Heard | undefined> {
  const told = read(line)
  const what = String(told?.Action ?? told?.status ?? '')
  if (told === undefined || !worthALook.test(what)) return undefined
  const there = told.Actor?.Attributes
  const found = there?.[labels.instance] === undefined ? await labelsOf(ground, told, signal) : there
  const instance = found?.[labels.instance]
  if (typeof instance !== 'string' || found?.[labels.installation] !== ground.installation) return undefined
  return { instance, what }
}

function read(line: string): Told | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

/** Asked for, where the engine does not tell them; of what is gone nobody knows. */
async function labelsOf({ engine }: Ground, { Actor, id }: Told, signal: AbortSignal) {
  const container = Actor?.ID ?? id
  if (typeof container !== 'string' || container === '') return undefined
  try {
    return (await engine.ask.getContainer(container).inspect({ abortSignal: signal })).Config.Labels
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}
