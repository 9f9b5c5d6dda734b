/**
 * Two accounts of one person become one: what FROM has moves to INTO in one step, FROM is shut for good and only
 * remembers where it went. INTO never rises by it: its role is its own.
 * @module
 */
import { type AccountId, type AccountRole, Fault } from '@labgate/contract'
import { type Account, AccountEntity } from '../storage/entities.ts'
import type { Reads } from '../storage/late-orm.ts'
import { ApiTokenEntity } from '../storage/ledger-entities.ts'
import { type Actor, actorName } from './actor.ts'
import type { LifeNeeds } from './data-holders.ts'
import { type MergePlan, moveIn, planOf } from './merge-rows.ts'
import { assertAdminIn, assertOtherAdmin } from './standing.ts'

/** An account as it is named to people. */
export interface MergeParty {
  readonly id: AccountId
  readonly username: string
  readonly displayName: string
  readonly role: AccountRole
}

/** What a merge does. */
export interface MergePreview extends MergePlan {
  readonly from: MergeParty
  readonly into: MergeParty
  /** What ends with FROM. */
  readonly ends: { readonly tokens: number; readonly sessions: number; readonly consents: readonly string[] }
  /** Why it cannot be done, in words; absent when it can. */
  readonly refused: string | undefined
}

/** Preview and merge. */
export interface Merge {
  mergePreview(from: AccountId, into: AccountId): Promise<MergePreview>
  merge(actor: Actor, from: AccountId, into: AccountId): Promise<MergePreview>
}

/** Makes preview and merge. */
export function createMerge(needs: LifeNeeds): Merge {
  const { storage, clock, change, accounts, consents } = needs
  const look = async (em: Reads, from: AccountId, into: AccountId): Promise<MergePreview> => {
    const [source, target] = [await rowOf(em, from), await rowOf(em, into)]
    const tokens = await em.count(ApiTokenEntity, { account: from, revokedAt: null })
    return {
      from: partyOf(source),
      into: partyOf(target),
      ...(await planOf(em, source, target)),
      ends: {
        tokens,
        sessions: (await storage.sessions.listByAccount(from)).length,
        consents: (await consents.list(from)).map(({ client }) => client),
      },
      refused: await refusalOf(em, source, target),
    }
  }
  const finish = async (from: AccountId): Promise<void> => {
    // Tells every listener: sessions and what the Provider keeps end.
    await accounts.setState(from, 'deactivated')
    await needs.sessions.endAll(from)
    await storage.artifacts.deleteByAccount(from)
    await consents.forgetAll(from)
    await needs.languages.forget(from)
  }
  return {
    mergePreview: (from, into) => look(storage.em(), from, into),
    async merge(actor, from, into) {
      const done = await change(actor, undefined, async (em) => {
        await assertAdminIn(em, actor)
        const preview = await look(em, from, into)
        const source = await rowOf(em, from)
        if (source.mergedInto === into && !source.erasedAt) return { unchanged: { ...preview, refused: undefined } }
        if (preview.refused !== undefined) throw new Fault('ERR_CONFLICT', preview.refused)
        const plan = await moveIn(em, { source, target: await rowOf(em, into), actor, now: clock.now() })
        await em.nativeUpdate(
          ApiTokenEntity,
          { account: from, revokedAt: null },
          { revokedAt: clock.now(), revokedBy: actorName(actor) },
        )
        await noteInto(needs, actor, { from, into })
        const after = countsOf(plan)
        const target = { into }
        return { result: preview, type: 'account.merged' as const, account: from, target, before: undefined, after }
      })
      await finish(from)
      return done
    },
  }
}

/** The other account's history says it, too. */
function noteInto({ change }: LifeNeeds, actor: Actor, { from, into }: { from: AccountId; into: AccountId }) {
  return change<void>(actor, undefined, async () => ({
    result: undefined,
    type: 'account.merged',
    account: into,
    target: { from },
    before: undefined,
    after: undefined,
  }))
}

function countsOf({ moves }: MergePlan) {
  return Object.fromEntries(Object.entries(moves).map(([name, list]) => [name, list.length]))
}

async function rowOf(em: Reads, id: AccountId): Promise<Account> {
  const row = await em.findOne(AccountEntity, { id })
  if (!row) throw new Fault('ERR_NOT_FOUND', 'There is no such account.')
  return row
}

function partyOf({ id, username, displayName, role }: Account): MergeParty {
  return { id, username, displayName, role }
}

async function refusalOf(em: Reads, from: Account, into: Account): Promise<string | undefined> {
  if (from.id === into.id) return 'An account cannot be merged into itself.'
  if (from.kind !== 'person' || into.kind !== 'person') return 'Only accounts of people can be merged.'
  if (from.erasedAt || into.erasedAt) return 'An erased account cannot be merged.'
  if (from.mergedInto || into.mergedInto) return 'One of these accounts was merged into another already.'
  if (from.state !== 'active' || from.role !== 'admin') return undefined
  return assertOtherAdmin(em, from.id).then(
    () => undefined,
    (fault: Error) => fault.message,
  )
}
