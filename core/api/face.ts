/** The admin API as dialects may use it: the same operations, checks and shapes, in the name of who is at hand. @module */
import { type AdminFace, type AtHand, Fault, type Json, type OperationInput, type Principal } from '@labgate/contract'
import type { Config } from '../config/schema.ts'
import { type Checks, checksOf } from './check.ts'
import { isOpen } from './document.ts'
import type { ApiNeeds, Caller, Operation } from './operation.ts'
import { operations, schemas } from './operations.ts'
import { adminScope } from './routes.ts'
import { shaped } from './shape.ts'

/** The face, and how it is told of its rooms, which are built after the dialects. */
export interface SettledAdminFace extends AdminFace {
  settle(needs: ApiNeeds, access: Pick<Config['access'], 'adminFreshness'>): void
}

interface Settled {
  readonly needs: ApiNeeds
  readonly freshSeconds: number
}

/** Makes the face. */
export function createAdminFace(): SettledAdminFace {
  let settled: Settled | undefined
  const checks = new Map<string, Checks>()
  const ready = (): Settled => {
    if (settled === undefined) throw new TypeError('the admin API was used before it was built')
    return settled
  }
  return {
    settle(needs, { adminFreshness }) {
      settled = { needs, freshSeconds: adminFreshness }
    },
    async rights(who) {
      const { admin, datasets, managed, groups, any } = await ready().needs.stewards.rightsOf(atHand(who).account.id)
      return { admin, datasets, managed, groups, any }
    },
    async call(who, id, input = {}) {
      const one = operationOf(id)
      const { needs } = ready()
      const caller = await callerOf(ready(), who, one)
      const check = checks.get(id) ?? checksOf(one)
      checks.set(id, check)
      const ask = { caller, ...checked(one, check, input), requestId: who.requestId }
      const result = await one.handle(ask, needs)
      return answerOf(one, result)
    },
  }
}

function operationOf(id: string): Operation {
  const found = operations.find((one) => one.id === id && !isOpen(one) && one.answer.file === undefined)
  if (found === undefined) throw new TypeError(`the admin API has no operation ${id}`)
  return found
}

function checked(one: Operation, check: Checks, { params = {}, query = {}, body }: OperationInput) {
  // Over HTTP the path itself sees to it.
  const missing = Object.keys(one.params).find((name) => !Object.hasOwn(params, name))
  if (missing !== undefined) throw new Fault('ERR_INPUT', `The path's \`${missing}\` is missing.`)
  // Through text, so that a number or a flag in the query is read exactly as an address would be.
  const asText = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]))
  return { params: check.params(params), query: check.query(asText), body: check.body(body) }
}

function answerOf({ answer: { schema } }: Operation, result: unknown): Json {
  if (schema === undefined) return null
  // What left the house by HTTP is JSON; the way through text leaves dates and getters behind here, too.
  return JSON.parse(JSON.stringify(shaped(schema, result, schemas))) as Json
}

/** A session must be as fresh as the console wants it, a token have the scope of the admin API: a dialect is no way around either. */
async function callerOf({ needs, freshSeconds }: Settled, who: AtHand, { method }: Operation): Promise<Caller> {
  const principal = atHand(who)
  const { account } = principal
  const age = (needs.clock.now().getTime() - principal.authenticatedAt.getTime()) / 1000
  if (principal.via === 'session' && method !== 'GET' && age > freshSeconds)
    throw new Fault('ERR_FORBIDDEN', 'This sign-in is too old for administration. Open the console and sign in again.')
  if (principal.via === 'token' && !principal.scopes.includes(adminScope))
    throw new Fault('ERR_FORBIDDEN', `The token lacks the scope ${adminScope}.`)
  // What a token of the Provider could make would outlive it.
  if (principal.via === 'token' && principal.tokenId === undefined)
    throw new Fault('ERR_FORBIDDEN', 'Only a signed-in person or an API token administers.')
  const [row, rights, token] = await Promise.all([
    needs.accounts.find(account.id),
    needs.stewards.rightsOf(account.id),
    principal.tokenId === undefined ? undefined : needs.tokens.find(principal.tokenId),
  ])
  if (!rights.any || row === undefined) throw new Fault('ERR_FORBIDDEN', 'Only who looks after something may use this.')
  const { address, requestId } = who
  return { account: row, token, rights, actor: { kind: 'account', account: account.id, address, requestId } }
}

function atHand({ principal }: AtHand): Principal {
  if (principal === undefined) throw new Fault('ERR_UNAUTHENTICATED', 'Please sign in first.')
  return principal
}
