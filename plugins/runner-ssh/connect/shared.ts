/** One connection that many share: made when it is first needed, again when it was lost, ended when nobody used it for a while. @module */
import type { SshHost } from './config.ts'
import { type Connection, connect } from './connect.ts'
import { sshFault, troubleOf } from './trouble.ts'

/**
 * How many commands and file channels a connection carries at once; tunnels are not counted. OpenSSH allows ten
 * (`MaxSessions`), and counts one that has ended until it has read all that came with its end, which may be the next
 * ones: half as many never meet the limit.
 */
export const sessionsAtOnce = 5

/** How a shared connection lives. */
export interface SharedOptions {
  /** Seconds without use after which it is ended; default 60. */
  readonly idleSeconds?: number
}

/** A host, connected to when needed. */
export interface SharedConnection {
  /**
   * Runs `work` with the connection. Any number of callers wait for one attempt to connect; when it fails, all of them are
   * told, and the next call tries anew. Work is never repeated: whether it may be is the caller's to know.
   */
  use<T>(
    work: (connection: Connection) => Promise<T>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<T>
  /** Ends the connection and gives up a pending attempt; `use` rejects from then on. */
  close(): Promise<void>
}

/** Shares connections to one host. Opens nothing before the first use. */
export function sharedConnection(host: SshHost, { idleSeconds = 60 }: SharedOptions = {}): SharedConnection {
  const closing = new AbortController()
  const at = `${host.user}@${host.host}:${host.port}`
  let current: Promise<Connection> | undefined
  let users = 0
  let idle: NodeJS.Timeout | undefined

  const forget = (attempt: Promise<Connection>): void => {
    if (current === attempt) current = undefined
  }
  const connection = (): Promise<Connection> => {
    if (current) return current
    const attempt = connect(host, { signal: closing.signal })
    current = attempt
    attempt.then(
      ({ over }) => over.addEventListener('abort', () => forget(attempt), { once: true }),
      () => forget(attempt),
    )
    return attempt
  }
  const endCurrent = async (): Promise<void> => {
    const attempt = current
    current = undefined
    await attempt?.then((made) => made.end(), toldOthers)
  }
  const release = (): void => {
    users -= 1
    if (users > 0) return
    idle = setTimeout(() => void endCurrent(), idleSeconds * 1000)
    idle.unref()
  }

  return {
    async use(work, { signal } = {}) {
      if (closing.signal.aborted)
        throw sshFault(at, 'aborted', { message: 'it is not used any more: Labgate is stopping' })
      clearTimeout(idle)
      users += 1
      const attempt = connection()
      try {
        return await work(await unless(signal, attempt, at))
      } catch (error) {
        // A host that does not answer may be behind a connection that is dead without knowing it.
        if (troubleOf(error) === 'timeout') {
          forget(attempt)
          attempt.then((made) => made.end(), toldOthers)
        }
        throw error
      } finally {
        release()
      }
    },
    async close() {
      closing.abort()
      clearTimeout(idle)
      await endCurrent()
    },
  }
}

function unless<T>(signal: AbortSignal | undefined, work: Promise<T>, at: string): Promise<T> {
  if (!signal) return work
  const { promise, reject } = Promise.withResolvers<never>()
  const gaveUp = (): void =>
    reject(sshFault(at, 'aborted', { message: 'given up by whoever asked', cause: signal.reason }))
  signal.addEventListener('abort', gaveUp, { once: true })
  if (signal.aborted) gaveUp()
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', gaveUp))
}

function toldOthers(): void {
  // a failed attempt was told to those who waited for it
}
