/** Time by hand. @module */
import type { Clock } from '@labgate/contract'

/** A clock that stands still until it is told to move. */
export interface ManualClock extends Clock {
  advance(seconds: number): void
}

/** A clock that stands at `start`, by default at the beginning of 2030. */
export function manualClock(start: Date = new Date('2030-01-01T00:00:00Z')): ManualClock {
  let now = start.getTime()
  return {
    now: () => new Date(now),
    advance(seconds) {
      now += seconds * 1000
    },
  }
}
