/** Bounds on what runners are waited for: one that hangs must hold up neither a stop nor everybody else's workspace. @module */
import { launchFault } from '@labgate/contract'

/** How long a wait may be. */
export interface Bounds {
  readonly seconds: number
  readonly signal?: AbortSignal
}

/**
 * Waits for work, no longer than said and no longer than the signal lets; what becomes of it later is nobody's concern.
 * @throws Fault ERR_LAUNCH (unreachable) after `seconds`; the signal's reason
 */
export function within<T>(work: Promise<T>, { seconds, signal }: Bounds): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => done(() => reject(signal?.reason))
    const timer = setTimeout(() => done(() => reject(slow(seconds))), seconds * 1000)
    const done = (end: () => void) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      end()
    }
    work.then(
      (value) => done(() => resolve(value)),
      (error: unknown) => done(() => reject(error)),
    )
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}

function slow(seconds: number) {
  return launchFault('unreachable', `The place where this runs did not answer within ${seconds} seconds.`, {
    retryable: true,
  })
}
