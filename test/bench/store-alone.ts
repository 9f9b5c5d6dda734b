/** What the store does alone, in a process that has nothing else to do: finds any of all tokens, and cleans up. @module */
import { addExpired, storageOf, tokenValue } from './large-site.ts'
import { quantile } from './measure.ts'
import type { Site } from './servers.ts'

/** How long it takes to find one of so many tokens, in milliseconds. */
export interface Lookup {
  readonly tokens: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** How many expired rows went, how many of them a second, and how long a step held the writer. */
export interface Cleanup {
  readonly rows: number
  readonly perSecond: number
  readonly p99Ms: number
  readonly worstMs: number
}

/** So many, each of its own. */
const lookups = 20_000

/** How long the store takes to find any token, in a process that has nothing else to do. */
export async function lookupsIn(site: Site, tokens: number): Promise<Lookup> {
  const storage = await storageOf(site)
  try {
    const took: number[] = []
    for (let turn = 0; turn < lookups; turn++) {
      const value = tokenValue(Math.floor(Math.random() * tokens))
      const start = performance.now()
      const found = await storage.artifacts.find('AccessToken', value)
      took.push(performance.now() - start)
      if (found === undefined) throw new Error('a token is not found')
    }
    return { tokens, p50Ms: quantile(took, 0.5), p99Ms: quantile(took, 0.99) }
  } finally {
    await storage.close()
  }
}

/** So many tokens that have expired are laid among those of a place; then they go, in steps: how long each holds the writer. */
export async function cleaningUp(
  site: Site,
  { people, expired }: { people: number; expired: number },
): Promise<Cleanup> {
  const took: number[] = []
  let start = 0
  let heldMs = 0
  const storage = await storageOf(site, {
    pause(point) {
      if (point === 'before-cleanup-step') start = performance.now()
      if (point === 'after-cleanup-step') heldMs += performance.now() - start
    },
  })
  try {
    await addExpired(storage, { people, count: expired })
    let rows = 0
    const began = performance.now()
    for (let gone = -1; gone !== 0; rows += gone) {
      heldMs = 0
      gone = await storage.cleaner.step()
      // All tables of it together: those with nothing to delete are no steps of their own.
      if (gone > 0) took.push(heldMs)
    }
    const seconds = (performance.now() - began) / 1000
    return { rows, perSecond: rows / seconds, p99Ms: quantile(took, 0.99), worstMs: Math.max(...took) }
  } finally {
    await storage.close()
  }
}
