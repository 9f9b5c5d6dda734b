/** What comes and goes with every request, and has to be found when something ends. @module */

/** Things under way. */
export interface UnderWay<T> {
  /** Takes one up; what is given back lets it go, and does nothing the second time. */
  add(thing: T): () => void
  /** Those of this moment, in no order. */
  all(): T[]
}

/**
 * Makes a list of things under way. A list and no `Set` or `Map`: where things come and go all the time those leave their outgrown tables
 * behind, and each table knows the next one. Once one of them is old, all that ever stood in later ones (whole requests, with
 * what they hold) lives until the old heap is looked through, and is moved there first: that took up to a third of the CPU.
 */
export function createUnderWay<T>(): UnderWay<T> {
  const places: { readonly thing: T; at: number }[] = []
  return {
    add(thing) {
      const own = { thing, at: places.length }
      places.push(own)
      return () => {
        if (places[own.at] !== own) return
        const last = places.pop()
        if (last === undefined || last === own) return
        // The last one fills the gap.
        last.at = own.at
        places[own.at] = last
      }
    },
    all: () => places.map(({ thing }) => thing),
  }
}
