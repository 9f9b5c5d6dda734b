/**
 * The patterns of one host, among several routers: one for each number of names in a path and the first of them, since most
 * hosts have hundreds of patterns, and a router tries every one it has. What a path is matched with decides a router alone.
 * @module
 */
import Router from '@koa/router'
import type { Step } from './context.ts'

/** A router, and the step that runs it. */
interface Place {
  readonly router: Router
  readonly run: Step
}

/** Routers by place. */
export interface Routers {
  add(method: string, path: string, step: Step): void
  /** The one that knows every pattern that could fit a path. */
  at(path: string): Place
}

const name = /^[\w.~-]+$/
const parameter = /^:\w+$/

/** Paths of one place have as many names and the same first one. */
function placeOf(path: string): string {
  const parts = path.split('/')
  return `${parts.length} ${parts[1]}`
}

/** Whether all that a pattern fits is in one place: plain names, the first among them, and `:parameters`. */
function hasOnePlace(pattern: string): boolean {
  const [, first = '', ...rest] = pattern.split('/')
  return pattern === '/' || (name.test(first) && rest.every((part) => name.test(part) || parameter.test(part)))
}

function newPlace(): Place {
  // The pattern with fewer parameters wins, so that /a/new is not taken for /a/:id.
  const router = new Router({ exclusive: 'specificity', strict: true, sensitive: true })
  // The router's own types know no `State`; its contexts are ours.
  return { router, run: router.routes() as unknown as Step }
}

/** Makes routers that know nothing yet. */
export function createRouters(): Routers {
  type Entry = Parameters<Routers['add']>
  const places = new Map<string, Place>()
  /** Patterns that may fit anywhere are everywhere, and here. */
  const anywhere: Entry[] = []
  const elsewhere = newPlace()
  const register = ({ router }: Place, [method, path, step]: Entry) =>
    router.register(path, [method.toLowerCase()], step as never)
  const opened = (place: string) => {
    const made = newPlace()
    for (const entry of anywhere) register(made, entry)
    places.set(place, made)
    return made
  }
  return {
    add(...entry) {
      const place = placeOf(entry[1])
      if (hasOnePlace(entry[1])) return void register(places.get(place) ?? opened(place), entry)
      anywhere.push(entry)
      for (const one of [elsewhere, ...places.values()]) register(one, entry)
    },
    at: (path) => places.get(placeOf(path)) ?? elsewhere,
  }
}
