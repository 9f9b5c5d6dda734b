/** The language that a person chose to read: remembered with the account, for every browser and for mail. @module */
import type { AccountId, Store } from '@labgate/contract'

/** Languages by account. */
export interface Languages {
  /** The language that the person chose, a BCP 47 tag; `undefined`: they never chose. */
  of(account: AccountId): Promise<string | undefined>
  choose(account: AccountId, language: string): Promise<void>
  forget(account: AccountId): Promise<void>
}

/** As long as consents: until it is chosen anew, or nobody has come for years. */
const lifeSeconds = 5 * 365 * 24 * 3600

/** Makes them on a store of documents. */
export function createLanguages({ store }: { readonly store: Store }): Languages {
  return {
    async of(account) {
      const kept = await store.get(account)
      return typeof kept === 'string' ? kept : undefined
    },
    choose: (account, language) => store.put(account, language, lifeSeconds),
    forget: (account) => store.delete(account),
  }
}
