/**
 * Records of sign-ins in progress live in memory and reach the database a second or two after their last change, so that a
 * sign-in that is over by then never costs a write. A crash may cost a sign-in in progress, never a wrong result.
 * @module
 */
import type { Log } from '@labgate/contract'
import type { ArtifactEntry, ArtifactRows } from './artifact-rows.ts'
import type { Writer } from './writer.ts'

/** The records of sign-ins in progress. */
export interface Interactions {
  /** From memory, else from the database. */
  get(key: string): ArtifactEntry | undefined
  /** `isNew`: nobody has it, as the caller has just seen. */
  keep(entry: ArtifactEntry, options?: { readonly isNew: boolean }): void
  /** Whether the database may hold it, so that deleting it must reach the database. */
  mayBeStored(key: string): boolean
  /** Forgets it in memory only. */
  forget(key: string): void
  /** Keys in memory whose entry satisfies the test. */
  keysWhere(test: (entry: ArtifactEntry) => boolean): string[]
  /** Writes what is not yet in the database, now. */
  flush(): Promise<void>
  /** Writes at once and stops the timer. */
  close(): Promise<void>
}

interface Held {
  readonly entry: ArtifactEntry
  /** The database has exactly this. */
  readonly written: boolean
  /** The database has this or an older state of it. */
  readonly stored: boolean
}

export interface InteractionNeeds {
  readonly rows: ArtifactRows
  readonly writer: Writer
  readonly log: Log
  /** Most records in memory; beyond it the oldest stored ones leave. Default 20,000. */
  readonly limit?: number
  /** Milliseconds between write-behind passes. Default 1,000. */
  readonly intervalMs?: number
}

/** Makes the map and its write-behind. */
export function createInteractions(needs: InteractionNeeds): Interactions {
  return new WriteBehind(needs)
}

class WriteBehind implements Interactions {
  readonly #rows: ArtifactRows
  readonly #writer: Writer
  readonly #log: Log
  readonly #limit: number
  readonly #intervalMs: number
  readonly #held = new Map<string, Held>()
  // Two generations: a pass writes what has rested for one whole interval at least.
  #fresh = new Set<string>()
  #aging = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #makingRoom = false

  constructor({ rows, writer, log, limit = 20_000, intervalMs = 1_000 }: InteractionNeeds) {
    this.#rows = rows
    this.#writer = writer
    this.#log = log
    this.#limit = limit
    this.#intervalMs = intervalMs
  }

  get(key: string): ArtifactEntry | undefined {
    return this.#held.get(key)?.entry ?? this.#rows.get(key)
  }

  keep(entry: ArtifactEntry, { isNew } = { isNew: false }): void {
    const { key } = entry
    // What is not in memory may have been written before a restart.
    const stored = this.#held.get(key)?.stored ?? (!isNew && this.#rows.get(key) !== undefined)
    this.#held.delete(key)
    this.#held.set(key, { entry, written: entry.consumedAt !== undefined, stored })
    this.#aging.delete(key)
    this.#fresh.delete(key)
    // Consumed, it only answers a second use; where it is stored, the mark of its use is stored with it.
    if (entry.consumedAt === undefined) {
      this.#fresh.add(key)
    }
    if (this.#held.size > this.#limit) {
      void this.#makeRoom()
    }
    this.#arm()
  }

  mayBeStored(key: string): boolean {
    return this.#held.get(key)?.stored ?? true
  }

  forget(key: string): void {
    this.#held.delete(key)
    this.#fresh.delete(key)
    this.#aging.delete(key)
  }

  keysWhere(test: (entry: ArtifactEntry) => boolean): string[] {
    return [...this.#held].filter(([, { entry }]) => test(entry)).map(([key]) => key)
  }

  flush(): Promise<void> {
    return this.#write(this.#takeDirty())
  }

  close(): Promise<void> {
    clearTimeout(this.#timer)
    return this.#writeOrKeep(this.#takeDirty())
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => void this.#pass(), this.#intervalMs).unref()
  }

  async #pass(): Promise<void> {
    const due = this.#aging
    this.#aging = this.#fresh
    this.#fresh = new Set()
    this.#timer = undefined
    await this.#writeOrKeep(due)
    if (this.#fresh.size + this.#aging.size > 0) {
      this.#arm()
    }
  }

  async #makeRoom(): Promise<void> {
    if (this.#makingRoom) {
      return
    }
    this.#makingRoom = true
    await this.#writeOrKeep(this.#takeDirty())
    for (const [key, { written }] of this.#held) {
      if (this.#held.size > this.#limit && written) {
        this.#held.delete(key)
      }
    }
    this.#makingRoom = false
  }

  #takeDirty(): Set<string> {
    const dirty = new Set([...this.#fresh, ...this.#aging])
    this.#fresh = new Set()
    this.#aging = new Set()
    return dirty
  }

  async #writeOrKeep(keys: ReadonlySet<string>): Promise<void> {
    try {
      await this.#write(keys)
    } catch (error) {
      this.#fresh = new Set([...this.#fresh, ...keys])
      this.#log.warn({ error, records: keys.size }, 'sign-ins in progress could not be written; trying again')
    }
  }

  async #write(keys: ReadonlySet<string>): Promise<void> {
    const entries = [...keys].flatMap((key) => this.#held.get(key)?.entry ?? [])
    if (entries.length === 0) {
      return
    }
    const pairs = entries.map((entry) => ({ entry, sealed: this.#rows.seal(entry) }))
    const store = () => {
      // Forgotten or rewritten since: the one is not to come back, the other has its own turn.
      const same = pairs.filter(({ entry }) => this.#held.get(entry.key)?.entry === entry)
      this.#rows.put(same.map(({ sealed }) => sealed))
      for (const { entry } of same) this.#held.set(entry.key, { entry, written: true, stored: true })
    }
    await this.#writer.run(store, { quiet: true })
  }
}
