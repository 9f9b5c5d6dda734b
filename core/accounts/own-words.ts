/** The name and the contact address of an account, as the person or an admin changes them. @module */
import { type AccountId, type AtHand, type Clock, Fault, parseAddress, type SelfFace } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { AccountEntity, IdentityEntity } from '../storage/entities.ts'
import type { Storage } from '../storage/storage.ts'
import { assertMayReturn, inSmallLetters, verifiedEmail } from './accounts.ts'
import type { Actor } from './actor.ts'
import type { Change } from './changes.ts'
import { assertAdminIn } from './standing.ts'
import { checkedName } from './wording.ts'

/** What is to be changed; what is absent stays. */
export interface Words {
  readonly displayName?: string | undefined
  /** `null`: none any more. */
  readonly email?: string | null | undefined
}

/** How the words about an account change. */
export interface OwnWords {
  /**
   * By the person, or by a site admin. Dialects tell the address on as the person's: it must be one that a way to sign in
   * of theirs vouches for.
   * @throws Fault ERR_FORBIDDEN, ERR_NOT_FOUND, ERR_INPUT, ERR_CONFLICT (shut for good)
   */
  set(actor: Actor, account: AccountId, words: Words): Promise<void>
}

/** Makes it. */
export function createOwnWords({ change, clock }: { change: Change; clock: Clock; storage: Storage }): OwnWords {
  return {
    async set(actor, account, { displayName, email }) {
      const name = displayName === undefined ? undefined : checkedName(displayName)
      await change(actor, undefined, async (em) => {
        if (actor.kind !== 'account' || actor.account !== account) await assertAdminIn(em, actor)
        const row = await em.findOne(AccountEntity, { id: account })
        if (!row) throw new Fault('ERR_NOT_FOUND', 'There is no such account.')
        assertMayReturn(row)
        const address =
          email === undefined ? (row.email ?? null) : email === null ? null : await proved(em, account, email)
        const isNewAddress = address !== (row.email ?? null)
        const after = { displayName: name ?? row.displayName, email: address }
        if (!isNewAddress && after.displayName === row.displayName) return { unchanged: undefined }
        const isVerified = isNewAddress ? address !== null : row.emailVerified
        em.assign(row, { ...after, emailVerified: isVerified, updatedAt: clock.now(), revision: row.revision + 1 })
        // Which of the two it was; names and addresses are not for the trail, which outlives them.
        const changed = [...(isNewAddress ? ['email'] : []), ...(name === undefined ? [] : ['displayName'])]
        return {
          ...{ result: undefined, type: 'account.changed', account, target: { changed } },
          ...{ before: undefined, after: undefined },
        }
      })
    },
  }
}

async function proved(em: EntityManager, account: AccountId, email: string): Promise<string> {
  const parsed = parseAddress(email)
  if (!parsed) throw new Fault('ERR_INPUT', 'This is not a mail address.')
  const wanted = inSmallLetters(parsed.address)
  const ways = await em.find(IdentityEntity, { account, removedAt: null }, { disableIdentityMap: true })
  if (ways.some(({ facts }) => verifiedEmail(facts) === wanted)) return wanted
  throw new Fault(
    'ERR_INPUT',
    'This address is not proved. Link it as a way to sign in first, on the page “Your account”; then it can be chosen.',
  )
}

/** The same, for the person at hand of a dialect. */
export function createSelfFace(words: OwnWords): SelfFace {
  return {
    change: async (who, patch) => words.set(actorOf(who), accountOf(who), patch),
  }
}

function accountOf({ principal }: AtHand): AccountId {
  if (principal === undefined) throw new Fault('ERR_UNAUTHENTICATED', 'Please sign in first.')
  return principal.account.id
}

function actorOf(who: AtHand): Actor {
  return { kind: 'account', account: accountOf(who), address: who.address, requestId: who.requestId }
}
