/** What a person allowed a relying party to see: remembered per account and client, listed and revoked by the person. @module */
import type { AccountId, Clock, Json, Store } from '@labgate/contract'

/** What a person allowed one relying party. */
export interface Consent {
  readonly client: string
  readonly scopes: readonly string[]
  readonly claims: readonly string[]
  readonly at: Date
}

/** What people allowed, by account and client. */
export interface Consents {
  list(account: AccountId): Promise<Consent[]>
  find(account: AccountId, client: string): Promise<Consent | undefined>
  /**
   * Adds to what was allowed before, less the scopes in `withdrawn`. What was allowed before `since`, in milliseconds, was allowed
   * to another client of this name: it goes.
   */
  remember(
    account: AccountId,
    consent: Omit<Consent, 'at'> & { readonly withdrawn?: readonly string[]; readonly since?: number | undefined },
  ): Promise<void>
  forget(account: AccountId, client: string): Promise<void>
  forgetAll(account: AccountId): Promise<void>
}

/** Long enough to be "until revoked", short enough that the rows of people who left go. */
const lifeSeconds = 5 * 365 * 24 * 3600

/** Makes the consents on a store of documents. */
export function createConsents(needs: { store: Store; clock: Clock }): Consents {
  const { store, clock } = needs
  const read = async (account: AccountId): Promise<Consent[]> => {
    const rows = ((await store.get(account)) ?? []) as {
      client: string
      scopes: string[]
      claims: string[]
      at: string
    }[]
    return rows.map((row) => ({ ...row, at: new Date(row.at) }))
  }
  const write = (account: AccountId, consents: readonly Consent[]) => {
    const rows = consents.map((consent) => ({ ...consent, at: consent.at.toISOString() }))
    return store.put(account, rows as unknown as Json, lifeSeconds)
  }
  const change = (account: AccountId, edit: (consents: Consent[]) => Consent[]) =>
    store.lock(account, async () => write(account, edit(await read(account))))

  return {
    list: read,
    find: async (account, client) => (await read(account)).find((consent) => consent.client === client),
    forget: (account, client) => change(account, (all) => all.filter((consent) => consent.client !== client)),
    forgetAll: (account) => store.lock(account, () => store.delete(account)),
    remember: (account, { client, scopes, claims, withdrawn = [], since = 0 }) =>
      change(account, (all) => {
        const before = all.find((consent) => consent.client === client && consent.at.getTime() >= since)
        const merged = {
          client,
          scopes: [...new Set([...(before?.scopes ?? []), ...scopes])].filter((scope) => !withdrawn.includes(scope)),
          claims: [...new Set([...(before?.claims ?? []), ...claims])],
          at: clock.now(),
        }
        return [...all.filter((consent) => consent.client !== client), merged]
      }),
  }
}
