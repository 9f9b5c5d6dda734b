/** Which pages may ask: exact origins and one expression, checked before the first request. @module */
import { Fault } from '@labgate/contract'
import type { NgauthConfig } from './config.ts'

const shape = /^https?:\/\/[a-z0-9.-]+(?::\d+)?$/

/** Whether a text is an origin at all; `null`, paths and anything odd are none. */
export function isOrigin(text: string | undefined): text is string {
  return text !== undefined && text.length <= 300 && shape.test(text)
}

/** What may ask, for `cors` of routes. @throws Fault ERR_CONFIG when the expression takes more than it says */
export function originsOf({
  origins,
  originPattern,
}: Pick<NgauthConfig, 'origins' | 'originPattern'>): (string | RegExp)[] {
  return [...origins, ...(originPattern === undefined ? [] : [expressionOf(originPattern)])]
}

/** Whether an origin is among them. */
export function allows(list: readonly (string | RegExp)[], origin: string): boolean {
  return isOrigin(origin) && list.some((one) => (typeof one === 'string' ? one === origin : one.test(origin)))
}

function expressionOf(pattern: string): RegExp {
  const wrong = (why: string) =>
    new Fault('ERR_CONFIG', `originPattern ${why}: write it from ^ to $, without |, and each dot as \\.`)
  // Outside of brackets a bare dot is any letter: `^https://a.example$` would take https://aXexample.
  const bare = pattern.replaceAll(/\\.|\[[^\]]*\]/g, '_').replaceAll(/\.[*+]/g, '_')
  if (bare.includes('.')) throw wrong('has a dot that stands for any character')
  if (pattern.includes('|')) throw wrong('has alternatives')
  let expression: RegExp
  try {
    expression = new RegExp(`^(?:${pattern})$`)
  } catch {
    throw wrong('is no regular expression')
  }
  const strangers = ['https://stranger.invalid', 'http://stranger.invalid:8080', 'https://1.2.3.4']
  if (strangers.some((one) => expression.test(one))) throw wrong('takes every site')
  return expression
}
