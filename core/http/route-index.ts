/**
 * Finds a route by the names in its path, without trying every pattern there is. It knows patterns of plain names and
 * `:parameters`; where any other pattern could fit too, it knows nothing, and the router is asked.
 * @module
 */

/** What a path was found to be. */
export interface Indexed<T> {
  readonly value: T
  readonly params: Record<string, string>
}

/** Patterns by method and first name. */
export interface RouteIndex<T> {
  add(method: string, path: string, value: T): void
  /** Of several that fit, the one with fewest parameters, and of those the first added: as the router chooses. */
  find(method: string, path: string): Indexed<T> | undefined
}

interface Entry<T> {
  /** A name, or a parameter's name after a colon; the first one is empty, before the first slash. */
  readonly parts: readonly string[]
  readonly parameters: number
  readonly value: T
}

const name = /^[\w.~-]+$/
const parameter = /^:\w+$/

/** Makes an index that is empty. */
export function createRouteIndex<T>(): RouteIndex<T> {
  const entries = new Map<string, Entry<T>[]>()
  /** First names of patterns that are not known here; the empty one stands for any. */
  const unknown = new Set<string>()
  return {
    add(method, path, value) {
      const parts = path.split('/')
      const [, first = '', ...rest] = parts
      const isKnown =
        path === '/' || (name.test(first) && rest.every((part) => name.test(part) || parameter.test(part)))
      if (!isKnown) {
        unknown.add(name.test(first) ? first : '')
        return
      }
      const key = `${method} ${first}`
      const parameters = rest.filter((part) => part.startsWith(':')).length
      // Sorting keeps the order of equals.
      const all = [...(entries.get(key) ?? []), { parts, parameters, value }]
      entries.set(
        key,
        all.toSorted((a, b) => a.parameters - b.parameters),
      )
    },
    find(method, path) {
      const parts = path.split('/')
      const [, first = ''] = parts
      if (unknown.size > 0 && (unknown.has('') || unknown.has(first))) return undefined
      const found = entries.get(`${method} ${first}`)?.find((entry) => fits(entry.parts, parts))
      return found && { value: found.value, params: paramsOf(found.parts, parts) }
    },
  }
}

function fits(pattern: readonly string[], parts: readonly string[]): boolean {
  if (pattern.length !== parts.length) return false
  for (let at = 1; at < pattern.length; at++) {
    const [wanted, part] = [pattern[at], parts[at]] as [string, string]
    if (wanted.charCodeAt(0) === 58 ? part === '' : part !== wanted) return false
  }
  return true
}

function paramsOf(pattern: readonly string[], parts: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {}
  for (const [at, wanted] of pattern.entries())
    if (wanted.charCodeAt(0) === 58) params[wanted.slice(1)] = decoded(parts[at] as string)
  return params
}

/** As the router does: what cannot be decoded stays as it came. */
function decoded(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
