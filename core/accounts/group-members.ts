/** Who is in a group: members and managers, read page by page and changed. @module */
import { type AccountId, type Clock, Fault } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { AccountEntity, GroupEntity, type Group as GroupRow, MembershipEntity } from '../storage/entities.ts'
import { GroupManagerEntity } from '../storage/ledger-entities.ts'
import type { Storage } from '../storage/storage.ts'
import { type AccountRow, assertMayReturn, viewOf } from './accounts.ts'
import { type Actor, type PageAsk, type Paged, pageLimit, partOf, sourceOf } from './actor.ts'
import type { Change } from './changes.ts'

/** That somebody is in a group, and by what. */
export interface Member {
  readonly account: AccountRow
  /** `admin`, `config`, or ids of instances. */
  readonly sources: readonly string[]
  readonly isManager: boolean
  readonly since: Date
}

const ours = /^[a-z0-9][a-z0-9._-]{0,63}$/
/** From so many members on, walking all accounts by name is less work than sorting the members. */
const many = 1000

/** Whether a slug is one of ours: an upstream can never bring it by itself. */
export function isOwnSlug(slug: string): boolean {
  return ours.test(slug)
}

interface Found {
  readonly id: string
  readonly username: string
}

/** One page of a group's members, by username. */
export async function membersOf(storage: Storage, slug: string, ask: PageAsk): Promise<Paged<Member>> {
  const em = storage.em()
  const count = async (from: string, values: readonly string[]) =>
    Number((await em.execute<{ total: number }[]>(`select count(*) as total ${from}`, values))[0]?.total)
  const size = await count('from (select distinct account_id from membership where group_slug = ?) m', [slug])
  const isIn =
    size < many
      ? 'a.id in (select account_id from membership where group_slug = ?)'
      : 'exists (select 1 from membership m where m.account_id = a.id and m.group_slug = ?)'
  const part = ask.search ? partOf(ask.search) : undefined
  const matching = ['username', 'display_name', 'email'].map((name) => `lower(a.${name}) like ? escape '\\'`)
  const from = `from account a where ${isIn}${part === undefined ? '' : ` and (${matching.join(' or ')})`}`
  const values = [slug, ...(part === undefined ? [] : [part, part, part])]
  const limit = pageLimit(ask)
  const found = await em.execute<Found[]>(
    `select a.id, a.username ${from} and a.username > ? order by a.username limit ?`,
    [...values, ask.after ?? '', limit + 1],
  )
  const page = found.slice(0, limit)
  return {
    rows: await filled(storage, slug, page),
    total: part === undefined ? size : await count(from, values),
    next: found.length > limit ? page.at(-1)?.username : undefined,
  }
}

async function filled(storage: Storage, group: string, page: readonly Found[]): Promise<Member[]> {
  const em = storage.em()
  const account = { $in: page.map(({ id }) => id) }
  const managers = new Set((await em.find(GroupManagerEntity, { group, account })).map((row) => row.account))
  const memberships = Map.groupBy(
    await em.find(MembershipEntity, { group, account }, { orderBy: { source: 'asc' } }),
    (row) => row.account,
  )
  const rows = await Promise.all(page.map(({ id }) => storage.accountRows.find(id)))
  return rows.flatMap((row): Member[] => {
    const mine = memberships.get(row?.id ?? '') ?? []
    if (row === undefined || mine.length === 0) return []
    return [
      {
        account: viewOf(row, row.groups),
        sources: mine.map(({ source }) => source),
        isManager: managers.has(row.id),
        since: new Date(Math.min(...mine.map(({ at }) => at.getTime()))),
      },
    ]
  })
}

/** How members and managers change; see `Groups`. */
export interface MemberChanges {
  addMember(actor: Actor, slug: string, account: AccountId): Promise<void>
  removeMember(actor: Actor, slug: string, account: AccountId): Promise<void>
  setManager(actor: Actor, slug: string, manager: { account: AccountId; is: 'manager' | 'none' }): Promise<void>
}

