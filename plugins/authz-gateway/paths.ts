/**
 * Paths as others may read them. A proxy hands a path on as it came; the service behind may decode it, resolve its dots, or
 * take capitals for small letters. Whoever judges only what stands there is passed by. Pure.
 * @module
 */

/** What is sure about a request's target. */
export interface Target {
  /** The path, as it came. */
  readonly path: string
  /** Every reading of the path that some service is known to take, the plain one first. */
  readonly readings: readonly Reading[]
}

/** One way to read a path. */
export interface Reading {
  readonly steps: readonly string[]
  /** Letters' case was dropped for it: names in it are not what was asked. */
  readonly folded: boolean
}

/** What nobody needs to think about: no sign that anybody reads differently. */
const plain = /^(?:\/[a-z0-9_~!$&'()*+,=:@-][a-z0-9._~!$&'()*+,=:@-]*)*\/?$/

/**
 * Reads the target of a request; `undefined` when no two readers would agree on it: control characters, raw bytes beyond
 * ASCII, broken or overlong percent-encoding, a fragment, no leading slash.
 */
export function readTarget(target: string): Target | undefined {
  if (!/^\/[\x21-\x7e]*$/.test(target) || target.includes('#') || target.length > 8192) return undefined
  const [path = ''] = target.split('?', 1)
  if (plain.test(path) && !/\.(?:\/|$)/.test(path)) return { path, readings: [readingOf(path)] }
  const once = decoded(path)
  const twice = once === undefined ? undefined : decoded(once, 'lenient')
  if (once === undefined || twice === undefined) return undefined
  const texts = [path, once, twice].flatMap((text) => [text, text.normalize('NFKC')]).flatMap(variants)
  const seen = new Map<string, Reading>()
  for (const text of texts) {
    seen.set(`as it is ${stepsKey(text)}`, readingOf(text))
    const small = text.toLowerCase()
    if (small !== text) seen.set(`small ${stepsKey(small)}`, { ...readingOf(small), folded: true })
  }
  return { path, readings: [...seen.values()] }
}

/** A slash at the end counts for nothing; one in the middle of two does. */
function readingOf(path: string): Reading {
  return { steps: path.replace(/\/$/, '').split('/').slice(1), folded: false }
}

function stepsKey(path: string): string {
  return path.replace(/\/$/, '')
}

/** `undefined` for what is no UTF-8 (RFC 3629: overlong forms too), or hides a control character. */
function decoded(text: string, how: 'strict' | 'lenient' = 'strict'): string | undefined {
  // The second time a lone `%` is what the first one meant.
  const encoded = how === 'strict' ? text : text.replaceAll(/%(?![0-9a-f]{2})/gi, '%25')
  try {
    const found = decodeURIComponent(encoded)
    return /\p{Cc}/u.test(found) ? undefined : found
  } catch {
    return how === 'strict' ? undefined : text
  }
}

type Reader = (path: string) => string

/** Each may be done or left; in this order, in which each opens the way for the next. */
const readers: readonly Reader[] = [
  // What some proxy took for the query or the fragment.
  (path) => path.split(/[?#]/, 1)[0] ?? '',
  // Parameters of a step (RFC 3986 §3.3): `/a;x/..;/b`.
  (path) => path.replaceAll(/;[^/]*/g, ''),
  (path) => path.replaceAll('\\', '/'),
  // Windows drops dots and spaces at the end of a name.
  (path) => path.replaceAll(/([^/. ])[. ]+(?=\/|$)/g, '$1'),
  (path) => path.replaceAll(/\/{2,}/g, '/'),
  withoutDots,
]

function variants(path: string): string[] {
  let all = [path]
  for (const read of readers) all = [...new Set(all.flatMap((one) => [one, read(one)]))]
  return all.filter((one) => one.startsWith('/'))
}

/** RFC 3986 §5.2.4. */
function withoutDots(path: string): string {
  const kept: string[] = []
  const steps = path.split('/').slice(1)
  for (const [index, step] of steps.entries()) {
    if (step === '..') kept.pop()
    else if (step !== '.') kept.push(step)
    if (index === steps.length - 1 && (step === '.' || step === '..')) kept.push('')
  }
  return `/${kept.join('/')}`
}

/** What a pattern of a rule found in a path: its named steps, or `undefined` when it does not match. */
export function matched(pattern: string, { steps, folded }: Reading): Readonly<Record<string, string>> | undefined {
  const wanted = (folded ? pattern.replaceAll(/(?<=\/)[^:/][^/]*/g, (step) => step.toLowerCase()) : pattern)
    .replace(/\/$/, '')
    .split('/')
    .slice(1)
  const isOpen = wanted.at(-1) === '**'
  if (isOpen) wanted.pop()
  if (steps.length < wanted.length || (!isOpen && steps.length > wanted.length)) return undefined
  const found: Record<string, string> = {}
  for (const [index, want] of wanted.entries()) {
    const step = steps[index] ?? ''
    if (want.startsWith(':')) {
      if (step === '') return undefined
      found[want.slice(1)] = step
    } else if (want === '*' ? step === '' : want !== step) return undefined
  }
  return found
}

/** Names of a pattern's steps. */
export function namesIn(pattern: string): readonly string[] {
  return [...pattern.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
}
