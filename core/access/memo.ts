/** What was made for a key and may be given again while it fits. The least lately used goes first. @module */

/** A bounded memory. */
export interface Memo<T> {
  /** What is kept under `key`, if it still fits; else what `make` gives, kept in its place. */
  get(key: string, how: { fits(kept: T): boolean; make(): T }): T
}

/** Makes a memory of at most `size` entries. */
export function createMemo<T>(size: number): Memo<T> {
  const entries = new Map<string, T>()
  return {
    get(key, { fits, make }) {
      const kept = entries.get(key)
      const value = kept !== undefined && fits(kept) ? kept : make()
      // A map keeps the order of insertion: the first one is the one not used for longest.
      entries.delete(key)
      entries.set(key, value)
      for (const oldest of entries.keys()) {
        if (entries.size <= size) break
        entries.delete(oldest)
      }
      return value
    },
  }
}

/** Freezes plain data through and through: it is handed to many. */
export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !(value instanceof Date) && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) frozen(part)
  }
  return value
}
