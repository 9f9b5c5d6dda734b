/** What an admin does to somebody's ways in: takes one away, ends sessions. Asks for leave; every act is in the trail. @module */
import { type AccountId, Fault } from '@labgate/contract'
import type { Audit } from '../observe/audit.ts'
import type { Actor } from './actor.ts'
import { actorName } from './actor.ts'
import type { Change } from './changes.ts'
import type { Identities, IdentityRow } from './identities.ts'
import type { Sessions } from './sessions.ts'
import { assertAdminIn, type Standing } from './standing.ts'

/** Ways in of an account, as an admin keeps them. */
export interface Keeping {
  /**
   * Takes a way to sign in from an account, with the sessions that began by it. The last one only from an account that
   * is deactivated: nobody who may act is left outside. What the upstream was told of is the caller's.
   * @throws Fault ERR_FORBIDDEN, ERR_NOT_FOUND, ERR_CONFLICT
   */
  unlink(actor: Actor, account: AccountId, identity: string): Promise<IdentityRow>
  /** @throws Fault ERR_FORBIDDEN, ERR_NOT_FOUND */
  endSession(actor: Actor, account: AccountId, handle: string): Promise<void>
  /** Every session, and by `revoke` every token that sign-ins led to. API tokens stay. @throws Fault ERR_FORBIDDEN */
  signOut(actor: Actor, account: AccountId, revoke: (account: AccountId) => Promise<void>): Promise<void>
}

/** What it takes. */
export interface KeepingNeeds {
  readonly change: Change
  readonly audit: Audit
  readonly identities: Pick<Identities, 'unlink'>
  readonly sessions: Pick<Sessions, 'list' | 'endByHandle' | 'endAll'>
  readonly standing: Pick<Standing, 'assertAdmin'>
}

/** Makes it. */
export function createKeeping({ change, audit, identities, sessions, standing }: KeepingNeeds): Keeping {
  const note = (actor: Actor, event: { type: 'session.revoked' | 'sign-out.everywhere'; account: AccountId }) =>
    audit({
      ...event,
      actor: actorName(actor),
      ...(actor.kind === 'account' ? { address: actor.address, requestId: actor.requestId } : {}),
    })
  return {
    async unlink(actor, account, identity) {
      const gone = await change(actor, undefined, async (em) => {
        await assertAdminIn(em, actor)
        const result = await identities.unlink(account, identity, { last: 'when-deactivated' })
        const target = { instance: result.instance }
        return { result, type: 'identity.unlinked' as const, account, target, before: undefined, after: undefined }
      })
      for (const row of await sessions.list(account))
        if (row.identity === gone.id) await sessions.endByHandle(account, row.handle)
      return gone
    },
    async endSession(actor, account, handle) {
      await standing.assertAdmin(actor)
      const found = (await sessions.list(account)).find((row) => row.handle === handle)
      if (!found) throw new Fault('ERR_NOT_FOUND', 'There is no such session (any more).')
      await sessions.endByHandle(account, found.handle)
      await note(actor, { type: 'session.revoked', account })
    },
    async signOut(actor, account, revoke) {
      await standing.assertAdmin(actor)
      // Sessions first: nobody makes a new token in between.
      await sessions.endAll(account)
      await revoke(account)
      await note(actor, { type: 'sign-out.everywhere', account })
    },
  }
}
