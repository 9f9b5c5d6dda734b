/** What every piece of work over a connection stands on: it ends with the connection, with the time, or with whoever asked. @module */
import { sshFault } from './trouble.ts'

/** The connection as its parts see it. */
export interface Ground {
  readonly at: string
  readonly over: AbortSignal
}

/** How long work may take. */
export interface Limits {
  readonly signal?: AbortSignal | undefined
  readonly timeoutSeconds?: number | undefined
}

/** Seconds that one answer may take unless somebody says otherwise. */
export const answerSeconds = 20

/**
 * A promise of one answer. `start` may throw, as ssh2 does on a closed connection.
 * @throws Fault of `lost`, `timeout`, `aborted`, or whatever `start` rejects with
 */
export function within<T>(
  { at, over }: Ground,
  { signal, timeoutSeconds = answerSeconds }: Limits,
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const lost = (): void => reject(over.reason)
  const gaveUp = (): void =>
    reject(sshFault(at, 'aborted', { message: 'given up by whoever asked', cause: signal?.reason }))
  const timer = setTimeout(
    () => reject(sshFault(at, 'timeout', { message: `no answer within ${timeoutSeconds} s` })),
    timeoutSeconds * 1000,
  )
  over.addEventListener('abort', lost, { once: true })
  signal?.addEventListener('abort', gaveUp, { once: true })
  if (over.aborted) lost()
  else if (signal?.aborted) gaveUp()
  else
    try {
      start(resolve, reject)
    } catch (error) {
      reject(sshFault(at, 'lost', { message: 'the connection is closed', cause: error }))
    }
  return promise.finally(() => {
    clearTimeout(timer)
    over.removeEventListener('abort', lost)
    signal?.removeEventListener('abort', gaveUp)
  })
}
