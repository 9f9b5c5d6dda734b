/** API tokens as dialects may touch them: those of the person at hand, and never with the scope of the admin API. @module */
import { type AtHand, type Clock, Fault, type Principal, type TokensFace, type TokenView } from '@labgate/contract'
import type { Actor } from './actor.ts'
import { adminScope } from './token-scopes.ts'
import type { ApiToken, ApiTokens } from './tokens.ts'

/** Makes the face on the tokens. */
export function createTokensFace({ tokens, clock }: { tokens: ApiTokens; clock: Clock }): TokensFace {
  const own = async (who: AtHand, id: string): Promise<ApiToken | undefined> => {
    const found = await tokens.find(id)
    return found?.account === atHand(who).account.id && found.state === 'active' ? found : undefined
  }
  return {
    async list(who) {
      const ask = { account: atHand(who).account.id, state: 'active', limit: 1000 } as const
      return (await tokens.list(ask)).rows.map(viewOf)
    },
    async make(who, { name, scopes, lifeSeconds }) {
      const principal = atHand(who)
      if (scopes.includes(adminScope)) throw new Fault('ERR_FORBIDDEN', 'A dialect makes no tokens for the admin API.')
      const by = await makerOf(tokens, principal)
      const expiresAt = lifeSeconds === undefined ? undefined : new Date(clock.now().getTime() + lifeSeconds * 1000)
      const made = await tokens.create(actorOf(who), { account: principal.account.id, name, scopes, expiresAt, by })
      return { value: made.value, token: viewOf(made.token) }
    },
    async revoke(who, id) {
      if ((await own(who, id)) === undefined) return false
      await tokens.revoke(actorOf(who), id)
      return true
    },
    async find(who, value) {
      const found = await tokens.resolve(value, { address: who.address })
      return found?.account.id === atHand(who).account.id ? viewOf(found.token) : undefined
    },
  }
}

function atHand({ principal }: AtHand): Principal {
  if (principal === undefined) throw new Fault('ERR_UNAUTHENTICATED', 'Please sign in first.')
  return principal
}

function actorOf(who: AtHand): Actor {
  return { kind: 'account', account: atHand(who).account.id, address: who.address, requestId: who.requestId }
}

/** A token of the Provider lives for minutes: what it could make would outlive it. */
async function makerOf(tokens: ApiTokens, { via, tokenId }: Principal): Promise<ApiToken | undefined> {
  if (via === 'session') return undefined
  const maker = tokenId === undefined ? undefined : await tokens.find(tokenId)
  if (maker === undefined) throw new Fault('ERR_FORBIDDEN', 'Only a signed-in person or an API token makes tokens.')
  return maker
}

function viewOf({ id, account, name, hint, scopes, createdAt, expiresAt, lastUsedAt }: ApiToken): TokenView {
  return { id, account, name, hint, scopes, createdAt, expiresAt, lastUsedAt }
}
