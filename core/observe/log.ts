/** The log: JSON lines by pino to stdout or a file; one readable line each for a person at a terminal in demo. @module */
import { type Clock, Fault, type Log } from '@labgate/contract'
import { type DestinationStream, destination, type Logger, pino } from 'pino'
import { humanLine } from './human.ts'
import { arePlain, cleanText, isPlain, redact } from './redact.ts'

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
    const out = destination({ dest: needs.file ?? 1, mkdir: true, sync: true, mode: 0o600, maxLength: mostHeldBytes })
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

/** How long lines are gathered, in milliseconds: what a process that is killed has not written yet. */
const gatherMs = 5

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

type Fields = Readonly<Record<string, unknown>>

/** Writes lines without pino; `false`: this is none that it can write. */
interface Quick {
  info(fields: Fields, message: string): boolean
  request(line: RequestLine): boolean
}

function wrap(logger: Logger, { flush }: Stream, quick?: Quick): AppLog {
  const at = (level: 'debug' | 'info') => (fields: Fields, message: string) => {
    if (!logger.isLevelEnabled(level) || (level === 'info' && quick?.info(fields, message))) return
    logger[level](redact(fields), cleanText(message))
  }
  const info = at('info')
  const aloud = (level: 'warn' | 'error') => (fields: Fields, message: string) => {
    if (!logger.isLevelEnabled(level)) return
    logger[level](redact(fields), cleanText(message))
    flush()
  }
  return {
    debug: at('debug'),
    info,
    request(line) {
      if (!logger.isLevelEnabled('info') || quick?.request(line)) return
      info({ ...line }, 'request')
    },
    warn: aloud('warn'),
    error: aloud('error'),
    child: (fields) => wrap(logger.child(redact(fields)), { flush, write: () => undefined }),
    flush,
  }
}

/**
 * A writer of lines whose fields are numbers, switches and words without a sign that JSON escapes or a rule of `redact` is
 * about, as nearly all are; `false`: this is none.
 */
function quickInfo({ write }: Stream, time: () => string): Quick['info'] {
  return (fields, message) => {
    let line = `{"level":"info"${time()}`
    for (const name in fields) {
      const value = fields[name]
      if (value === undefined) continue
      const written = isPlain(name, value) ? plainText(value) : nestedText(name, value)
      if (written === undefined) return false
      line += `,"${name}":${written}`
    }
    if (!isPlain('message', message)) return false
    write(`${line},"message":"${message}"}\n`)
    return true
  }
}

/**
 * A writer of requests' lines. What is the same for all of one route, and for all of one millisecond, is put together once, in one
 * piece: a text of many parts costs as much again when it is written.
 */
function quickRequest({ write }: Stream, time: () => string): Quick['request'] {
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

function plainText(value: string | number | boolean): string {
  return typeof value === 'string' ? `"${value}"` : String(value)
}

/** One level of plain fields, as the trail's lines have; `undefined`: it is something else. */
function nestedText(name: string, value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return undefined
  const inner = value as Fields
  if (!isPlain(name, true) || !arePlain(inner)) return undefined
  let text = ''
  for (const key in inner)
    text += `${text === '' ? '' : ','}"${key}":${plainText(inner[key] as string | number | boolean)}`
  return `{${text}}`
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
  return wrap(logger, stream, { info: quickInfo(stream, timestamp), request: quickRequest(stream, timestamp) })
}
