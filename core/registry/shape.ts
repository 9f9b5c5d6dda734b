/** Whether what a package exports is a plugin this core can use, and what it creates an instance. @module */
import { contractVersion } from '@labgate/contract'
import type { Kind } from './instance.ts'
import { isRecord } from './record.ts'
import { textProblems } from './texts.ts'

/** The kinds, in the order in which they are listed. */
export const kinds: readonly Kind[] = ['auth', 'authz', 'runner']

/** What is wrong with a package's default export; empty when it is a plugin for this core. */
export function pluginProblems(exported: unknown): readonly string[] {
  if (exported === undefined) return ['it has no default export; write `export default definePlugin({ … })`']
  if (!isRecord(exported)) return ['its default export is no object; write `export default definePlugin({ … })`']
  const version = versionProblem(exported.contract)
  // A plugin of another contract may differ in anything else, so that is all there is to say.
  if (version !== undefined) return [version]
  return [...memberProblems(exported), ...textProblems(exported.text)]
}

function versionProblem(contract: unknown): string | undefined {
  if (contract === contractVersion) return undefined
  if (!Number.isInteger(contract)) return '`contract` must be the number of the contract it was written for'
  const mend = Number(contract) > contractVersion ? 'update Labgate' : 'update the plugin'
  return `it was written for contract ${contract}, this Labgate speaks ${contractVersion}; ${mend}`
}

function memberProblems(exported: Readonly<Record<string, unknown>>): string[] {
  const { kind, name, config, create, routes, callbackPaths } = exported
  const problems: string[] = []
  if (!kinds.some((known) => known === kind)) problems.push(`\`kind\` must be one of ${kinds.join(', ')}`)
  if (typeof name !== 'string' || name === '') problems.push('`name` must be a text')
  if (!isRecord(config) || config.type !== 'object' || config.additionalProperties !== false)
    problems.push('`config` must be a JSON Schema of an object with `additionalProperties: false`')
  if (typeof create !== 'function') problems.push('`create` must be a function')
  if (kind === 'authz' && typeof routes !== 'function') problems.push('`routes` must be a function of the config')
  if (exported.unique !== undefined && typeof exported.unique !== 'function')
    problems.push('`unique` must be a function of the config')
  if (callbackPaths !== undefined && typeof callbackPaths !== 'function')
    problems.push('`callbackPaths` must be a function of the config')
  return problems
}

const required: Readonly<Record<Kind, readonly string[]>> = {
  auth: ['card', 'begin'],
  authz: ['project'],
  runner: ['capabilities', 'plan', 'launch', 'inspect', 'endpoint', 'terminate', 'remove', 'discover'],
}
const optional: Readonly<Record<Kind, readonly string[]>> = {
  auth: ['next', 'visit', 'refresh', 'logout', 'revoke', 'redeem'],
  authz: ['renderError'],
  runner: ['logs', 'stats'],
}
const lifecycle = ['start', 'stop', 'health', 'probe', 'erase', 'export']

/** What is wrong with what `create` returned. */
export function createdProblems(kind: Kind, created: unknown): readonly string[] {
  if (created instanceof Promise)
    return ['`create` must return the instance itself, not a promise; open things in `start`']
  if (!isRecord(created)) return ['`create` must return an object']
  const missing = required[kind].filter((name) => typeof created[name] !== 'function')
  const wrong = [...optional[kind], ...lifecycle].filter(
    (name) => created[name] !== undefined && typeof created[name] !== 'function',
  )
  return [
    ...missing.map((name) => `what \`create\` returned lacks the function \`${name}\``),
    ...wrong.map((name) => `\`${name}\` of what \`create\` returned must be a function`),
    ...(kind === 'auth' ? issuersProblems(created.issuers) : []),
  ]
}

function issuersProblems(issuers: unknown): string[] {
  const good =
    Array.isArray(issuers) && issuers.length > 0 && issuers.every((one) => typeof one === 'string' && one !== '')
  return good ? [] : ['`issuers` must list at least one issuer it may assert']
}
