/**
 * Access: what an account may see and do, as one snapshot that every dialect projects. Today it holds account,
 * groups and facts; the ledger of grants and terms fills the rest.
 * @module
 */
import { type AccessFace, Fault } from '@labgate/contract'
import type { Accounts } from '../accounts/accounts.ts'
import type { Identities } from '../accounts/identities.ts'

/** Makes what adapters may ask of access. */
export function createAccess(needs: { accounts: Accounts; identities: Identities }): AccessFace {
  return {
    async snapshot(id) {
      const account = await needs.accounts.find(id)
      if (!account) throw new Fault('ERR_NOT_FOUND', `there is no account ${id}`)
      const facts = await needs.identities.facts(id)
      return { account, groups: account.groups, grants: [], terms: [], facts, revision: account.updatedAt.getTime() }
    },
  }
}
