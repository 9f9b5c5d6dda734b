/** Service accounts: accounts of programs. They never sign in, act by tokens alone, and only while their parent may. @module */

import { type AccountId, type Clock, Fault, type Random } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { newId } from '../random.ts'
import { type Account, AccountEntity, MembershipEntity } from '../storage/entities.ts'
import { nextNumericId } from '../storage/numeric-ids.ts'
import type { Storage } from '../storage/storage.ts'
import { type AccountRow, type Accounts, viewOf } from './accounts.ts'
import { type Act, type Actor, type PageAsk, type Paged, pageLimit, partOf } from './actor.ts'
import type { Change } from './changes.ts'
import { isRetired } from './retired-names.ts'
import { checkedName, checkedText } from './wording.ts'

/** A service account. */
export interface ServiceAccount extends AccountRow {
  readonly kind: 'service'
  readonly description: string
}

/** Every service account, and how one changes. */
export interface ServiceAccounts {
  list(ask: PageAsk & { readonly parent?: AccountId }): Promise<Paged<ServiceAccount>>
  /** By id or username. */
  find(name: string): Promise<ServiceAccount | undefined>
  /** @throws Fault ERR_INPUT (bad username), ERR_CONFLICT (taken), ERR_NOT_FOUND (no such parent) */
  create(
    actor: Actor,
    account: {
      username: string
      displayName: string
      description?: string | undefined
      parent?: AccountId | undefined
    },
  ): Promise<ServiceAccount>
  change(
    actor: Actor,
    id: AccountId,
    patch: { displayName?: string; description?: string; parent?: AccountId | null; state?: 'active' | 'deactivated' },
  ): Promise<ServiceAccount>
}

const usernames = /^[a-z][a-z0-9._-]{1,38}$/

type Needs = Parameters<typeof createServiceAccounts>[0]

/** Makes the service accounts on a storage. */
export function createServiceAccounts(needs: {
  storage: Storage
  clock: Clock
  random: Random
  accounts: Accounts
  change: Change
}): ServiceAccounts {
  const { storage } = needs
  const find = async (name: string): Promise<ServiceAccount | undefined> => {
    const where = { $or: [{ id: name }, { username: name }], kind: 'service' as const }
    // Within a transaction it must see what that one has made.
    const em = storage.em()
    const row = await em.findOne(AccountEntity, where, { orderBy: { id: 'asc' } })
    if (!row) return undefined
    const memberships = await em.find(MembershipEntity, { account: row.id })
    const groups = [...new Set(memberships.map(({ group }) => group))].toSorted()
    return { ...viewOf(row, groups), kind: 'service', description: row.description }
  }
  return {
    find,
    list: (ask) => listOf(storage, ask),
    ...changes({ ...needs, find }),
  }
}

async function serviceOf({ accountRows }: Storage, id: AccountId): Promise<ServiceAccount | undefined> {
  const row = await accountRows.find(id)
  return row && { ...viewOf(row, row.groups), kind: 'service', description: row.description }
}

async function listOf(storage: Storage, ask: Parameters<ServiceAccounts['list']>[0]): Promise<Paged<ServiceAccount>> {
  const em = storage.em()
  const part = ask.search ? partOf(ask.search) : undefined
  const matching = ['username', 'display_name', 'description'].map((name) => `lower(${name}) like ? escape '\\'`)
  const where = [
    `kind = 'service'`,
    ...(ask.parent === undefined ? [] : ['parent = ?']),
    ...(part === undefined ? [] : [`(${matching.join(' or ')})`]),
  ].join(' and ')
  const values = [...(ask.parent === undefined ? [] : [ask.parent]), ...(part === undefined ? [] : [part, part, part])]
  const [count] = await em.execute<{ total: number }[]>(`select count(*) as total from account where ${where}`, values)
  const limit = pageLimit(ask)
  const found = await em.execute<{ id: string; username: string }[]>(
    `select id, username from account where ${where} and username > ? order by username limit ?`,
    [...values, ask.after ?? '', limit + 1],
  )
  const page = found.slice(0, limit)
  const rows = (await Promise.all(page.map(({ id }) => serviceOf(storage, id)))).filter((one) => one !== undefined)
  return { rows, total: Number(count?.total), next: found.length > limit ? page.at(-1)?.username : undefined }
}