/** Makes the changes of members and managers. */
export function memberChanges({ clock, change }: { clock: Clock; change: Change }): MemberChanges {
  return {
    async addMember(actor, slug, account) {
      await change(actor, { on: 'group', do: 'members', group: slug }, async (em) => {
        await changeable(em, actor, slug)
        const source = sourceOf(actor) === 'config' ? 'config' : 'admin'
        if ((await em.count(MembershipEntity, { account, group: slug, source })) > 0) return { unchanged: undefined }
        await assertIsHere(em, account)
        await noteChanged(em, account)
        em.create(MembershipEntity, { account, group: slug, source, at: clock.now() })
        return { result: undefined, type: 'group.joined', account, target: { group: slug }, ...became({ source }) }
      })
    },
    async removeMember(actor, slug, account) {
      await change(actor, { on: 'group', do: 'members', group: slug }, async (em) => {
        await changeable(em, actor, slug)
        const source = sourceOf(actor) === 'config' ? 'config' : 'admin'
        const rows = await em.find(MembershipEntity, { account, group: slug })
        const others = rows.filter((row) => row.source !== source).map((row) => row.source)
        // One's own word can always be taken back, and somebody else's never.
        if (rows.length === others.length && (others.length === 0 || source === 'config'))
          return { unchanged: undefined }
        if (rows.length === others.length)
          throw new Fault('ERR_CONFLICT', `${others.map(sayer).join(' and ')} says that they are in this group.`)
        await em.nativeDelete(MembershipEntity, { account, group: slug, source })
        await noteChanged(em, account)
        const before = { source }
        return { result: undefined, type: 'group.left', account, target: { group: slug }, before, after: undefined }
      })
    },
    async setManager(actor, slug, { account, is }) {
      await change(actor, { on: 'group', do: 'managers', group: slug }, async (em) => {
        await changeable(em, actor, slug)
        const was = (await em.count(GroupManagerEntity, { group: slug, account })) > 0
        if (was === (is === 'manager')) return { unchanged: undefined }
        if (!was) await assertIsHere(em, account)
        await noteChanged(em, account)
        if (was) await em.nativeDelete(GroupManagerEntity, { group: slug, account })
        else em.create(GroupManagerEntity, { group: slug, account, source: sourceOf(actor) })
        const type = was ? 'group.manager-removed' : 'group.manager-added'
        const [before, after] = was ? [{ manager: true }, { manager: false }] : [{ manager: false }, { manager: true }]
        return { result: undefined, type, account, target: { group: slug }, before, after }
      })
    },
  }
}

const became = (after: { readonly source: string }) => ({ before: undefined, after })

function sayer(source: string): string {
  if (source === 'config') return 'The config file'
  return source === 'profile' ? 'An answer of their own' : `The sign-in “${source}”`
}

/**
 * The row of a group that this actor may change by hand at all.
 * @throws Fault ERR_NOT_FOUND, ERR_CONFLICT when the config or an upstream keeps it
 */
export async function changeable(em: EntityManager, actor: Actor, slug: string): Promise<GroupRow> {
  const row = await em.findOne(GroupEntity, { slug })
  if (!row) throw new Fault('ERR_NOT_FOUND', `There is no group “${slug}”.`)
  if (!isOwnSlug(slug))
    throw new Fault('ERR_CONFLICT', 'This group is kept by a sign-in; change it there, or make one of your own.')
  if (row.source === 'config' && sourceOf(actor) !== 'config')
    throw new Fault('ERR_CONFLICT', 'This group is kept in the config file; change it there.')
  return row
}

/** @throws Fault ERR_NOT_FOUND, ERR_CONFLICT for who was erased or merged: nothing is given to them any more */
async function assertIsHere(em: EntityManager, account: AccountId): Promise<void> {
  const row = await em.findOne(AccountEntity, { id: account }, { disableIdentityMap: true })
  if (!row) throw new Fault('ERR_NOT_FOUND', `There is no account ${account}.`)
  assertMayReturn(row)
}

/** Every answer about this account is made anew. */
async function noteChanged(em: EntityManager, account: AccountId): Promise<void> {
  await em.execute('update account set revision = revision + 1 where id = ?', [account])
}
