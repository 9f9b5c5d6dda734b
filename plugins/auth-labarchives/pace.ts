/** Keeps calls apart: LabArchives asks its clients to leave a second between two, all of an instance together. @module */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from './config.ts'

/** Nobody waits longer than this for their turn. */
const mostMs = 20_000
const key = 'next call'

export interface Pace {
  /** Waits for a turn; `false` when too many are waiting already. */
  turn(): Promise<boolean>
  /** Ends every wait. */
  stop(): void
}

/** Turns of one instance, on however many processes: the next free moment stands in the store. */
export function paceOf({ config, store, clock }: Pick<Context, 'config' | 'store' | 'clock'>): Pace {
  let stopping: AbortController | undefined
  const reserve = () =>
    store.lock(key, async () => {
      const now = clock.now().getTime()
      const free = freeAt(Number((await store.get(key)) ?? 0), { now, intervalMs: config.minIntervalMs })
      if (free - now > mostMs) return undefined
      await store.put(key, free + config.minIntervalMs, Math.ceil((mostMs + config.minIntervalMs) / 1000))
      return free - now
    })
  return {
    async turn() {
      const waitMs = await reserve()
      if (waitMs === undefined) return false
      stopping ??= new AbortController()
      return waitMs === 0 || waited(waitMs, stopping.signal)
    },
    stop() {
      stopping?.abort()
      stopping = undefined
    },
  }
}

/** `false`: the instance was stopped meanwhile. */
async function waited(waitMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(waitMs, undefined, { signal })
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}

/** A moment further away than anybody may wait was written before the clock was set back. */
function freeAt(written: number, { now, intervalMs }: { now: number; intervalMs: number }): number {
  return written > now + mostMs + intervalMs ? now : Math.max(now, written)
}
