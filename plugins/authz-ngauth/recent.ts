/**
 * What was given a moment ago and may be given again as it stands: nothing new is issued by that, so nothing new is
 * written into the audit trail. Whether somebody may have it is asked at every request all the same. @module
 */
import type { Clock } from '@labgate/contract'

/** What was given within the last minute. */
export interface Recent<T> {
  /** What was given under this key, if it still fits. */
  find(key: string, fits: (given: T) => boolean): T | undefined
  /** Of what is issued call it when the line in the audit trail is on disk. */
  keep(key: string, given: T): void
}

/** How long what was given is given again, in seconds. */
export const recentSeconds = 60

/** Makes the memory of at most `size`; of what is older than it can hold, the older half goes at once. */
export function createRecent<T>(clock: Clock, size = 10_000): Recent<T> {
  type Kept = { readonly given: T; readonly at: number }
  let young = new Map<string, Kept>()
  let old = new Map<string, Kept>()
  return {
    find(key, fits) {
      const kept = young.get(key) ?? old.get(key)
      if (kept === undefined) return undefined
      const age = clock.now().getTime() - kept.at
      return age >= 0 && age < recentSeconds * 1000 && fits(kept.given) ? kept.given : undefined
    },
    keep(key, given) {
      if (young.size >= size / 2) {
        old = young
        young = new Map()
      }
      young.set(key, { given, at: clock.now().getTime() })
    },
  }
}
