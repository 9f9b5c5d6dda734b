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
  const texts = textsOf(path)
  if (texts === undefined) return undefined
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

/** More than that is no path that anybody means. */
const mostTexts = 1000

/** What stands there when it is decoded not at all, once or twice, tidied up before, between, after or not. */
function textsOf(path: string): readonly string[] | undefined {
  // A lone `%` is a mistake in what came, and what `%25` meant in what was decoded.
  if (/%(?![0-9a-f]{2})/i.test(path)) return undefined
  const all = new Set(variants([path]))
  for (let times = 0, last: readonly string[] = [...all]; times < 2; times++) {
    const opened = last.map(decoded)
    if (opened.includes(undefined)) return undefined
    last = variants(opened.filter((one) => one !== undefined))
    for (const one of last) all.add(one)
    if (all.size > mostTexts) return undefined
  }
  return [...all].filter((one) => one.startsWith('/'))
}

/** `undefined` for what is no UTF-8 (RFC 3629: overlong forms too), or hides a control character. */
function decoded(text: string): string | undefined {
  try {
    const found = decodeURIComponent(text.replaceAll(/%(?![0-9a-f]{2})/gi, '%25'))
    return /\p{Cc}/u.test(found) ? undefined : found
  } catch {
    // Services differ in what they make of it.
    return undefined
  }
}

type Reader = (path: string) => string

/** Each may be done or left; in this order, in which each opens the way for the next. */
const readers: readonly Reader[] = [
  (path) => path.normalize('NFKC'),
  // Browsers take an encoded dot for one, and nothing else (WHATWG URL, "double-dot URL path segment").
  (path) => path.replaceAll(/%2e/gi, '.'),
  // RFC 3986 §6.2.2.2: what needed no encoding is decoded before anybody looks for dots.
  (path) => path.replaceAll(/%(?:2[de]|3\d|[46][1-9a-f]|[57][\da]|5f|7e)/gi, decodeURIComponent),
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

function variants(paths: readonly string[]): string[] {
  let all = [...new Set(paths)]
  for (const read of readers) all = [...new Set(all.flatMap((one) => [one, read(one)]))].slice(0, mostTexts + 1)
  return all
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
