/** What the console's rooms for the ledger stand on. @module */
import type { Access } from '../access/access.ts'
import type { Ledger } from '../access/ledger.ts'
import type { Accounts } from '../accounts/accounts.ts'
import type { Desk } from '../login/desk.ts'
import type { AuthzInstance } from '../registry/instance.ts'
import type { AuditTrail } from '../storage/audit.ts'

/** What the rooms stand on. */
export interface LedgerConsoleNeeds {
  readonly desk: Desk
  readonly ledger: Ledger
  readonly access: Access
  readonly accounts: Accounts
  readonly trail: Pick<AuditTrail, 'list' | 'about'>
  /** Whose answers are shown beside an explanation. */
  readonly dialects: readonly Pick<AuthzInstance, 'id' | 'plugin' | 'adapter'>[]
  /** Clients and dialect instances, for which it can be asked. */
  services(): readonly string[]
}
