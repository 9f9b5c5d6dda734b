/** Whether two route patterns of `path-to-regexp` can match the same path. @module */
import { parse, type Token } from 'path-to-regexp'

// One step of a pattern: a letter, one character of a segment, one of any; `many` repeats it, also not at all.
interface Step {
  readonly set: string | typeof segment | typeof any
  readonly many: boolean
}

const segment = Symbol('any character but a slash')
const any = Symbol('any character')

/** Why a pattern is unusable, `undefined` when it is well formed. */
export function patternProblem(path: string): string | undefined {
  if (!path.startsWith('/')) return 'must begin with a slash'
  try {
    parse(path)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Whether some path is matched by both patterns. Letters' case and a slash at the end count for nothing, as in the router. */
export function patternsMeet(one: string, other: string): boolean {
  const others = stepsOf(other)
  return stepsOf(one).some((a) => others.some((b) => meet(a, b)))
}

function stepsOf(path: string): Step[][] {
  return expand(parse(path.toLowerCase()).tokens).map(withoutLastSlash)
}

function expand(tokens: readonly Token[]): Step[][] {
  return tokens.reduce<Step[][]>(
    (heads, token) => heads.flatMap((head) => tails(token).map((t) => [...head, ...t])),
    [[]],
  )
}

function tails(token: Token): Step[][] {
  if (token.type === 'text') return [[...token.value].map((letter) => ({ set: letter, many: false }))]
  if (token.type === 'group') return [[], ...expand(token.tokens)]
  const set = token.type === 'param' ? segment : any
  return [
    [
      { set, many: false },
      { set, many: true },
    ],
  ]
}

function withoutLastSlash(steps: Step[]): Step[] {
  return steps.length > 1 && steps.at(-1)?.set === '/' ? steps.slice(0, -1) : steps
}

// Walks both patterns together, each state once.
function meet(a: readonly Step[], b: readonly Step[]): boolean {
  const seen = new Set<number>()
  const open: [number, number][] = [[0, 0]]
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const [i, j] = state
    const key = i * (b.length + 1) + j
    if (seen.has(key)) continue
    seen.add(key)
    if (i === a.length && j === b.length) return true
    open.push(...following(a[i], b[j], state))
  }
  return false
}

function following(x: Step | undefined, y: Step | undefined, [i, j]: readonly [number, number]): [number, number][] {
  const next: [number, number][] = []
  if (x?.many) next.push([i + 1, j])
  if (y?.many) next.push([i, j + 1])
  if (x && y && setsMeet(x.set, y.set)) next.push([x.many ? i : i + 1, y.many ? j : j + 1])
  return next
}

function setsMeet(x: Step['set'], y: Step['set']): boolean {
  if (x === any || y === any) return true
  if (x === segment) return y !== '/'
  if (y === segment) return x !== '/'
  return x === y
}
