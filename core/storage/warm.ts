/** Answers that are given again as long as nothing at all was written and time has turned nothing: without a single read. @module */
import { createMemo } from './memo.ts'
import type { Storage } from './shape.ts'

/** An answer, and until when time alone leaves it right, in milliseconds since 1970. */
export interface Lasting<T> {
  readonly value: T
  readonly until: number
}

/** Answers by what was asked. */
export interface Warm<T> {
  /** What is known, or what `read` gives, which must stand on nothing but what is stored and the time `now`. */
  get(key: string, now: number, read: () => Promise<Lasting<T>>): Promise<T>
}

/** Makes the memory of at most `size` answers. Where the storage cannot say that nothing was written, each is read. */
export function createWarm<T>(storage: Pick<Storage, 'generation'>, size = 10_000): Warm<T> {
  const memo = createMemo<Lasting<T> & { readonly seen: number; readonly from: number }>(size)
  return {
    async get(key, now, read) {
      // Before the read: what is written in between is read again at the next look.
      const seen = storage.generation()
      const known = memo.peek(key, (one) => one.seen === seen && one.from <= now && now < one.until)
      if (known !== undefined) return known.value
      return memo.keep(key, { ...(await read()), seen, from: now }).value
    },
  }
}
