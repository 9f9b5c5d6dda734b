/**
 * The container: one instance of each service, made when first asked for, replaceable in a test. The only file
 * that knows tsyringe; everything else takes plain arguments.
 * @module
 */
import 'reflect-metadata'
import { container, instanceCachingFactory } from 'tsyringe'

/** A typed face over the container: `Map` names every service and its type. */
export interface Services<Map extends object> {
  /** How a service is made; it may ask for others. The first registration wins, so that a test's comes before. */
  offer<K extends keyof Map & string>(name: K, make: (get: Get<Map>) => Map[K]): void
  readonly get: Get<Map>
}

type Get<Map extends object> = <K extends keyof Map & string>(name: K) => Map[K]

/**
 * A container of its own, with what a test puts in place of the real thing. What it was not offered comes from `below`,
 * which outlives it.
 */
export function createServices<Map extends object>(replaced: Partial<Map> = {}, below?: Services<Map>): Services<Map> {
  const own = container.createChildContainer()
  const making: string[] = []
  for (const [name, value] of Object.entries(replaced)) if (value !== undefined) own.registerInstance(name, value)
  const get = (name: string): never => {
    if (below !== undefined && !own.isRegistered(name)) return below.get(name as keyof Map & string) as never
    if (making.includes(name))
      throw new TypeError(`services ask for each other in a circle: ${[...making, name].join(' → ')}`)
    return own.resolve<never>(name)
  }
  return {
    get,
    offer(name, make) {
      if (own.isRegistered(name)) return
      const once = () => {
        making.push(name)
        try {
          return make(get)
        } finally {
          making.pop()
        }
      }
      own.register(name, { useFactory: instanceCachingFactory(once) })
    },
  }
}
