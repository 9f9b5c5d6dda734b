/**
 * One call at a time, each within a time limit: a mount whose server is gone holds a thread until it comes back, and there
 * are few threads. So it gets one, and nobody waits for it longer than the limit.
 * @module
 */
import { fileFault } from './file-system.ts'

/** Turns at a file system. */
export interface Turns {
  /**
   * Runs `work` when it is its turn. What comes after the limit goes to `late`, to be closed.
   * @throws Fault of `timeout`; at once while an earlier call is still stuck
   */
  take<T>(work: () => Promise<T>, late?: (value: T) => void): Promise<T>
}

/** Makes turns. */
export function createTurns(seconds: number): Turns {
  let last: Promise<unknown> = Promise.resolve()
  let stuck = 0
  return {
    async take(work, late) {
      if (stuck > 0) throw fileFault('timeout')
      let over = false
      // Whoever gave up while waiting does not begin.
      const mine = last.then(() => (over ? undefined : work()))
      last = mine.catch(() => undefined)
      const { promise: limit, reject } = Promise.withResolvers<never>()
      const timer = setTimeout(() => {
        over = true
        stuck += 1
        const back = (): void => {
          stuck -= 1
        }
        mine
          .then((value) => {
            if (value !== undefined) late?.(value)
          })
          .then(back, back)
        reject(fileFault('timeout'))
      }, seconds * 1000)
      try {
        // `undefined` stands for work that did not begin, and then the limit has rejected.
        return (await Promise.race([mine, limit])) as Awaited<ReturnType<typeof work>>
      } finally {
        clearTimeout(timer)
      }
    },
  }
}
