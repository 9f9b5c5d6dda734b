/**
 * What a start leaves behind is given back once it is over, and the heap grows less from then on. V8 alone does neither: it
 * looks at what became old only when that has grown by a multiple, and keeps the room that loading modules took.
 * @module
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** By how many per cent of what lives the heap may grow until V8 looks at all of it; left alone it is up to three hundred. */
const growth = 50

/**
 * An ordinary collection, after which V8 gives free pages back within ten seconds. The one that gives them back at once (`last-resort`)
 * throws away what was learnt of the code, too, and everything ran a tenth slower for good.
 */
const ordinary = { type: 'major', execution: 'sync' } as const

type CollectGarbage = (how: typeof ordinary) => void

/** Does both now, in some hundredths of a second in one go. */
export function settle(options: readonly string[]): void {
  setFlagsFromString('--expose-gc')
  // The flag counts for what is made from now on: another global object has the function.
  const collect = runInNewContext('gc') as CollectGarbage
  setFlagsFromString('--no-expose-gc')
  for (const flag of boundsOf(options)) setFlagsFromString(flag)
  collect(ordinary)
}

/** The flags that bound the growth; none where an option of Node says more (`--heap-growing-percent`). */
export function boundsOf(options: readonly string[]): readonly string[] {
  const isSaid = options.some((option) => option.includes('heap-growing-percent'))
  return isSaid ? [] : [`--heap-growing-percent=${growth}`]
}
