/**
 * Accounts: who is known here, in which state and role. Ids are random, opaque and never reused; usernames never change.
 * @module
 */

import {
  type AccountId,
  type AccountRole,
  type AccountState,
  type AccountsFace,
  type AccountView,
  type Assertion,
  type Clock,
  type Fact,
  Fault,
  type GroupView,
  type PeopleAsk,
  type Random,
} from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { newId } from '../random.ts'
import type { AccountRecord } from '../storage/account-rows.ts'
import type { AccountStanding } from '../storage/artifact-rows.ts'
import { type Account, AccountEntity, type Group, GroupEntity, MembershipEntity } from '../storage/entities.ts'
import { GroupManagerEntity } from '../storage/ledger-entities.ts'
import { type KnownIdentity, type Revisions, sameRevisions } from '../storage/ledger-rows.ts'
import { createMemo, frozen } from '../storage/memo.ts'
import { nextNumericId } from '../storage/numeric-ids.ts'
import type { Storage } from '../storage/storage.ts'
import { partOf } from './actor.ts'
import { managersOf } from './manager-rows.ts'
import { searchWhere } from './paging.ts'
import { isRetired } from './retired-names.ts'
import { displayNameOf, usernameCandidates } from './username.ts'

/** What an account is made of. */
export interface NewAccount {
  readonly facts: readonly Fact[]
  readonly state: AccountState
  readonly role: AccountRole
}

/** An account, with its times. */
export interface AccountRow extends AccountView {
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly lastSignInAt: Date | undefined
}

/** Which accounts to list. */
export interface AccountQuery {
  /** Part of a username, name or address. */
  readonly search?: string | undefined
  readonly state?: AccountState | undefined
  readonly role?: AccountRole | undefined
  readonly limit: number
  readonly offset: number
}

/** An account as it was read, and where it stood. */
export interface ReadAccount {
  readonly account: AccountRecord
  readonly at: Revisions
  /** The storage's generation before it was read. */
  readonly seen: number
}

/** Every account there is, and how one changes. */
export interface Accounts extends AccountsFace {
  find(id: AccountId): Promise<AccountRow | undefined>
  findByUsername(username: string): Promise<AccountRow | undefined>
  findByVerifiedEmail(email: string): Promise<AccountRow | undefined>
  /**
   * The account, if it may act now: a service account only while its parent may. `read`: it and where its revisions stand,
   * when they were read already, at one instant. When it last signed in may be that of before: that changes nothing of what
   * it may do.
   */
  acting(id: AccountId, read?: ReadAccount): Promise<AccountRow | undefined>
  /** Newest first. */
  list(options: AccountQuery): Promise<AccountRow[]>
  /** How many a list has in all. */
  count(query: Pick<AccountQuery, 'search' | 'state' | 'role'>): Promise<number>
  /** Creates within the caller's transaction, so that an account never stands without its first identity. */
  createIn(em: EntityManager, account: NewAccount): Promise<AccountId>
  setState(id: AccountId, state: AccountState): Promise<AccountRow>
  setRole(id: AccountId, role: AccountRole): Promise<AccountRow>
  setDisplayName(id: AccountId, name: string): Promise<AccountRow>
  /** Fills an empty contact address, or marks the present one as proved. */
  noteVerifiedEmail(id: AccountId, email: string): Promise<void>
  noteSignIn(id: AccountId): Promise<void>
  /**
   * Sets what one source (an instance) says of a person's groups, by slug; other sources' memberships stay. `false`: it says
   * the same as before.
   */
  setGroups(id: AccountId, source: string, slugs: readonly string[]): Promise<boolean>
  /** Called when an account stops or begins to act: what it holds from before (sessions, tokens) must end. */
  onStateChange(listener: (id: AccountId) => Promise<void>): void
}

/** The best verified address in a set of facts. */
export function verifiedEmail(facts: readonly Fact[]): string | undefined {
  const fact = facts.find(
    ({ claim, trust, value }) => claim === 'email' && trust === 'verified' && typeof value === 'string',
  )
  return fact && inSmallLetters(fact.value as string)
}

/**
 * A mail address in the one spelling in which addresses are compared: ASCII letters small, all others as they are. The
 * usual lower case makes a `k` of U+212A KELVIN SIGN, and somebody else's address of one mailbox.
 */
