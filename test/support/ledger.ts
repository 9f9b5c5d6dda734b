/** A ledger on a storage of its own: the real rooms, without a server. @module */
import type { AccountId, AccountRole, Log } from '@labgate/contract'
import { createDatasets, type Datasets } from '../../core/access/datasets.ts'
import { createGrants, type Grants } from '../../core/access/grants.ts'
import { type Accounts, createAccounts } from '../../core/accounts/accounts.ts'
import type { Actor, Authorise } from '../../core/accounts/actor.ts'
import { type Change, createChange } from '../../core/accounts/changes.ts'
import { createGroups, type Groups } from '../../core/accounts/groups.ts'
import { systemRandom } from '../../core/random.ts'
import { type OpenedStorage, openSqlite } from './storage.ts'

/** Datasets and grants with what they stand on. */
export interface OpenedLedger extends OpenedStorage {
  readonly change: Change
  readonly accounts: Accounts
  readonly groups: Groups
  readonly datasets: Datasets
  readonly grants: Grants
  /** The log's lines of the audit trail. */
  readonly told: Readonly<Record<string, unknown>>[]
  /** Makes an active person. */
  person(options?: { readonly role?: AccountRole; readonly state?: 'active' | 'deactivated' }): Promise<AccountId>
  revision(): Promise<number>
}

/** The house itself, as a command and as the config file. */
export const command: Actor = { kind: 'system', name: 'labgate dataset' }
export const config: Actor = { kind: 'system', name: 'config' }

/** One who sits at a browser. */
export const at = (account: AccountId) =>
  ({ kind: 'account', account, address: '192.0.2.7', requestId: 'request-1' }) as const

/** Opens it. `authorise` gives leave; without one everybody may do everything. */
export async function openLedger(authorise: Authorise = async () => undefined): Promise<OpenedLedger> {
  const opened = await openSqlite()
  const { storage, clock } = opened
  const told: Readonly<Record<string, unknown>>[] = []
  const ignore = () => undefined
  const log: Log = { debug: ignore, info: (fields) => void told.push(fields), warn: ignore, error: ignore }
  const change = createChange({ storage, log, authorise })
  const needs = { storage, clock, random: systemRandom, change }
  const accounts = createAccounts(needs)
  return {
    ...opened,
    told,
    change,
    accounts,
    groups: createGroups(needs),
    datasets: createDatasets(needs),
    grants: createGrants(needs),
    person: ({ role = 'user', state = 'active' } = {}) =>
      storage.transaction((em) => accounts.createIn(em, { facts: [], state, role })),
    revision: async () => {
      const [row] = await storage
        .em()
        .execute<{ value: string }[]>(`select value from setting where "key" = 'ledger.revision'`)
      return Number(row?.value)
    },
  }
}

/** Reads a list to its end, page by page. */
export async function allPages<T>(
  read: (after: string | undefined) => Promise<{ readonly rows: readonly T[]; readonly next: string | undefined }>,
): Promise<T[]> {
  const rows: T[] = []
  let after: string | undefined
  do {
    const page = await read(after)
    rows.push(...page.rows)
    after = page.next
  } while (after !== undefined)
  return rows
}
