/**
 * The standing of an account as an admin changes it: whether it may act, and its role. Asks for leave, keeps the last
 * admin, and writes the change with its line of the audit trail in one step.
 * @module
 */
import { type AccountId, type AccountRole, type Clock, Fault } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { type Account, AccountEntity } from '../storage/entities.ts'
import type { Reads } from '../storage/late-orm.ts'
import { type AccountRow, type Accounts, assertMayReturn, mayAct } from './accounts.ts'
import type { Actor } from './actor.ts'
import type { Change } from './changes.ts'

/** How an account's standing changes. */
export interface Standing {
  /**
   * Lets an account act, or shuts it out at once and everywhere.
   * @throws Fault ERR_FORBIDDEN, ERR_NOT_FOUND, ERR_CONFLICT when no admin who may act would be left
   */
  setState(
    actor: Actor,
    id: AccountId,
    state: 'active' | 'deactivated',
    /** `from`: only somebody who still waits; ERR_CONFLICT when that was decided in between. */
    only?: { readonly from: 'pending' },
  ): Promise<AccountRow>
  /** @throws Fault as `setState` */
  setRole(actor: Actor, id: AccountId, role: AccountRole): Promise<AccountRow>
  /** Gives leave for what only admins do to accounts. @throws Fault ERR_FORBIDDEN */
  assertAdmin(actor: Actor): Promise<void>
}

/** Makes it on the accounts. */
export function createStanding(needs: { accounts: Accounts; change: Change; clock: Clock }): Standing {
  const { accounts, change, clock } = needs
  const assertAdmin = async (actor: Actor): Promise<void> => {
    if (actor.kind === 'account') assertIsAdmin(await accounts.find(actor.account))
  }
  const found = async (id: AccountId): Promise<AccountRow> => {
    const account = await accounts.find(id)
    if (!account) throw noSuch()
    return account
  }
  /** Everything is read within the transaction: of two admins who demote each other, one is too late. */
  const patchIn = async (em: EntityManager, actor: Actor, patch: Patch): Promise<Account | undefined> => {
    await assertAdminIn(em, actor)
    const row = await em.findOne(AccountEntity, { id: patch.id })
    if (!row) throw noSuch()
    if (patch.from !== undefined && row.state !== patch.from)
      throw new Fault('ERR_CONFLICT', 'This account does not wait for approval (any more).')
    if (row[patch.field] === patch.value) return undefined
    // Neither back to life nor to power.
    if (patch.value !== 'deactivated' && patch.value !== 'user') assertMayReturn(row)
    if (isActiveAdmin(row) && !isActiveAdmin({ ...row, [patch.field]: patch.value })) await assertOtherAdmin(em, row.id)
    em.assign(row, { [patch.field]: patch.value, updatedAt: clock.now(), revision: row.revision + 1 })
    return row
  }

  return {
    assertAdmin,
    async setState(actor, id, state, only) {
      await assertAdmin(actor)
      const before = await found(id)
      // What was held before a deactivation must not come back to life with it: it ends now, while nobody may act.
      // Who still waits has never held anything.
      if (!mayAct(before) && state === 'active' && only === undefined) await accounts.setState(id, before.state)
      await change(actor, undefined, async (em) => {
        const from = before.state
        const row = await patchIn(em, actor, { id, field: 'state', value: state, from: only?.from })
        if (!row) return { unchanged: undefined }
        const type = state === 'active' ? 'account.activated' : 'account.deactivated'
        return { result: undefined, type, account: id, target: {}, before: from, after: state }
      })
      // Ends sessions and tokens; done again after a crash in between, should somebody repeat it.
      if (state === 'deactivated') await accounts.setState(id, state)
      return found(id)
    },
    async setRole(actor, id, role) {
      await change(actor, undefined, async (em) => {
        const from = (await em.findOne(AccountEntity, { id }))?.role
        const row = await patchIn(em, actor, { id, field: 'role', value: role })
        if (!row) return { unchanged: undefined }
        return { result: undefined, type: 'account.role-changed', account: id, target: {}, before: from, after: role }
      })
      return found(id)
    },
  }
}

interface Patch {
  readonly id: AccountId
  readonly field: 'state' | 'role'
  readonly value: string
  readonly from?: 'pending' | undefined
}

function isActiveAdmin({ state, role }: { state: string; role: string }): boolean {
  return state === 'active' && role === 'admin'
}

function assertIsAdmin(account: { state: string; role: string } | null | undefined): void {
  if (!account || !isActiveAdmin(account)) throw new Fault('ERR_FORBIDDEN', 'Only a site admin may change accounts.')
}

/** Leave within a transaction for what only admins do to accounts. @throws Fault ERR_FORBIDDEN */
export async function assertAdminIn(em: EntityManager, actor: Actor): Promise<void> {
  if (actor.kind === 'account') assertIsAdmin(await em.findOne(AccountEntity, { id: actor.account }))
}

/** A service account cannot sign in to mend anything, so a person must be left. @throws Fault ERR_CONFLICT */
export async function assertOtherAdmin(em: Reads, id: AccountId): Promise<void> {
  const others = await em.count(AccountEntity, { role: 'admin', state: 'active', kind: 'person', id: { $ne: id } })
  if (others === 0)
    throw new Fault('ERR_CONFLICT', 'This is the last admin who may act. Make somebody else admin first.')
}

function noSuch(): Fault {
  return new Fault('ERR_NOT_FOUND', 'There is no such account.')
}
