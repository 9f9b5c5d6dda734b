/** The person behind a token, and what GitHub says of them. @module */
import { type Fact, parseAddress } from '@labgate/contract'
import { type Api, type ApiNeeds, broken } from './api.ts'

/** A GitHub account: the id stays, the login can be changed and taken by somebody else. */
export interface Person {
  readonly id: number
  readonly login: string
  readonly name: string | undefined
  /** The address they show in public: GitHub has no word on whether it is proven. */
  readonly publicEmail: string | undefined
}

/** Whose token it is; `undefined`: GitHub no longer takes it. @throws Fault ERR_UPSTREAM */
export async function personOf(api: Api, needs: ApiNeeds): Promise<Person | undefined> {
  const answer = await api.get('/user')
  if ('hidden' in answer) {
    if (answer.hidden === 'token') return undefined
    throw broken(needs, `${answer.hidden} to GET /user`)
  }
  const { id, login, name, email } = fieldsOf(answer.json)
  if (!isId(id) || typeof login !== 'string' || login === '') throw broken(needs, 'no person to GET /user')
  return { id, login, name: textOf(name), publicEmail: textOf(email) }
}

/**
 * The primary address: verified only if GitHub says both `primary` and `verified` of it. Without the list, the address shown
 * in public, which proves nothing.
 */
export async function emailOf(api: Api, person: Person): Promise<Fact | undefined> {
  const answer = await api.list('/user/emails?per_page=100')
  if ('hidden' in answer) return emailFact(person.publicEmail, 'self')
  const primary = answer.items.map(fieldsOf).find((entry) => entry.primary === true)
  return emailFact(textOf(primary?.email), primary?.verified === true ? 'verified' : 'self')
}

function emailFact(text: string | undefined, trust: 'verified' | 'self'): Fact | undefined {
  const address = text === undefined ? undefined : parseAddress(text)?.address
  return address === undefined ? undefined : { claim: 'email', value: address, trust }
}

/** Name and login as facts: people type their name themselves; the login is GitHub's, but changes. */
export function personFacts({ login, name }: Person): readonly Fact[] {
  const known: Fact = { claim: 'login', value: login, trust: 'asserted' }
  const username: Fact = { claim: 'preferred_username', value: login, trust: 'asserted' }
  return name === undefined ? [known, username] : [known, username, { claim: 'name', value: name, trust: 'self' }]
}

/** The members of a JSON object; of anything else, none. */
export function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json)
  return isObject ? (json as Readonly<Record<string, unknown>>) : {} // an object has members of unknown types
}

/** Whether a value is an id of GitHub's: a positive whole number. */
export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' && value.length <= 255 ? value.trim() : undefined
}
