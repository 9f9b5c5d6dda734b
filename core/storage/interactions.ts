/**
 * Interaction records live in memory and reach the database a second or two after their last change, so that a
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
  keep(entry: ArtifactEntry): void
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
export function createInteractions({
  rows,
  writer,
  log,
  limit = 20_000,
  intervalMs = 1_000,
}: InteractionNeeds): Interactions {
  const held = new Map<string, Held>()
  // Two generations: a pass writes what has rested for one whole interval at least.
  let fresh = new Set<string>()
  let aging = new Set<string>()
  let makingRoom = false
  let timer: NodeJS.Timeout | undefined

  const write = async (keys: ReadonlySet<string>) => {
    const entries = [...keys].flatMap((key) => held.get(key)?.entry ?? [])
    if (entries.length === 0) {
      return
    }
    const pairs = entries.map((entry) => ({ entry, sealed: rows.seal(entry) }))
    await writer.run(() => {
      for (const { entry, sealed } of pairs) {
        // Forgotten or rewritten since: the one is not to come back, the other has its own turn.
        if (held.get(entry.key)?.entry === entry) {
          rows.put(sealed)
          held.set(entry.key, { entry, written: true, stored: true })
        }
      }
    })
  }

  const writeOrKeep = async (keys: ReadonlySet<string>) => {
    try {
      await write(keys)
    } catch (error) {
      fresh = fresh.union(keys)
      log.warn({ error, records: keys.size }, 'sign-ins in progress could not be written; trying again')
    }
  }

  const arm = () => {
    timer ??= setTimeout(pass, intervalMs).unref()
  }

  const pass = async () => {
    const due = aging
    aging = fresh
    fresh = new Set()
    await writeOrKeep(due)
    timer = undefined
    if (fresh.size + aging.size > 0) {
      arm()
    }
  }

  const trim = () => {
    for (const [key, { written }] of held) {
      if (held.size <= limit) {
        return
      }
      if (written) {
        held.delete(key)
      }
    }
  }

  const takeDirty = () => {
    const dirty = fresh.union(aging)
    fresh = new Set()
    aging = new Set()
    return dirty
  }

  const makeRoom = async () => {
    if (makingRoom) {
      return
    }
    makingRoom = true
    await writeOrKeep(takeDirty())
    trim()
    makingRoom = false
  }

  return {
    get: (key) => held.get(key)?.entry ?? rows.get(key),
    keep: (entry) => {
      const stored = held.get(entry.key)?.stored ?? false
      held.delete(entry.key)
      held.set(entry.key, { entry, written: false, stored })
      aging.delete(entry.key)
      fresh.add(entry.key)
      if (held.size > limit) {
        void makeRoom()
      }
      arm()
    },
    mayBeStored: (key) => held.get(key)?.stored ?? true,
    forget: (key) => {
      held.delete(key)
      fresh.delete(key)
      aging.delete(key)
    },
    keysWhere: (test) => [...held].filter(([, { entry }]) => test(entry)).map(([key]) => key),
    flush: () => write(takeDirty()),
    close: async () => {
      clearTimeout(timer)
      await write(takeDirty())
    },
  }
}