function changes(needs: Needs & Pick<ServiceAccounts, 'find'>): Pick<ServiceAccounts, 'create' | 'change'> {
  const { clock, random, change, find } = needs
  const read = async (id: string) => (await find(id)) as ServiceAccount
  return {
    async create(actor, { username, displayName, description = '', parent }) {
      if (!usernames.test(username))
        throw new Fault(
          'ERR_INPUT',
          'The username of a service account has 2 to 39 small letters, digits, dots, dashes and underscores, and begins with a letter.',
        )
      const id = newId(random, 22)
      const made = { displayName: checkedName(displayName), description: checkedText(description) }
      await change(actor, { on: 'service-account', parent }, async (em) => {
        const isTaken = (await em.count(AccountEntity, { username })) > 0
        if (isTaken || (await isRetired(em, needs.storage.ring, username)))
          throw new Fault('ERR_CONFLICT', `The username “${username}” is taken.`)
        if (parent !== undefined) await checkParent(em, parent)
        const now = clock.now()
        em.create(AccountEntity, {
          ...{ id, username, ...made, parent: parent ?? null, kind: 'service', state: 'active', role: 'user' },
          ...{ email: null, emailVerified: false, createdAt: now, updatedAt: now, lastSignInAt: null, revision: 1 },
          numericId: await nextNumericId(em),
        })
        const after = { username, ...made, parent: parent ?? null, state: 'active' }
        const target = { serviceAccount: id }
        return { result: undefined, type: 'service-account.created', account: id, target, before: undefined, after }
      })
      return read(id)
    },
    async change(actor, id, { displayName, description, parent, state }) {
      const patch = {
        ...(displayName === undefined ? {} : { displayName: checkedName(displayName) }),
        ...(description === undefined ? {} : { description: checkedText(description) }),
        ...(parent === undefined ? {} : { parent }),
        ...(state === undefined ? {} : { state }),
      }
      const rowOf = async (em: EntityManager) => {
        const row = await em.findOne(AccountEntity, { id, kind: 'service' })
        if (!row) throw new Fault('ERR_NOT_FOUND', 'There is no such service account.')
        return row
      }
      const act = async (em: EntityManager): Promise<Act> => ({
        on: 'service-account',
        parent: (await rowOf(em)).parent ?? undefined,
      })
      await change(actor, act, async (em) => {
        const row = await rowOf(em)
        if (typeof parent === 'string') await checkParent(em, parent)
        // Who hands it over must be let do so there too: it will act on what that person has accepted.
        if (parent !== undefined && parent !== row.parent)
          await change(actor, { on: 'service-account', parent: parent ?? undefined }, async () => ({
            unchanged: parent,
          }))
        // Whoever was shut out comes back by a site admin's word: else the person behind it would undo an admin's.
        if (state === 'active' && row.state !== 'active')
          await change(actor, { on: 'service-account', parent: undefined }, async () => ({ unchanged: state }))
        const before = detailOf(row)
        const after = { ...before, ...patch }
        if (JSON.stringify(after) === JSON.stringify(before)) return { unchanged: undefined }
        em.assign(row, { ...patch, updatedAt: clock.now(), revision: row.revision + 1 })
        const target = { serviceAccount: id }
        return { result: undefined, type: 'service-account.changed', account: id, target, before, after }
      })
      return read(id)
    },
  }
}

function detailOf({ displayName, description, parent, state }: Account) {
  return { displayName, description, parent: parent ?? null, state }
}

/** A person: a chain of programs would let one live on whose person has gone. */
async function checkParent(em: EntityManager, parent: AccountId): Promise<void> {
  const row = await em.findOne(AccountEntity, { id: parent })
  if (!row) throw new Fault('ERR_NOT_FOUND', `There is no account ${parent}.`)
  if (row.kind !== 'person') throw new Fault('ERR_INPUT', 'A service account belongs to a person.')
}
