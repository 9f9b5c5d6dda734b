/** A store in memory with the promises of the real one: expiry, one taker, one holder of a lock. @module */
import type { Clock, Json, Store } from '@labgate/contract'

/** A store whose contents a test may look at. */
export interface MemoryStore extends Store {
  /** Everything that is alive, sorted by key. */
  entries(): readonly (readonly [string, Json])[]
  /** Every value that was ever put, as a dump of the database over time would show it. */
  readonly history: readonly Json[]
}

interface Row {
  readonly value: Json
  readonly ends: number
}

/** An empty store that forgets by `clock`. */
export function memoryStore(clock: Clock): MemoryStore {
  const rows = new Map<string, Row>()
  const history: Json[] = []
  const locks = new Map<string, Promise<unknown>>()
  const live = (key: string) => {
    const row = rows.get(key)
    return row !== undefined && row.ends > clock.now().getTime() ? row : undefined
  }
  const write = (key: string, value: Json, ends: number) => {
    rows.set(key, { value: copy(value), ends })
    history.push(copy(value))
  }
  const endOf = (ttlSeconds: number) => {
    if (!(ttlSeconds > 0)) throw new TypeError(`\`ttlSeconds\` must be a positive number, got ${ttlSeconds}`)
    return clock.now().getTime() + ttlSeconds * 1000
  }
  return {
    history,
    entries: () =>
      [...rows.keys()].toSorted().flatMap((key) => {
        const row = live(key)
        return row === undefined ? [] : [[key, row.value] as const]
      }),
    get: async (key) => copy(live(key)?.value),
    put: async (key, value, ttlSeconds) => write(key, value, endOf(ttlSeconds)),
    async take(key) {
      const row = live(key)
      rows.delete(key)
      return row?.value
    },
    async delete(key) {
      rows.delete(key)
    },
    async once(key, ttlSeconds) {
      if (live(key) !== undefined) return false
      write(key, true, endOf(ttlSeconds))
      return true
    },
    async count(key, ttlSeconds) {
      const row = live(key)
      const sum = Number(row?.value ?? 0) + 1
      write(key, sum, row?.ends ?? endOf(ttlSeconds))
      return sum
    },
    async lock(key, work) {
      const before = locks.get(key)
      const mine = (before ?? Promise.resolve()).then(work, work)
      locks.set(key, mine)
      return mine
    },
  }
}

// What comes back is a copy, as from a database: changing it changes nothing stored.
function copy<T extends Json | undefined>(value: T): T {
  return value === undefined ? value : structuredClone(value)
}
