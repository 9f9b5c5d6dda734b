/**
 * The room that V8 keeps for objects that have just been made. Left alone it grows while code is loaded, to 64 MB and under load
 * to 128, and stays so.
 * @module
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Bytes at which it grows no more: half of it takes a tenth more CPU for a sign-in, more takes only memory. */
const most = 32 * 1024 * 1024

/**
 * Leaves it as small as it is until the answer is called, and bounds it from then on; unless an option of Node
 * (`--max-semi-space-size`) says how large it is to be. What a start loads is kept anyway, so that room for it to die young is lost.
 */
export function holdYoungSpace(options: readonly string[]): () => void {
  if (options.some((option) => option.includes('semi-space'))) return () => undefined
  // V8 takes the limit itself when it begins, but asks by what factor to grow at each collection.
  const growBy = (factor: 1 | 2) => setFlagsFromString(`--semi-space-growth-factor=${factor}`)
  growBy(1)
  return () => {
    const look = () => growBy(youngBytes() * 2 <= most ? 2 : 1)
    look()
    new PerformanceObserver(look).observe({ entryTypes: ['gc'] })
  }
}

/** Bytes that the room for young objects has now. */
export function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0
}
