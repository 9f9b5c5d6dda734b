/** The directory of accounts: long lists by username, and what stands about one of them. Reading only. @module */
import type { AccountId, AccountRole, AccountState } from '@labgate/contract'
import type { Storage } from '../storage/storage.ts'
import { type AccountRow, viewOf } from './accounts.ts'
import { type PageAsk, type Paged, pageLimit, partOf } from './actor.ts'

/** An account, and whether it is shut for good. */
export interface DirectoryEntry extends AccountRow {
  /** The account that has taken over what this one had. */
  readonly mergedInto: AccountId | undefined
  readonly erasedAt: Date | undefined
}

/** Which accounts to list. Without `state`, those that are shut for good are left out; `shut` lists them alone. */
export interface DirectoryAsk extends PageAsk {
  readonly state?: AccountState | 'shut' | undefined
  readonly role?: AccountRole | undefined
  readonly kind?: 'person' | 'service' | undefined
}

/** That an account is in a group by the word of one source. */
export interface MembershipLine {
  readonly slug: string
  readonly title: string
  /** `admin`, `config`, `profile`, or the id of an instance. */
  readonly source: string
  /** Who keeps the group: `database`, `config`, `import`, or the id of an instance. */
  readonly keptBy: string
  readonly at: Date
}

/** Every account there is, to look at. */
export interface Directory {
  /** By username; `search` is part of a username, name or address. A page costs the same however far back it is. */
  list(ask: DirectoryAsk): Promise<Paged<DirectoryEntry>>
  /** By id alone: a username could be another one's id. */
  find(id: AccountId): Promise<DirectoryEntry | undefined>
  /** By group, then source. */
  memberships(account: AccountId): Promise<readonly MembershipLine[]>
}

/** Makes it on a storage. */
export function createDirectory({ storage }: { storage: Pick<Storage, 'em' | 'accountRows'> }): Directory {
  const find = async (id: AccountId): Promise<DirectoryEntry | undefined> => {
    const row = await storage.accountRows.find(id)
    if (row === undefined) return undefined
    return { ...viewOf(row, row.groups), mergedInto: row.mergedInto ?? undefined, erasedAt: row.erasedAt ?? undefined }
  }
  return {
    find,
    async list(ask) {
      const em = storage.em()
      const { where, values } = filterOf(ask)
      const [count] = await em.execute<{ total: number }[]>(
        `select count(*) as total from account where ${where}`,
        values,
      )
      const limit = pageLimit(ask)
      // Along the index of usernames: the next page begins where this one ends, whatever was added in between.
      const found = await em.execute<{ id: string; username: string }[]>(
        `select id, username from account where ${where} and username > ? order by username limit ?`,
        [...values, ask.after ?? '', limit + 1],
      )
      const page = found.slice(0, limit)
      return {
        rows: (await Promise.all(page.map(({ id }) => find(id)))).filter((one) => one !== undefined),
        total: Number(count?.total),
        next: found.length > limit ? page.at(-1)?.username : undefined,
      }
    },
    async memberships(account) {
      const rows = await storage.em().execute<MembershipColumns[]>(
        `select g.slug, g.title, m.source, g.source as kept_by, m.at from membership m
          join account_group g on g.slug = m.group_slug where m.account_id = ? order by g.slug, m.source`,
        [account],
      )
      return rows.map(({ kept_by, at, ...row }) => ({ ...row, keptBy: kept_by, at: new Date(at) }))
    },
  }
}

interface MembershipColumns {
  readonly slug: string
  readonly title: string
  readonly source: string
  readonly kept_by: string
  readonly at: number
}

function filterOf({ search, state, role, kind }: DirectoryAsk): { where: string; values: string[] } {
  const shut = '(merged_into is not null or erased_at is not null)'
  const part = search === undefined || search.trim() === '' ? undefined : partOf(search.trim())
  const matching = ['username', 'display_name', 'email'].map((name) => `lower(${name}) like ? escape '\\'`)
  const conditions = [
    state === 'shut' ? shut : `not ${shut}`,
    ...(state === undefined || state === 'shut' ? [] : ['state = ?']),
    ...(role === undefined ? [] : ['role = ?']),
    ...(kind === undefined ? [] : ['kind = ?']),
    ...(part === undefined ? [] : [`(${matching.join(' or ')})`]),
  ]
  const chosen = [state === 'shut' ? undefined : state, role, kind].filter((value) => value !== undefined)
  return { where: conditions.join(' and '), values: [...chosen, ...(part === undefined ? [] : [part, part, part])] }
}
