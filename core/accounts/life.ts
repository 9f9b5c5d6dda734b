/**
 * The life of an account after its sign-up: joined with another, handed out to the person, erased, looked back on.
 * Plugins are told of at the start: who exports or erases must reach every one of them.
 * @module
 */
import type { AccountId } from '@labgate/contract'
import type { AuditLine } from '../storage/audit.ts'
import type { Actor } from './actor.ts'
import type { LifeNeeds } from './data-holders.ts'
import { createErase, type Erased } from './erase.ts'
import { type AccountExport, createExport } from './export.ts'
import { createHistory, type HistoryAsk } from './history.ts'
import { createMerge, type MergePreview } from './merge.ts'

/** What can be done with a whole account. */
export interface Life {
  /** What a merge would move, end and leave, or why it is refused. By ids. @throws Fault ERR_NOT_FOUND */
  mergePreview(from: AccountId, into: AccountId): Promise<MergePreview>
  /**
   * Moves what FROM has to INTO and shuts FROM for good; done again, it finishes what a crash left.
   * @throws Fault ERR_FORBIDDEN, ERR_NOT_FOUND, ERR_CONFLICT saying why not
   */
  merge(actor: Actor, from: AccountId, into: AccountId): Promise<MergePreview>
  /** Everything kept about somebody; for themselves and for site admins. @throws Fault ERR_FORBIDDEN, ERR_NOT_FOUND */
  exportOf(actor: Actor, account: AccountId): Promise<AccountExport>
  /**
   * Erases a person; done again, it finishes what a crash left. Answers what still names them outside the database.
   * @throws Fault ERR_FORBIDDEN, ERR_NOT_FOUND, ERR_CONFLICT (the last admin), ERR_PLUGIN (one that cannot be reached)
   */
  erase(actor: Actor, account: AccountId): Promise<Erased>
  /** What happened to an account, newest first; the caller asks who may read it. */
  history(
    account: AccountId,
    ask: HistoryAsk,
  ): Promise<{ readonly rows: readonly AuditLine[]; readonly next: number | undefined }>
}

/** Makes it on the accounts. */
export function createLife(needs: LifeNeeds): Life {
  return {
    ...createMerge(needs),
    exportOf: createExport(needs),
    erase: createErase(needs),
    history: createHistory(needs.storage),
  }
}
