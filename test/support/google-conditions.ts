/** As much of Google's Common Expression Language as boundaries of buckets need: `||`, `&&`, `!`, brackets, `startsWith`. @module */

/** What a request is for. */
export interface ConditionAsk {
  readonly name: string
  readonly listPrefix: string
}

const token =
  /\s*(?:(\|\||&&|!|\(|\))|(resource\.name|api\.getAttribute\('storage\.googleapis\.com\/objectListPrefix', ''\))\.startsWith\('((?:[^'\\]|\\.)*)'\))/y

/** Whether an expression holds. @throws SyntaxError for what it does not know */
export function holds(expression: string, ask: ConditionAsk): boolean {
  const tokens: (string | boolean)[] = []
  token.lastIndex = 0
  while (token.lastIndex < expression.length) {
    const found = token.exec(expression)
    if (found === null) throw new SyntaxError(`unknown condition: ${expression}`)
    const [, sign, of, prefix = ''] = found
    const value = of === 'resource.name' ? ask.name : ask.listPrefix
    tokens.push(sign ?? value.startsWith(prefix.replaceAll(/\\(.)/g, '$1')))
  }
  let at = 0
  const unary = (): boolean => {
    const next = tokens[at++]
    if (typeof next === 'boolean') return next
    if (next === '!') return !unary()
    if (next !== '(') throw new SyntaxError('a value was expected')
    const inside = either()
    if (tokens[at++] !== ')') throw new SyntaxError('a bracket was expected')
    return inside
  }
  const both = (): boolean => {
    let value = unary()
    while (tokens[at] === '&&') {
      at++
      const right = unary()
      value = value && right
    }
    return value
  }
  const either = (): boolean => {
    let value = both()
    while (tokens[at] === '||') {
      at++
      const right = both()
      value = value || right
    }
    return value
  }
  const value = either()
  if (at !== tokens.length) throw new SyntaxError('something stands behind the condition')
  return value
}
