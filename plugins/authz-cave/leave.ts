/**
 * Administration as middle_auth has it, by the operations of the admin API: who may, in middle_auth's words; leave, checks
 * and audit are the API's.
 * @module
 */
import { Fault, type FaultCode, isFault, type Json, type RightsView, type RouteAsk } from '@labgate/contract'
import type { CaveContext } from './config.ts'

/** Who may: whoever looks after something, an admin of the site, of a dataset or a manager of a group, by slug. */
export type Keeper =
  | 'some'
  | 'super'
  | { readonly dataset: string | undefined }
  | { readonly group: string | undefined }

/** @throws Fault ERR_FORBIDDEN in middle_auth's words */
export async function assertIs({ admin }: CaveContext, ask: RouteAsk, keeper: Keeper): Promise<RightsView> {
  const rights = await admin.rights(ask)
  if (rights.admin || holds(rights, keeper)) return rights
  throw new Fault('ERR_FORBIDDEN', refusalOf(keeper), { detail: { why: 'role' } })
}

function holds({ any, datasets, groups }: RightsView, keeper: Keeper): boolean {
  if (keeper === 'some') return any
  if (keeper === 'super') return false
  // One that does not exist is nobody's: who is refused does not learn which.
  if ('dataset' in keeper) return keeper.dataset !== undefined && datasets.includes(keeper.dataset)
  return keeper.group !== undefined && groups.includes(keeper.group)
}

function refusalOf(keeper: Keeper): string {
  if (keeper === 'some') return 'Requires admin privilege.'
  if (keeper === 'super') return 'Requires superadmin privilege.'
  return 'dataset' in keeper ? 'Requires dataset admin privilege.' : 'Requires group admin privilege.'
}

/** What an answer of the admin API is made of. */
export type Fields = Readonly<Record<string, Json | undefined>>

/** An operation that answers one thing. */
export async function called(
  { admin }: CaveContext,
  ask: RouteAsk,
  step: {
    readonly operation: string
    readonly params?: Readonly<Record<string, string>>
    readonly body?: Readonly<Record<string, Json>>
    /** What is said instead of the API's own words, by code. */
    readonly said?: Partial<Record<FaultCode, string>>
  },
): Promise<Fields> {
  const { operation, said = {}, ...input } = step
  try {
    // Objects, or nothing: so the API's document says.
    return ((await admin.call(ask, operation, input)) ?? {}) as Fields
  } catch (error) {
    const message = isFault(error) ? said[error.code] : undefined
    throw message !== undefined && isFault(error) ? new Fault(error.code, message, { cause: error }) : error
  }
}

/** More than this nobody reads as one list. */
const mostItems = 20_000

/** All items of an operation that answers pages. */
export async function listed(
  { admin }: CaveContext,
  ask: RouteAsk,
  step: { readonly operation: string; readonly query?: Readonly<Record<string, string>> },
): Promise<readonly Fields[]> {
  const items: Fields[] = []
  let after: string | undefined
  do {
    const query = { ...step.query, limit: 1000, ...(after === undefined ? {} : { after }) }
    // Pages of objects: so the API's document says.
    const page = (await admin.call(ask, step.operation, { query })) as unknown as {
      readonly items: readonly Fields[]
      readonly next?: string
    }
    items.push(...page.items)
    after = page.next
  } while (after !== undefined && items.length < mostItems)
  return items
}

/** The object in a body, none for an empty one. @throws Fault ERR_INPUT */
export function fieldsIn({ body }: RouteAsk): Fields {
  if (body.length === 0) return {}
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw new Fault('ERR_INPUT', 'The body must be JSON.', { cause })
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Fields
  throw new Fault('ERR_INPUT', 'The body must be a JSON object.')
}

/** The same with texts that must be there. @throws Fault ERR_INPUT in middle_auth's words */
export function textsIn<const Name extends string>(ask: RouteAsk, names: readonly Name[]): Record<Name, string> {
  const fields = fieldsIn(ask)
  const missing = names.filter((name) => fields[name] === undefined || fields[name] === null)
  if (missing.length > 0) throw new Fault('ERR_INPUT', `Missing fields: ${missing.join(', ')}.`)
  const texts = names.map((name) => [name, fields[name]] as const)
  for (const [name, value] of texts) {
    if (typeof value !== 'string') throw new Fault('ERR_INPUT', `${name} must be text.`)
    if (value.trim() === '') throw new Fault('ERR_INPUT', `${name} cannot be blank.`)
  }
  return Object.fromEntries(texts) as Record<Name, string>
}

/** A number of a thing as it stands in a path, a query or a body; 0, which nothing has, for anything else. */
export function numberOf(written: unknown): number {
  const text = typeof written === 'number' ? String(written) : written
  return typeof text === 'string' && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : 0
}

/** What is not there. */
export function noSuch(what: string): Fault {
  return new Fault('ERR_NOT_FOUND', `${what} doesn't exist`)
}
