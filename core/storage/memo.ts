/** What was made for a key and may be given again while it fits. Of what was not asked for lately, the older half goes at once. @module */

/** A bounded memory. */
export interface Memo<T> {
  /** What is kept under `key`, if it still fits. */
  peek(key: string, fits: (kept: T) => boolean): T | undefined
  /** Keeps it in the place of what was there. */
  keep(key: string, value: T): T
  /** What is kept under `key`, if it still fits; else what `make` gives, kept in its place. */
  get(key: string, how: { fits(kept: T): boolean; make(): T }): T
}

/** Makes a memory of at most `size` entries; what is among the `size / 2` asked for last is never lost. */
export function createMemo<T>(size: number): Memo<T> {
  // Two maps and not one in order of use: taking out and putting in again at each look would cost more than the look.
  let young = new Map<string, T>()
  let old = new Map<string, T>()
  const keep = (key: string, value: T): T => {
    if (young.size >= size / 2) {
      old = young
      young = new Map()
    }
    young.set(key, value)
    return value
  }
  const peek: Memo<T>['peek'] = (key, fits) => {
    const recent = young.get(key)
    if (recent !== undefined) return fits(recent) ? recent : undefined
    const kept = old.get(key)
    return kept !== undefined && fits(kept) ? keep(key, kept) : undefined
  }
  return { peek, keep, get: (key, { fits, make }) => peek(key, fits) ?? keep(key, make()) }
}

/** Freezes plain data through and through: it is handed to many. */
export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !(value instanceof Date) && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) frozen(part)
  }
  return value
}
