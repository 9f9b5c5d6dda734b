/** Which rule speaks of a request: the first that matches, and the same one however the path is read. Pure. @module */
import { Fault } from '@labgate/contract'
import type { GatewayConfig, Rule } from './config.ts'
import { matched, namesIn, type Reading, readTarget } from './paths.ts'

/** What is asked of the rules. */
export interface Asked {
  readonly method: string
  /** Path and query, as they came. */
  readonly target: string
}

/** What a rule asks for, its names filled in from the path. */
export interface Demand {
  /** Number in the list, from 0. */
  readonly rule: number
  readonly allow: Rule['allow']
  readonly groups: readonly string[] | undefined
  readonly dataset: string | undefined
  readonly version: string | undefined
  readonly verb: string
}

const nothing: Demand = {
  ...{ rule: -1, allow: 'nobody', groups: undefined, dataset: undefined, version: undefined, verb: 'view' },
}

/** What the first matching rule asks for; `ambiguous` when it depends on how somebody reads the path. */
export function demandOf(rules: GatewayConfig['rules'], { method, target }: Asked): Demand | 'ambiguous' {
  const read = readTarget(target)
  if (!read || !/^[A-Z]{1,20}$/.test(method)) return 'ambiguous'
  const [first, ...others] = read.readings.map((reading) => firstMatch(rules, method, reading))
  if (!first) return 'ambiguous'
  const same = others.every((other, index) =>
    // Names in it are not what was asked.
    read.readings[index + 1]?.folded ? other.rule === first.rule : agrees(first, other),
  )
  return same ? first : 'ambiguous'
}

function firstMatch(rules: GatewayConfig['rules'], method: string, reading: Reading): Demand {
  for (const [index, rule] of rules.entries()) {
    if (rule.methods !== undefined && !rule.methods.includes(method)) continue
    const found = matched(rule.path, reading)
    if (found === undefined) continue
    const filled = (value: string | undefined) => (value?.startsWith(':') ? found[value.slice(1)] : value)
    const { allow, groups, dataset, version, verb } = rule
    return { rule: index, allow, groups, dataset: filled(dataset), version: filled(version), verb }
  }
  return nothing
}

/** Whether two demands ask the same. */
export function agrees(one: Demand, other: Demand): boolean {
  return one.rule === other.rule && one.dataset === other.dataset && one.version === other.version
}

/** Refuses rules that cannot mean what they say. @throws Fault ERR_CONFIG with all of them */
export function checkRules(config: GatewayConfig): void {
  const { rules, key, proxySecret } = config
  const problems = rules.flatMap((rule, index) => {
    const said = problemsOf(rule)
    const open = rules.slice(0, index).findIndex((before) => before.path === '/**' && before.methods === undefined)
    if (open >= 0) said.push(`is never reached: rules[${open}] speaks of every path`)
    return said.map((problem) => `rules[${index}] ${problem}`)
  })
  if (key !== undefined && proxySecret === undefined)
    problems.push('`key` needs `proxySecret`: without it whoever can send a request reads keys from the answer')
  problems.push(...headerProblems(config))
  if (problems.length > 0) throw new Fault('ERR_CONFIG', problems.join('; '))
}

/** What has a meaning of its own on the way, between us, the proxy and the browser. */
const taken =
  /^(?:cookie|set-cookie|authorization|host|location|connection|upgrade|te|vary|date|content-.*|transfer-.*|x-forwarded-.*|x-labgate-(?:proxy|cookie|authorization))$/i

function headerProblems({ headers, key }: GatewayConfig): string[] {
  const identity = Object.values(headers).filter((name) => name !== '')
  const told = [...identity, ...(key ? [key.header] : [])].map((name) => name.toLowerCase())
  const twice = new Set(told.filter((name, index) => told.indexOf(name) < index))
  return [
    ...[...twice].map((name) => `the header \`${name}\` would carry two things: give each its own`),
    ...identity
      .filter((name) => taken.test(name))
      .map((name) => `the header \`${name}\` has a meaning of its own: take another`),
  ]
}

function problemsOf({ path, allow, groups, dataset, version }: Rule): string[] {
  const names = namesIn(path)
  const problems: string[] = []
  if (new Set(names).size < names.length) problems.push('uses a name twice in `path`')
  for (const value of [dataset, version])
    if (value?.startsWith(':') && !names.includes(value.slice(1)))
      problems.push(`names \`${value}\`, which \`path\` lacks`)
  if (version !== undefined && dataset === undefined) problems.push('has a `version` without a `dataset`')
  if (allow === 'public' && groups !== undefined) problems.push('is for everybody and for `groups` alone')
  if (allow === 'nobody' && (groups ?? dataset) !== undefined) problems.push('is for nobody and for somebody')
  return problems
}
