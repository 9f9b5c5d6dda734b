/**
 * Groups: named sets of accounts. Ours have plain slugs and are kept by their managers, the config or commands; those
 * an upstream speaks of are `INSTANCE:NAME` and are kept by sign-ins alone.
 * @module
 */
import { type AccountId, type Clock, Fault } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { GroupEntity, MembershipEntity } from '../storage/entities.ts'
import type { Reads } from '../storage/late-orm.ts'
import { GrantEntity, GroupManagerEntity } from '../storage/ledger-entities.ts'
import { nextNumericId } from '../storage/numeric-ids.ts'
import type { Storage } from '../storage/storage.ts'
import { type Actor, actorName, type PageAsk, type Paged, pageLimit, partOf, sourceOf } from './actor.ts'
import type { Change } from './changes.ts'
import { changeable, isOwnSlug, type Member, memberChanges, membersOf } from './group-members.ts'
import { checkedName, checkedText } from './wording.ts'

export type { Member } from './group-members.ts'

/** A group. */
export interface Group {
  readonly slug: string
  /** A whole number, for dialects; see `AccountView.numericId`. */
  readonly numericId: number
  readonly title: string
  readonly description: string
  /** `database`, `config`, `import`, or the id of the instance that brought it. */
  readonly source: string
  readonly memberCount: number
  readonly managers: readonly AccountId[]
}

/** Every group there is, and how one changes. */
export interface Groups {
  list(ask: PageAsk & { readonly managedBy?: AccountId }): Promise<Paged<Group>>
  find(slug: string): Promise<Group | undefined>
  members(slug: string, ask: PageAsk): Promise<Paged<Member>>
  managedBy(account: AccountId): Promise<readonly string[]>
  /** @throws Fault ERR_INPUT (bad slug), ERR_CONFLICT (taken) */
  create(actor: Actor, group: { slug: string; title: string; description?: string | undefined }): Promise<Group>
  /** @throws Fault ERR_NOT_FOUND, ERR_CONFLICT when the config or an upstream keeps it */
  change(actor: Actor, slug: string, patch: { title?: string; description?: string }): Promise<Group>
  /** Removes it with its memberships, and ends its grants. */
  remove(actor: Actor, slug: string): Promise<void>
  addMember(actor: Actor, slug: string, account: AccountId): Promise<void>
  /**
   * Takes back what an admin said; who is in it by another's word too stays by that.
   * @throws Fault ERR_CONFLICT when only an upstream or the config says that they are in it
   */
  removeMember(actor: Actor, slug: string, account: AccountId): Promise<void>
  setManager(actor: Actor, slug: string, manager: { account: AccountId; is: 'manager' | 'none' }): Promise<void>
}

interface GroupColumns {
  readonly slug: string
  readonly numeric_id: number | null
  readonly title: string
  readonly description: string
  readonly source: string
}

/** Makes the groups on a storage. */
export function createGroups(needs: { storage: Storage; clock: Clock; change: Change }): Groups {
  const { storage } = needs
  const find = async (slug: string): Promise<Group | undefined> => {
    const em = storage.em()
    const [row] = await em.execute<GroupColumns[]>('select * from account_group where slug = ?', [slug])
    return row && filled(em, row)
  }
  return {
    find,
    async list(ask) {
      const em = storage.em()
      const { where, values } = groupFilter(ask)
      const [count] = await em.execute<{ total: number }[]>(
        `select count(*) as total from account_group where ${where}`,
        values,
      )
      const limit = pageLimit(ask)
      const found = await em.execute<GroupColumns[]>(
        `select * from account_group where ${where} and slug > ? order by slug limit ?`,
        [...values, ask.after ?? '', limit + 1],
      )
      const rows = await Promise.all(found.slice(0, limit).map((row) => filled(em, row)))
      return { rows, total: Number(count?.total), next: found.length > limit ? rows.at(-1)?.slug : undefined }
    },
    members: (slug, ask) => membersOf(storage, slug, ask),
    managedBy: async (account) => {
      const sql = 'select group_slug from group_manager where account_id = ? order by group_slug'
      return (await storage.em().execute<{ group_slug: string }[]>(sql, [account])).map(({ group_slug }) => group_slug)
    },
    ...groupChanges({ ...needs, find }),
    ...memberChanges(needs),
  }
}

async function filled(em: Reads, { slug, numeric_id, title, description, source }: GroupColumns): Promise<Group> {
  const [count] = await em.execute<{ total: number }[]>(
    'select count(distinct account_id) as total from membership where group_slug = ?',
    [slug],
  )
  const managers = await em.execute<{ account_id: string }[]>(
    'select account_id from group_manager where group_slug = ? order by account_id',
    [slug],
  )
  return {
    slug,
    numericId: numeric_id ?? 0,
    title,
    description,
    source,
    memberCount: Number(count?.total),
    managers: managers.map(({ account_id }) => account_id),
  }
}

