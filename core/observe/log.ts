/** The log: JSON lines by pino to stdout or a file; one readable line each for a person at a terminal in demo. @module */
import { dirname } from 'node:path'
import { type Clock, Fault, type Log } from '@labgate/contract'
import { type DestinationStream, destination, type Logger, pino } from 'pino'
import { makeFolder } from '../storage/folder.ts'
import { humanLine } from './human.ts'
import { cleanText, isPlain, redact } from './redact.ts'

/** From all to nothing. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** What is written of a finished request: more lines than of all else together. */
export interface RequestLine {
  readonly requestId: string
  readonly method: string
  /** Pattern of the route; `undefined`: none matched. */
  readonly route: string | undefined
  /** Where no route did. */
  readonly path: string | undefined
  readonly status: number
  readonly address: string
  /** Milliseconds. */
  readonly ms: number
  /** `true`: the response was not sent to its end. */
  readonly broken: true | undefined
}

/** The contract's log with a life of its own. */
export interface AppLog extends Log {
  /** The same as `info` with the message `request`, for a third of the price. */
  request(line: RequestLine): void
  /** The same log with fields added to every line. */
  child(fields: Readonly<Record<string, unknown>>): AppLog
  /** Writes out what is held; call it last. */
  flush(): void
}

/** What the log needs. */
export interface LogNeeds {
  readonly clock: Clock
  readonly level?: LogLevel
  /** Path of a file; default stdout. */
  readonly file?: string | undefined
  /** `human`: one readable line each, for demo at a terminal. Default `json`. */
  readonly style?: 'json' | 'human'
  /** Instead of stdout or a file; for tests. */
  readonly write?: (line: string) => void
}

interface Stream extends DestinationStream {
  /** Writes out what is held. */
  flush(): void
}

function openStream(needs: LogNeeds): Stream {
  if (needs.write !== undefined) return { write: needs.write, flush: () => undefined }
  // Synchronous: the lines before a crash are those that are wanted.
  try {
    if (needs.file !== undefined) makeFolder(dirname(needs.file), { mode: 0o777 })
    const out = destination({ dest: needs.file ?? 1, sync: true, mode: 0o600, maxLength: mostHeldBytes })
    return gathered(out)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Fault('ERR_CONFIG', `log.file: cannot open ${needs.file}: ${why}; choose a file that can be written`, {
      cause,
    })
  }
}

/** What a full disk does not take is held and tried again with the next line; lines beyond this are lost. */
const mostHeldBytes = 16 * 1024 * 1024

interface Out extends DestinationStream {
  flushSync(): void
  on(event: 'error' | 'write', listener: () => void): unknown
}

/** Those that hold lines. */
const holding = new Set<() => void>()
process.on('exit', () => {
  for (const release of holding) release()
})

/**
 * How long lines are gathered, in milliseconds: what a process that is killed has not written yet. Each time wakes a process, of
 * several on one machine every one: at 5 two of them needed a tenth more CPU.
 */
const gatherMs = 25

/** Lines of a moment are written together, at its end, when the process ends, or when one of them says that something went wrong. */
function gathered(out: Out): Stream {
  let held = ''
  let isStuck = false
  // Unheard, it would end the process.
  out.on('error', () => {
    isStuck = true
  })
  out.on('write', () => {
    isStuck = false
  })
  const release = () => {
    const lines = held
    held = ''
    holding.delete(release)
    if (lines !== '') out.write(lines)
  }
  return {
    flush() {
      release()
      // It would not come back before there is room.
      if (!isStuck) out.flushSync()
    },
    write(line) {
      if (held === '') {
        holding.add(release)
        setTimeout(release, gatherMs).unref()
      }
      held += line
    },
  }
}

function styled(stream: Stream, style: 'json' | 'human'): Stream {
  return style === 'json' ? stream : { ...stream, write: (line) => stream.write(humanLine(line)) }
}

/** Writes a request's line without pino; `false`: this is none that it can write. */
type QuickRequest = (line: RequestLine) => boolean

function wrap(logger: Logger, { flush }: Stream, quick?: QuickRequest): AppLog {
  type Fields = Readonly<Record<string, unknown>>
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: Fields, message: string) => {
    if (logger.isLevelEnabled(level)) logger[level](redact(fields), cleanText(message))
  }
  const info = at('info')
  const aloud = (level: 'warn' | 'error') => {
    const say = at(level)
    return (fields: Fields, message: string) => {
      say(fields, message)
      flush()
    }
  }
  return {
    debug: at('debug'),
    info,
    request(line) {
      if (logger.isLevelEnabled('info') && !quick?.(line)) info({ ...line }, 'request')
    },
    warn: aloud('warn'),
    error: aloud('error'),
    child: (fields) => wrap(logger.child(redact(fields)), { flush, write: () => undefined }),
    flush,
  }
}

/**
 * A writer of requests' lines. What is the same for all of one route, and for all of one millisecond, is put together once, in one
 * piece: a text of many parts costs as much again when it is written.
 */
function quickRequest({ write }: Stream, time: () => string): QuickRequest {
  const routes = new Map<string, { readonly method: string; readonly status: number; readonly text: string }>()
  const textOf = (route: string, method: string, status: number) => {
    const known = routes.get(route)
    if (known?.method === method && known.status === status) return known.text
    if (!isPlain('method', method) || !isPlain('route', route)) return undefined
    const text = ['","method":"', method, '","route":"', route, '","status":', status, ',"address":"'].join('')
    // Patterns are few.
    routes.set(route, { method, status, text })
    return text
  }
  let last = { time: '', head: '' }
  return ({ requestId, method, route, path, status, address, ms, broken }) => {
    const text = route === undefined ? undefined : textOf(route, method, status)
    if (text === undefined || path !== undefined || broken || !isPlain('address', address)) return false
    if (!isPlain('requestId', requestId) || !isPlain('ms', ms)) return false
    const now = time()
    if (now !== last.time) last = { time: now, head: ['{"level":"info"', now, ',"requestId":"'].join('') }
    write(`${last.head}${requestId}${text}${address}","ms":${ms},"message":"request"}\n`)
    return true
  }
}

/** The part of a line that says when; lines of one millisecond have one. */
function timeOf(clock: Clock): () => string {
  let last = Number.NaN
  let text = ''
  return () => {
    const now = clock.now().getTime()
    if (now !== last) text = `,"time":"${new Date(now).toISOString()}"`
    last = now
    return text
  }
}

/** Opens the log. Every field and message passes `redact` before it is written. */
export function createLog(needs: LogNeeds): AppLog {
  const stream = styled(openStream(needs), needs.style ?? 'json')
  const level = needs.level ?? 'info'
  const timestamp = timeOf(needs.clock)
  const logger = pino(
    {
      level,
      base: null,
      timestamp,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'message',
    },
    stream,
  )
  return wrap(logger, stream, quickRequest(stream, timestamp))
}
