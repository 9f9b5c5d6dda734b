/** The log: JSON lines by pino to stdout or a file; one readable line each for a person at a terminal in demo. @module */
import type { Clock, Log } from '@labgate/contract'
import { type DestinationStream, destination, type Logger, pino } from 'pino'
import { humanLine } from './human.ts'
import { cleanText, redact } from './redact.ts'

/** From all to nothing. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** The contract's log with a life of its own. */
export interface AppLog extends Log {
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

function openStream(needs: LogNeeds): DestinationStream & { flushSync?(): void } {
  if (needs.write !== undefined) return { write: needs.write }
  // Synchronous: the lines before a crash are those that are wanted.
  return destination({ dest: needs.file ?? 1, mkdir: true, sync: true, mode: 0o600 })
}

function styled(stream: DestinationStream, style: 'json' | 'human'): DestinationStream {
  return style === 'json' ? stream : { write: (line) => stream.write(humanLine(line)) }
}

function wrap(logger: Logger, flush: () => void): AppLog {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') => (fields: Readonly<Record<string, unknown>>, message: string) => {
      if (logger.isLevelEnabled(level)) logger[level](redact(fields), cleanText(message))
    }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(logger.child(redact(fields)), flush),
    flush,
  }
}

/** Opens the log. Every field and message passes `redact` before it is written. */
export function createLog(needs: LogNeeds): AppLog {
  const stream = openStream(needs)
  const logger = pino(
    {
      level: needs.level ?? 'info',
      base: null,
      timestamp: () => `,"time":"${needs.clock.now().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'message',
    },
    styled(stream, needs.style ?? 'json'),
  )
  return wrap(logger, () => stream.flushSync?.())
}
