/**
 * Listens to places that tell of their own accord when something has ended, so that it is looked at at once. Nothing
 * depends on it: what is not heard, the next look finds.
 * @module
 */
import type { Json, Runner } from '@labgate/contract'
import type { Room } from './room.ts'
import type { Watch } from './watch.ts'

/** Before a place is listened to again: doubled each time, up to the longest. */
const firstMs = 1000
const longestMs = 60_000
/** Who was heard for so long is listened to again soon. */
const steadyMs = 60_000

/** Ears. */
export interface Hearing {
  /** Listens to the places that there are now, and to no others. */
  settle(): void
  stop(): Promise<void>
}

interface Ear {
  readonly leaving: AbortController
  readonly done: Promise<void>
}

/** Makes them; they are deaf until they are settled. */
export function createHearing(room: Pick<Room, 'places' | 'log'>, watch: Pick<Watch, 'lookAt'>): Hearing {
  const ears = new Map<Runner<Json>, Ear>()
  const stopAll = (gone: readonly Ear[]) => {
    for (const { leaving } of gone) leaving.abort()
  }
  return {
    settle() {
      const all = room.places.all()
      for (const [runner, ear] of ears) {
        if (all.some((place) => place.runner === runner)) continue
        stopAll([ear])
        ears.delete(runner)
      }
      for (const { id, runner } of all) {
        if (runner.watch === undefined || ears.has(runner)) continue
        const leaving = new AbortController()
        ears.set(runner, { leaving, done: listen({ room, watch, id, runner }, leaving.signal) })
      }
    },
    async stop() {
      const all = [...ears.values()]
      ears.clear()
      stopAll(all)
      await Promise.all(all.map(({ done }) => done))
    },
  }
}

interface Listening {
  readonly room: Pick<Room, 'log'>
  readonly watch: Pick<Watch, 'lookAt'>
  readonly id: string
  readonly runner: Runner<Json>
}

async function listen({ room, watch, id, runner }: Listening, signal: AbortSignal): Promise<void> {
  let pause = firstMs
  while (!signal.aborted) {
    const since = performance.now()
    try {
      for await (const { instance } of runner.watch?.(signal) ?? []) {
        if (signal.aborted) return
        await watch.lookAt(instance, id).catch((error: unknown) => {
          room.log.error({ workspace: instance, err: error }, 'the look at a workspace failed')
        })
      }
    } catch (error) {
      if (!signal.aborted) room.log.debug({ runner: id, err: error }, 'a runner tells nothing of its own accord now')
    }
    pause = performance.now() - since > steadyMs ? firstMs : Math.min(pause * 2, longestMs)
    await rest(pause, signal)
  }
}

/** Ends early, without a word, when it is left; keeps no process alive. */
function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', over)
      resolve()
    }
    const timer = setTimeout(over, ms).unref()
    signal.addEventListener('abort', over, { once: true })
  })
}
