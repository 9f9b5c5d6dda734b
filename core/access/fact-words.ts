/**
 * A condition on a fact as people write it, in the console and in commands: `affiliation = Northfield; via university;
 * within 30 days`. Pure.
 * @module
 */
import { Fault, type Json } from '@labgate/contract'
import type { FactCondition } from './model.ts'

const valueForms = /^(?<claim>[^\s=]+)\s*(?:(?<how>=|\bin\b|\bhas\b)\s*(?<value>.+))?$/

/** The condition that a line names: `CLAIM`, `CLAIM = VALUE`, `CLAIM in A, B` or `CLAIM has VALUE`, then limits. @throws Fault ERR_INPUT */
export function readFact(line: string): FactCondition {
  const [first = '', ...rest] = line.split(';').map((part) => part.trim())
  const found = valueForms.exec(first)?.groups
  if (!found?.claim) throw badFact(line)
  return Object.assign({ claim: found.claim }, comparison(found.how, found.value ?? ''), ...rest.map(limitOf(line)))
}

function comparison(how: string | undefined, value: string): Partial<FactCondition> {
  if (how === '=') return { equals: typedValue(value) }
  if (how === 'has') return { contains: typedValue(value) }
  return how === 'in' ? { oneOf: value.split(',').map((one) => typedValue(one.trim())) } : {}
}

function typedValue(word: string): Json {
  if (word === 'true' || word === 'false') return word === 'true'
  return word
}

function limitOf(line: string) {
  return (part: string): Partial<FactCondition> => {
    const [word, value = '', unit] = part.split(/\s+/)
    if (word === 'via' && value !== '') return { via: value }
    if (word === 'trust' && (value === 'verified' || value === 'asserted' || value === 'self')) return { trust: value }
    if (word === 'within' && /^[1-9]\d{0,4}$/.test(value) && /^days?$/.test(unit ?? ''))
      return { withinDays: Number(value) }
    throw badFact(line)
  }
}

function badFact(line: string): Fault {
  return new Fault(
    'ERR_INPUT',
    `“${cut(line)}” cannot be read: write a claim, then perhaps = and a value; after semicolons: via a sign-in, within 30 days, trust asserted.`,
  )
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
