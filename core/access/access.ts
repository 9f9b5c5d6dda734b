/**
 * Answers from the ledger: may this account do this, why, and everything about one account at once. One pure
 * judgement (`judge.ts`) stands behind all of them.
 * @module
 */
import {
  type AccessAsk,
  type AccessFace,
  type AccountId,
  type Clock,
  type Decision,
  Fault,
  type Missing,
  type TermsView,
} from '@labgate/contract'
import type { Accounts } from '../accounts/accounts.ts'
import type { Identities } from '../accounts/identities.ts'
import type { Storage } from '../storage/storage.ts'
import type { Grant } from './model.ts'

/** A grant that speaks to a question, and whether it counts. */
export interface ExplainedGrant {
  readonly grant: Grant
  readonly counts: boolean
  /** What each of its conditions still misses. */
  readonly missing: readonly Missing[]
}

/** The answer with its reasons. */
export interface Explanation extends Decision {
  readonly ask: AccessAsk
  /** The dataset's slug, when there is one. */
  readonly dataset: string | undefined
  /** Those that count first. */
  readonly lines: readonly ExplainedGrant[]
  readonly terms: readonly TermsView[]
  /** In words, for a person: why, or what is missing and how to get it. */
  readonly words: readonly string[]
}

/** What the rooms of the house may ask. */
export interface Access extends AccessFace {
  explain(ask: AccessAsk): Promise<Explanation>
  /** Terms that must be accepted before a person may use a client or dialect instance, accepted ones left out. */
  missingTerms(ask: { readonly account: AccountId; readonly service: string }): Promise<readonly TermsView[]>
}

/** Makes the answers. */
export function createAccess(needs: {
  storage: Storage
  clock: Clock
  accounts: Accounts
  identities: Identities
}): Access {
  const notYet = () => {
    throw new TypeError('not built yet')
  }
  return {
    async snapshot(id) {
      const account = await needs.accounts.find(id)
      if (!account) throw new Fault('ERR_NOT_FOUND', `there is no account ${id}`)
      const facts = await needs.identities.facts(id)
      const revision = account.updatedAt.getTime()
      return { account, groups: account.groups, managedGroups: [], grants: [], terms: [], facts, revision }
    },
    anyone: notYet,
    decide: notYet,
    explain: notYet,
    dataset: notYet,
    datasetOfTable: notYet,
    placesIn: notYet,
    publicRoots: notYet,
    missingTerms: async () => [],
  }
}
