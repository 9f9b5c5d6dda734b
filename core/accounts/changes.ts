/**
 * The one door by which groups, tokens and the ledger change: leave is asked, the change and its line in the audit trail
 * (with before and after) share one transaction, and the ledger's revision grows, so that the next answer is made anew.
 * @module
 */
import type { AccountId, Json, Log } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import type { AuditType } from '../observe/audit.ts'
import type { Storage } from '../storage/storage.ts'
import { type Act, type Actor, type Authorise, actorName } from './actor.ts'

/** What a change has done. */
export interface Changed<T> {
  readonly result: T
  readonly type: AuditType
  /** The account it was done to, if it was one. */
  readonly account?: AccountId | undefined
  /** What was changed, by its id: `{ dataset: 'fish2' }`. */
  readonly target: Readonly<Record<string, Json>>
  /** `undefined`: it was not there. Never a secret. */
  readonly before: Json | undefined
  readonly after: Json | undefined
}

/**
 * Makes one change. An `act` that depends on what is there is read in the same transaction. `work` answers `unchanged`
 * when there was nothing to do: no line is written then, and the revision stays.
 */
export type Change = <T>(
  actor: Actor,
  act: Act | undefined | ((em: EntityManager) => Promise<Act>),
  work: (em: EntityManager) => Promise<Changed<T> | { readonly unchanged: T }>,
) => Promise<T>

/** Where the ledger's revision stands. */
export const ledgerRevision = 'ledger.revision'

/** Makes the door on a storage. Inside an open transaction of `storage.transaction` a change joins it. */
export function createChange(needs: { storage: Storage; log: Log; authorise: Authorise }): Change {
  return async (actor, act, work) => {
    const outcome = await needs.storage.transaction(async (em) => {
      // Asked where it is written: nobody loses a right in between.
      if (act !== undefined) await needs.authorise(actor, typeof act === 'function' ? await act(em) : act)
      const done = await work(em)
      if ('unchanged' in done) return done
      await em.flush()
      await em.execute(`update setting set value = cast(cast(value as integer) + 1 as text) where "key" = ?`, [
        ledgerRevision,
      ])
      const { type, ...line } = lineOf(actor, done)
      await needs.storage.audit.appendIn(em, { type, ...line })
      // Of a change that joined an outer transaction, too: what is rolled back with that must not be in the log.
      needs.storage.afterCommit(() => needs.log.info({ audit: type, ...line }, 'audit'))
      return done
    })
    return 'unchanged' in outcome ? outcome.unchanged : outcome.result
  }
}

function lineOf(actor: Actor, { type, account, target, before, after }: Changed<unknown>) {
  const detail = { ...target, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
  const from = actor.kind === 'account' ? { address: actor.address, requestId: actor.requestId } : {}
  return { type, actor: actorName(actor), account, ...from, detail }
}
