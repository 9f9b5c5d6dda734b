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

/** How a memory is made. */
export interface MemoOptions {
  /**
   * What comes into a full memory: everything (`first`), or only what is asked for again (`second`). Then those who are asked for
   * once, however many, push out nobody, and cost nothing to move about and throw away, which is more than many an answer costs.
   */
  readonly keepsAt?: 'first' | 'second'
}

/** Makes a memory of at most `size` entries; what is among the `size / 2` asked for last is never lost. */
export function createMemo<T>(size: number, { keepsAt = 'first' }: MemoOptions = {}): Memo<T> {
  // Two maps and not one in order of use: taking out and putting in again at each look would cost more than the look.
  let young = new Map<string, T>()
  let old = new Map<string, T>()
  const cameBefore = keepsAt === 'second' ? createDoorkeeper(size / 2) : () => true
  const put = (key: string, value: T): T => {
    if (young.size >= size / 2) {
      old = young
      young = new Map()
    }
    young.set(key, value)
    return value
  }
  const keep = (key: string, value: T): T => {
    const hasRoom = old.size === 0 || young.has(key) || old.has(key)
    return hasRoom || cameBefore(key) ? put(key, value) : value
  }
  const peek: Memo<T>['peek'] = (key, fits) => {
    const recent = young.get(key)
    if (recent !== undefined) return fits(recent) ? recent : undefined
    const kept = old.get(key)
    return kept !== undefined && fits(kept) ? put(key, kept) : undefined
  }
  return { peek, keep, get: (key, { fits, make }) => peek(key, fits) ?? keep(key, make()) }
}

/**
 * Says whether a key came before, as well as a fixed number of slots can: a wrong yes keeps something early, a wrong no late.
 * The doorkeeper of TinyLFU (arxiv.org/abs/1512.00727).
 */
function createDoorkeeper(most: number): (key: string) => boolean {
  const slots = new Int32Array(2 ** Math.max(0, Math.floor(Math.log2(most))))
  return (key) => {
    const hash = fnv1a(key)
    const slot = hash & (slots.length - 1)
    const came = slots[slot] === hash
    slots[slot] = hash
    return came
  }
}

/** FNV-1a of 32 bits, over UTF-16 units instead of bytes (isthe.com/chongo/tech/comp/fnv): it only spreads keys over slots. */
function fnv1a(key: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  return hash | 0
}

/** Freezes plain data through and through: it is handed to many. */
export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !(value instanceof Date) && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) frozen(part)
  }
  return value
}