function groupFilter({ search, managedBy }: Parameters<Groups['list']>[0]) {
  const managed = 'slug in (select group_slug from group_manager where account_id = ?)'
  const part = search ? partOf(search) : undefined
  const words = [
    ...(part === undefined ? [] : [`(lower(slug) like ? escape '\\' or lower(title) like ? escape '\\')`]),
    ...(managedBy === undefined ? [] : [managed]),
  ]
  return {
    where: words.length > 0 ? words.join(' and ') : '1 = 1',
    values: [...(part === undefined ? [] : [part, part]), ...(managedBy === undefined ? [] : [managedBy])],
  }
}

type GroupChanges = Pick<Groups, 'create' | 'change' | 'remove'>
type Needs = Parameters<typeof createGroups>[0]

function groupChanges({ clock, change, find }: Needs & Pick<Groups, 'find'>): GroupChanges {
  const read = async (slug: string) => (await find(slug)) as Group
  return {
    async create(actor, { slug, title, description = '' }) {
      if (!isOwnSlug(slug))
        throw new Fault(
          'ERR_INPUT',
          'The short name of a group has up to 64 small letters, digits, dots, dashes and underscores, and begins with a letter or digit.',
        )
      const made = { title: checkedName(title), description: checkedText(description), source: sourceOf(actor) }
      await change(actor, { on: 'group', do: 'create', group: slug }, async (em) => {
        if ((await em.count(GroupEntity, { slug })) > 0)
          throw new Fault('ERR_CONFLICT', `There is a group “${slug}” already.`)
        em.create(GroupEntity, { slug, ...made, numericId: await nextNumericId(em) })
        return { result: undefined, type: 'group.created', target: { group: slug }, before: undefined, after: made }
      })
      return read(slug)
    },
    async change(actor, slug, { title, description }) {
      const patch = {
        ...(title === undefined ? {} : { title: checkedName(title) }),
        ...(description === undefined ? {} : { description: checkedText(description) }),
      }
      await change(actor, { on: 'group', do: 'change', group: slug }, async (em) => {
        const row = await changeable(em, actor, slug)
        const before = { title: row.title, description: row.description }
        const after = { ...before, ...patch }
        if (after.title === before.title && after.description === before.description) return { unchanged: undefined }
        em.assign(row, patch)
        return { result: undefined, type: 'group.changed', target: { group: slug }, before, after }
      })
      return read(slug)
    },
    async remove(actor, slug) {
      await change(actor, { on: 'group', do: 'remove', group: slug }, async (em) => {
        const row = await changeable(em, actor, slug)
        const [{ memberCount, managers }, grants] = [
          await filled(em, { ...row, numeric_id: row.numericId ?? null }),
          await em.find(GrantEntity, { subject: `group:${slug}`, endedAt: null }, { fields: ['id'] }),
        ]
        await em.nativeUpdate(
          GrantEntity,
          { subject: `group:${slug}`, endedAt: null },
          { endedAt: clock.now(), endedBy: actorName(actor) },
        )
        await em.execute(
          `update account set revision = revision + 1 where id in (select account_id from membership where group_slug = ?)
             or id in (select account_id from group_manager where group_slug = ?)`,
          [slug, slug],
        )
        // A group that is made anew under this name is another one: no link leads into it.
        await leaveOutOfInvitations(em, slug)
        await em.nativeDelete(MembershipEntity, { group: slug })
        await em.nativeDelete(GroupManagerEntity, { group: slug })
        await em.nativeDelete(GroupEntity, { slug })
        const { title, description, source } = row
        const before = { title, description, source, memberCount, managers, grants: grants.map(({ id }) => id) }
        return { result: undefined, type: 'group.removed', target: { group: slug }, before, after: undefined }
      })
    },
  }
}

async function leaveOutOfInvitations(em: EntityManager, slug: string): Promise<void> {
  const naming = await em.execute<{ id: string; groups: string }[]>(
    `select id, "groups" from account_invitation
       where accepted_at is null and exists (select 1 from json_each("groups") where value = ?)`,
    [slug],
  )
  for (const { id, groups } of naming) {
    // As the entity stores JSON.
    const left = (JSON.parse(groups) as readonly string[]).filter((one) => one !== slug)
    await em.execute('update account_invitation set "groups" = ? where id = ?', [JSON.stringify(left), id])
  }
}