export function inSmallLetters(address: string): string {
  return address.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

const readWith = new WeakMap<object, readonly KnownIdentity[]>()

/** The identities of an account as it acts, if they were read with it. */
export function identitiesReadWith(acting: object): readonly KnownIdentity[] | undefined {
  return readWith.get(acting)
}

/** Whether an account's own state lets it act. Doors ask `Accounts.acting`, which knows of parents too. */
export function mayAct({ state }: { readonly state: string | null }): boolean {
  return state === 'active'
}

/** Whether an account that stands so may act: a service account only while its parent, a person, may. */
export function mayActOn({ state, kind, parent }: AccountStanding): boolean {
  if (!mayAct({ state })) return false
  return kind === 'person' || parent === undefined || (parent.kind === 'person' && mayAct(parent))
}

/**
 * Slugs of the groups an upstream stands for: `INSTANCE:NAME`, so that none is ever one of ours by its name alone, or
 * what the config maps the name to. Names longer than 200 characters or with control characters are left out.
 */
export function groupsOf(
  { facts }: Pick<Assertion, 'facts'>,
  { instance, groups = {} }: { instance: string; groups?: Readonly<Record<string, string>> | undefined },
): string[] {
  return facts
    .filter(({ claim, trust }) => claim === 'groups' && trust !== 'self')
    .flatMap(({ value }) => (Array.isArray(value) ? value : [value]))
    .filter((value): value is string => typeof value === 'string' && isGroupName(value))
    .map((name) => (Object.hasOwn(groups, name) ? groups[name] : undefined) ?? `${instance}:${name}`)
}

function isGroupName(name: string): boolean {
  return name !== '' && name.length <= 200 && !/\p{Cc}/u.test(name)
}

/** Whether an account was merged or erased: it never acts again. */
export function isShut(row: Pick<Account, 'mergedInto' | 'erasedAt'> | null | undefined): boolean {
  return Boolean(row?.mergedInto ?? row?.erasedAt)
}

/** @throws Fault ERR_CONFLICT when the account is shut for good */
export function assertMayReturn(row: Pick<Account, 'mergedInto' | 'erasedAt'>): void {
  if (row.erasedAt) throw new Fault('ERR_CONFLICT', 'This account was erased. It cannot come back.')
  if (row.mergedInto) throw new Fault('ERR_CONFLICT', 'This account was merged into another one. It cannot come back.')
}

/** Groups as dialects may see them. */
function groupFaces(storage: Storage): Pick<AccountsFace, 'findGroup' | 'searchGroups'> {
  return {
    async findGroup(group) {
      const where = typeof group === 'number' ? { numericId: group } : { slug: group }
      const row = await storage.em().findOne(GroupEntity, where, { disableIdentityMap: true })
      return row ? groupView(row) : undefined
    },
    async searchGroups(part) {
      const like = partOf(part)
      const sql = `select slug, title, description, numeric_id as "numericId" from account_group where instr(slug, ':') = 0
        and (lower(slug) like ? escape '\\' or lower(title) like ? escape '\\') order by slug limit 100`
      return (await storage.em().execute<Parameters<typeof groupView>[0][]>(sql, [like, like])).map(groupView)
    },
  }
}

function groupView(row: Pick<Group, 'slug' | 'title' | 'description' | 'numericId'>): GroupView {
  const { slug, title, description, numericId } = row
  return { slug, title, description, numericId: numericId ?? 0 }
}

/** Makes the accounts on a storage. */
export function createAccounts(needs: { storage: Storage; clock: Clock; random: Random }): Accounts {
  const { storage, clock, random } = needs
  const listeners: ((id: AccountId) => Promise<void>)[] = []
  type Row = Account

  const withGroups = async (row: Row | null): Promise<AccountRow | undefined> => {
    if (!row) return undefined
    const memberships = await storage.em().find(MembershipEntity, { account: row.id })
    return viewOf(row, [...new Set(memberships.map((membership) => membership.group))].toSorted())
  }
  // Two accounts of one person may have proved one address: it is always the same one of them that is meant.
  const findWhere = async (where: Partial<Row>) =>
    withGroups(await storage.em().findOne(AccountEntity, where, { orderBy: { createdAt: 'asc', id: 'asc' } }))
  const find = async (id: AccountId): Promise<AccountRow | undefined> => {
    const row = await storage.accountRows.find(id)
    return row && viewOf(row, row.groups)
  }

  const readActing = async (id: AccountId, read: AccountRecord | undefined): Promise<AccountRow | undefined> => {
    const account = read === undefined ? await find(id) : viewOf(read, read.groups)
    if (!account || !mayAct(account)) return undefined
    if (account.kind === 'person' || account.parent === undefined) return account
    const parent = (await find(account.parent)) ?? { state: null, kind: null }
    return mayActOn({ ...account, parent }) ? account : undefined
  }
  const actors = createMemo<{ seen: number; readonly at: Revisions; readonly account: AccountRow | undefined }>(10_000)
  const acting: Accounts['acting'] = async (id, read) => {
    const seen = read?.seen ?? storage.generation()
    const kept = actors.peek(id, () => true)
    if (kept?.seen === seen) return kept.account
    const looked = read === undefined ? await storage.ledgerRows.standing(id, kept?.at) : undefined
    const at = read?.at ?? looked?.revisions
    if (at === undefined) return undefined
    if (kept !== undefined && sameRevisions(kept.at, at)) {
      kept.seen = seen
      return kept.account
    }
    const account = frozen(await readActing(id, read?.account ?? looked?.now?.account))
    if (account !== undefined && looked?.now !== undefined) readWith.set(account, looked.now.identities)
    // Whoever has read it keeps it. Else it is kept under what stood before: what has changed since is read at the next look.
    if (read === undefined) actors.keep(id, { seen, at, account })
    return account
  }

  const change = async (id: AccountId, patch: Partial<Row>): Promise<AccountRow> => {
    await storage.transaction(async (em) => {
      const row = await em.findOne(AccountEntity, { id })
      if (!row) throw new Fault('ERR_NOT_FOUND', `there is no account ${id}`)
      // Neither back to life nor to a name: a form may have been open while its account was shut for good.
      if (patch.state === 'active' || patch.displayName !== undefined) assertMayReturn(row)
      em.assign(row, { ...patch, updatedAt: clock.now(), revision: row.revision + 1 })
    })
    const changed = await find(id)
    if (!changed) throw new Fault('ERR_NOT_FOUND', `there is no account ${id}`)
    return changed
  }
  const setState = async (id: AccountId, state: AccountState): Promise<AccountRow> => {
    const before = await find(id)
    const tell = async () => {
      for (const listener of listeners) await listener(id)
    }
    // Before a return, so that nothing of the time before comes back to life; else after, so that nothing is made in between.
    if (before && !mayAct(before) && state === 'active') await tell()
    const changed = await change(id, { state })
    if (!mayAct(changed)) await tell()
    return changed
  }

  const list: Accounts['list'] = async ({ search, state, role, limit, offset }) => {
    const em = storage.em()
    // Two may be made in one millisecond: without the id, one page's end would not be the next one's begin.
    const orderBy = { createdAt: 'desc', id: 'desc' } as const
    const rows = await em.find(AccountEntity, whereOf({ search, state, role }), { orderBy, limit, offset })
    const memberships = await em.find(MembershipEntity, { account: { $in: rows.map(({ id }) => id) } })
    const groups = Map.groupBy(memberships, ({ account }) => account)
    const slugs = (id: AccountId) => [...new Set(groups.get(id)?.map(({ group }) => group))].toSorted()
    return rows.map((row) => viewOf(row, slugs(row.id)))
  }

  return {
    find,
    findByUsername: (username) => findWhere({ username }),
    findByNumericId: (numericId) => findWhere({ numericId }),
    search: (part) => list({ search: part, limit: 100, offset: 0 }),
    people: (ask) => peopleIn(storage, ask),
    async groupMembers(numericId) {
      const group = await storage.em().findOne(GroupEntity, { numericId })
      if (!group) return undefined
      const members = await storage.em().find(MembershipEntity, { group: group.slug })
      const managers = await storage.em().find(GroupManagerEntity, { group: group.slug })
      const manages = new Set(managers.map(({ account }) => account))
      const ids = [...new Set(members.map(({ account }) => account))]
      const found = await Promise.all(ids.map(find))
      return found.flatMap((account) => (account ? [{ account, manages: manages.has(account.id) }] : []))
    },
    findByVerifiedEmail: (email) => findWhere({ email: inSmallLetters(email), emailVerified: true }),
    ...groupFaces(storage),
    async managers(id) {
      const found = await Promise.all((await managersOf(storage.em(), id)).map(find))
      return found.filter((one) => one !== undefined).toSorted((a, b) => (a.username < b.username ? -1 : 1))
    },
    acting,
    mayAct: async (id) => (await acting(id)) !== undefined,
    onStateChange: (listener) => void listeners.push(listener),
    setState,
    setRole: (id, role) => change(id, { role }),
    setDisplayName: (id, displayName) => change(id, { displayName }),
    noteSignIn: (id) => storage.accountRows.noteSignIn(id, clock.now()),
    async noteVerifiedEmail(id, email) {
      const row = await storage.accountRows.find(id)
      // A sign-in that was under way while its account was erased or merged writes nothing back.
      if (isShut(row)) return
      const account = row && viewOf(row, row.groups)
      if (!account || (account.email !== undefined && account.email !== email) || account.emailVerified) return
      await change(id, { email, emailVerified: true })
    },
    count: (query) => storage.em().count(AccountEntity, whereOf(query)),
    list,
    async createIn(em, { facts, state, role }) {
      const now = clock.now()
      const email = verifiedEmail(facts)
      const id = newId(random, 22)
      const username = await firstFree(
        usernameCandidates(facts, () => random.digits(6)),
        async (name) => {
          return (await em.count(AccountEntity, { username: name })) === 0 && !(await isRetired(em, storage.ring, name))
        },
      )
      em.create(AccountEntity, {
        id,
        state,
        role,
        username,
        displayName: displayNameOf(facts, username),
        email: email ?? null,
        emailVerified: email !== undefined,
        createdAt: now,
        updatedAt: now,
        lastSignInAt: null,
        revision: 1,
        numericId: await nextNumericId(em),
      })
      return id
    },
    async setGroups(id, source, slugs) {
      // Nothing has changed at nearly every sign-in, and then nothing is written.
      const wanted = new Set(slugs)
      const present = await storage.accountRows.groupsFrom(id, source)
      if (present.length === wanted.size && present.every((group) => wanted.has(group))) return false
      const now = clock.now()
      await storage.transaction(async (em) => {
        if (isShut(await em.findOne(AccountEntity, { id }))) return
        const before = await em.find(MembershipEntity, { account: id, source })
        const known = new Set(before.map((row) => row.group))
        for (const row of before) if (!wanted.has(row.group)) em.remove(row)
        for (const group of wanted) {
          if (known.has(group)) continue
          if ((await em.count(GroupEntity, { slug: group })) === 0)
            em.create(GroupEntity, {
              slug: group,
              title: group.slice(group.indexOf(':') + 1),
              source,
              numericId: await nextNumericId(em),
            })
          em.create(MembershipEntity, { account: id, group, source, at: now })
        }
        await em.flush()
        await em.execute('update account set revision = revision + 1 where id = ?', [id])
      })
      return true
    },
  }
}

async function peopleIn(storage: Storage, { createdFrom, createdUntil, offset, limit }: PeopleAsk) {
  const created = {
    ...(createdFrom === undefined ? {} : { $gte: createdFrom }),
    ...(createdUntil === undefined ? {} : { $lte: createdUntil }),
  }
  const where = {
    ...{ kind: 'person' as const, mergedInto: null, erasedAt: null },
    ...(Object.keys(created).length === 0 ? {} : { createdAt: created }),
  }
  const em = storage.em()
  const total = await em.count(AccountEntity, where)
  const page = { orderBy: { numericId: 'asc' }, offset, limit: Math.min(limit, 1000), fields: ['id'] } as const
  const rows = await em.find(AccountEntity, where, page)
  const found = await Promise.all(rows.map(({ id }) => storage.accountRows.find(id)))
  return { accounts: found.flatMap((row) => (row ? [viewOf(row, row.groups)] : [])), total }
}

const searched = ['username', 'display_name', 'email'].map((column) => `lower(${column}) like ? escape '\\'`)

function whereOf({ search, state, role }: Pick<AccountQuery, 'search' | 'state' | 'role'>) {
  return {
    ...searchWhere(search, searched),
    ...(state ? { state } : {}),
    ...(role ? { role } : {}),
  }
}

async function firstFree(names: Iterable<string>, isFree: (name: string) => Promise<boolean>): Promise<string> {
  for (const name of names) if (await isFree(name)) return name
  throw new TypeError('usernameCandidates must not end')
}

/** An account of the storage as everybody else sees it. */
export function viewOf(row: Account, groups: readonly string[]): AccountRow {
  return {
    id: row.id,
    numericId: row.numericId ?? 0,
    state: row.state as AccountState,
    role: row.role as AccountRole,
    username: row.username,
    displayName: row.displayName,
    email: row.email ?? undefined,
    emailVerified: row.emailVerified,
    groups,
    kind: row.kind,
    parent: row.parent ?? undefined,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    lastSignInAt: row.lastSignInAt ?? undefined,
  }
}
