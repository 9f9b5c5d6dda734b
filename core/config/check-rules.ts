/** Whether an admission rule can hold at all. Pure. @module */
import type { Rule } from './schema-plugins.ts'

/** A rule that does not depend on who comes. */
export type Always = 'never' | 'always'

/** Whether a rule holds for nobody, for everybody, or for some. */
export function verdict(rule: Rule): Always | 'sometimes' {
  if ('all' in rule) return allOf(rule.all)
  if ('any' in rule) return anyOf(rule.any)
  if ('not' in rule) return opposite(verdict(rule.not))
  if ('domains' in rule) return someOf(rule.domains)
  if ('organisations' in rule) return someOf(rule.organisations)
  return 'oneOf' in rule ? someOf(rule.oneOf) : 'sometimes'
}

function someOf(list: readonly unknown[]): Always | 'sometimes' {
  return list.length === 0 ? 'never' : 'sometimes'
}

// An empty `all` lets nobody in: a rule that was forgotten must not open a door.
function allOf(rules: readonly Rule[]): Always | 'sometimes' {
  const verdicts = rules.map(verdict)
  if (rules.length === 0 || verdicts.includes('never') || contradict(rules)) return 'never'
  return verdicts.every((one) => one === 'always') ? 'always' : 'sometimes'
}

function anyOf(rules: readonly Rule[]): Always | 'sometimes' {
  const verdicts = rules.map(verdict)
  if (verdicts.includes('always')) return 'always'
  return verdicts.every((one) => one === 'never') ? 'never' : 'sometimes'
}

function opposite(one: Always | 'sometimes'): Always | 'sometimes' {
  if (one === 'sometimes') return one
  return one === 'never' ? 'always' : 'never'
}

/** Whether one of the rules is the very opposite of another. */
function contradict(rules: readonly Rule[]): boolean {
  const written = new Set(rules.map((rule) => JSON.stringify(rule)))
  return rules.some((rule) => 'not' in rule && written.has(JSON.stringify(rule.not)))
}
