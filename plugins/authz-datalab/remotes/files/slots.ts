/** So many at a time; the others wait their turn, or give up. A host lets only few channels be open on one connection. @module */
import { fileFault } from './file-system.ts'

/** Places for work. */
export interface Slots {
  /** @throws Fault of `aborted` when `signal` says so before there is a place */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

/** Makes `count` places. */
export function createSlots(count: number): Slots {
  let free = count
  const waiting: (() => void)[] = []
  const enter = (signal: AbortSignal): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const gaveUp = (): void => {
      const at = waiting.indexOf(enterNow)
      if (at >= 0) waiting.splice(at, 1)
      reject(fileFault('aborted', signal.reason))
    }
    const enterNow = (): void => {
      signal.removeEventListener('abort', gaveUp)
      resolve()
    }
    if (signal.aborted) return Promise.reject(fileFault('aborted', signal.reason))
    if (free > 0) {
      free -= 1
      return Promise.resolve()
    }
    waiting.push(enterNow)
    signal.addEventListener('abort', gaveUp, { once: true })
    return promise
  }
  const leave = (): void => {
    // The place goes to the next, and is free only when nobody waits.
    const next = waiting.shift()
    if (next) next()
    else free += 1
  }
  return {
    async run(signal, work) {
      await enter(signal)
      try {
        return await work()
      } finally {
        leave()
      }
    },
  }
}
