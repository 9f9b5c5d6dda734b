/**
 * The room that V8 keeps for objects that have just been made. Left alone it grows to 128 MB under load and stays so.
 * @module
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Bytes at which it grows no more: half of it takes a tenth more CPU for a sign-in, more takes only memory. */
const most = 32 * 1024 * 1024

/**
 * Bounds it from now on, unless an option of Node (`--max-semi-space-size`) says how large it is to be. Answers what looks at it
 * at once: before long work in one go, in which nothing else would.
 */
export function boundYoungSpace(options: readonly string[]): () => void {
  if (options.some((option) => option.includes('semi-space'))) return () => undefined
  // V8 takes the limit itself when it begins, but asks by what factor to grow at each collection.
  const look = () => setFlagsFromString(`--semi-space-growth-factor=${youngBytes() * 2 <= most ? 2 : 1}`)
  look()
  new PerformanceObserver(look).observe({ entryTypes: ['gc'] })
  return look
}

/** Bytes that the room for young objects has now. */
export function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0
}
