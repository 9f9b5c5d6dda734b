/**
 * Conditions of IAM (Common Expression Language), as much of it as people write for buckets: name, type and service of
 * the resource, the time, `&&`, `||`, `!` and brackets. Whether one holds is asked for all objects below a prefix at
 * once; what is not known, or holds for some of them only, does not hold. Pure.
 * @module
 */

/** All objects below a prefix, now. */
export interface ConditionAsk {
  readonly bucket: string
  readonly under: string
  readonly now: Date
}

/** `some`: for part of the objects, or nobody can tell. */
type Truth = 'all' | 'some' | 'none'

const text = `'(?:[^'\\\\]|\\\\['"\\\\])*'|"(?:[^"\\\\]|\\\\['"\\\\])*"`
const patterns = [
  '(?<sign>\\|\\||&&|!(?!=)|\\(|\\))',
  `resource\\.name\\.startsWith\\(\\s*(?<prefix>${text})\\s*\\)`,
  `resource\\.(?<part>name|type|service)\\s*(?<same>==|!=)\\s*(?<value>${text})`,
  `request\\.time\\s*(?<order><=?|>=?)\\s*timestamp\\(\\s*(?<time>${text})\\s*\\)`,
]
const token = new RegExp(`\\s*(?:${patterns.join('|')})\\s*`, 'y')

/** Whether a condition holds for every object below the prefix. */
export function conditionHolds(expression: string, ask: ConditionAsk): boolean {
  // Nobody writes more; what is deep enough to matter would be no condition of a person.
  const tokens = expression.length <= 4000 ? tokensOf(expression, ask) : undefined
  return tokens !== undefined && judge(tokens) === 'all'
}

type Token = { readonly sign: string } | { readonly truth: Truth }

function tokensOf(expression: string, ask: ConditionAsk): readonly Token[] | undefined {
  const tokens: Token[] = []
  const reader = new RegExp(token)
  while (reader.lastIndex < expression.length) {
    const found = reader.exec(expression)?.groups
    if (found === undefined) return undefined
    tokens.push(found.sign === undefined ? { truth: truthOf(found, ask) } : { sign: found.sign })
  }
  return tokens
}

function truthOf(found: Readonly<Record<string, string | undefined>>, { bucket, under, now }: ConditionAsk): Truth {
  const base = `projects/_/buckets/${bucket}/objects/${under === '' ? '' : `${under}/`}`
  const { prefix, part, same, value = '', order, time = '' } = found
  if (prefix !== undefined) {
    const wanted = unquoted(prefix)
    return base.startsWith(wanted) ? 'all' : wanted.startsWith(base) ? 'some' : 'none'
  }
  if (order !== undefined) return isInTime(now, order, unquoted(time))
  const wanted = unquoted(value)
  const equal: Truth =
    part === 'name' ? (wanted.startsWith(base) ? 'some' : 'none') : wanted === ofObjects[part ?? ''] ? 'all' : 'none'
  return same === '==' ? equal : not(equal)
}

const ofObjects: Readonly<Record<string, string>> = {
  type: 'storage.googleapis.com/Object',
  service: 'storage.googleapis.com',
}

function isInTime(now: Date, order: string, written: string): Truth {
  const at = /^\d{4}-\d\d-\d\dT/.test(written) ? Date.parse(written) : Number.NaN
  if (Number.isNaN(at)) return 'some'
  const [left, right] = order.startsWith('<') ? [now.getTime(), at] : [at, now.getTime()]
  return left < right || (order.endsWith('=') && left === right) ? 'all' : 'none'
}

function unquoted(quoted: string): string {
  return quoted.slice(1, -1).replaceAll(/\\(.)/g, '$1')
}

function not(truth: Truth): Truth {
  return truth === 'all' ? 'none' : truth === 'none' ? 'all' : 'some'
}

/** `undefined`: it is no condition at all. */
function judge(tokens: readonly Token[]): Truth | undefined {
  let at = 0
  const sign = (wanted: string) => {
    const next = tokens[at]
    const isIt = next !== undefined && 'sign' in next && next.sign === wanted
    if (isIt) at++
    return isIt
  }
  const one = (): Truth | undefined => {
    if (sign('!')) return then(one(), not)
    if (sign('(')) return then(either(), (inside) => (sign(')') ? inside : undefined))
    const next = tokens[at++]
    return next !== undefined && 'truth' in next ? next.truth : undefined
  }
  const chain = (part: () => Truth | undefined, by: string, wins: Truth) => (): Truth | undefined => {
    const parts = [part()]
    while (sign(by)) parts.push(part())
    if (parts.includes(undefined)) return undefined
    if (parts.includes(wins)) return wins
    return parts.includes('some') ? 'some' : not(wins)
  }
  const both = chain(one, '&&', 'none')
  const either: () => Truth | undefined = chain(both, '||', 'all')
  const whole = either()
  return at === tokens.length ? whole : undefined
}

function then(truth: Truth | undefined, next: (known: Truth) => Truth | undefined): Truth | undefined {
  return truth === undefined ? undefined : next(truth)
}
