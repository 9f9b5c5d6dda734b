/**
 * Members and managers of groups whom the config file names by what a sign-in says of them: put there at the start,
 * and at their sign-in when they are not known before.
 * @module
 */
import type { AccountId, Fact } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { AccountEntity, IdentityEntity, MembershipEntity } from '../storage/entities.ts'
import { GroupManagerEntity } from '../storage/ledger-entities.ts'
import type { Storage } from '../storage/storage.ts'
import { inSmallLetters, verifiedEmail } from './accounts.ts'
import type { Groups } from './groups.ts'

/** What the config says of a group's people. */
export interface NamedPeople {
  /** `instance:value` of a verified address or a subject, or `account:USERNAME`. */
  readonly members: readonly string[]
  readonly managers: readonly string[]
}

/** Keeps the people of the config's groups. */
export interface ConfigMembers {
  /** Everybody who is known. Within the caller's transaction. */
  settleAll(em: EntityManager): Promise<void>
  /** One person, at sign-in. `note` writes what the sign-in brought. `false`: the config has no such groups. */
  settle(account: AccountId, note?: () => Promise<void>): Promise<boolean>
}

const actor = { kind: 'system', name: 'config' } as const

/** Who somebody is to the config. */
interface Known {
  readonly account: AccountId
  readonly username: string
  readonly identities: readonly {
    readonly instance: string
    readonly subject: string
    readonly facts: readonly Fact[]
  }[]
}

/** Makes the keeper of the groups of a config. */
export function createConfigMembers(needs: {
  readonly storage: Storage
  readonly groups: Groups
  readonly named: Readonly<Record<string, NamedPeople>>
}): ConfigMembers {
  const { storage, groups, named } = needs
  const apply = async (account: AccountId, ask: { wanted: Wanted; present: Wanted }): Promise<void> => {
    const { wanted, present } = ask
    for (const slug of without(present.member, wanted.member)) await groups.removeMember(actor, slug, account)
    for (const slug of without(wanted.member, present.member)) await groups.addMember(actor, slug, account)
    for (const slug of without(present.manager, wanted.manager))
      await groups.setManager(actor, slug, { account, is: 'none' })
    for (const slug of without(wanted.manager, present.manager))
      await groups.setManager(actor, slug, { account, is: 'manager' })
  }
  return {
    async settleAll(em) {
      const known = await everybodyNamed(em, named)
      const members = await em.find(MembershipEntity, { source: 'config' }, { disableIdentityMap: true })
      const managers = await em.find(GroupManagerEntity, { source: 'config' }, { disableIdentityMap: true })
      const accounts = new Set([...known.keys(), ...[...members, ...managers].map(({ account }) => account)])
      for (const account of [...accounts].toSorted()) {
        const slugs = (rows: readonly { account: string; group: string }[]) =>
          new Set(rows.filter((row) => row.account === account).map(({ group }) => group))
        const person = known.get(account)
        const wanted = person === undefined ? nothing : wantedOf(person, named)
        await apply(account, { wanted, present: { member: slugs(members), manager: slugs(managers) } })
      }
    },
    async settle(account, note) {
      if (Object.keys(named).length === 0) return false
      await note?.()
      const row = await storage.accountRows.find(account)
      if (row === undefined) return false
      const identities = await storage.accountRows.identities(account)
      const wanted = wantedOf({ account, username: row.username, identities }, named)
      const managed = await storage.em().find(GroupManagerEntity, { account, source: 'config' })
      const member = new Set(await storage.accountRows.groupsFrom(account, 'config'))
      await apply(account, { wanted, present: { member, manager: new Set(managed.map(({ group }) => group)) } })
      return true
    },
  }
}

interface Wanted {
  readonly member: ReadonlySet<string>
  readonly manager: ReadonlySet<string>
}

function without(all: ReadonlySet<string>, some: ReadonlySet<string>): string[] {
  return [...all].filter((one) => !some.has(one))
}

const nothing: Wanted = { member: new Set(), manager: new Set() }

function wantedOf(person: Known, named: Readonly<Record<string, NamedPeople>>): Wanted {
  const isOneOf = (names: readonly string[]) => names.some((name) => isNamed(person, name))
  const slugs = (of: keyof NamedPeople) =>
    new Set(Object.entries(named).flatMap(([slug, people]) => (isOneOf(people[of]) ? [slug] : [])))
  return { member: slugs('members'), manager: slugs('managers') }
}

/** Addresses are compared in small letters, subjects as they are. */
function isNamed({ username, identities }: Known, name: string): boolean {
  const [instance, value] = [name.slice(0, name.indexOf(':')), name.slice(name.indexOf(':') + 1)]
  if (instance === 'account') return value === username
  return identities.some(
    (identity) =>
      identity.instance === instance &&
      (identity.subject === value || verifiedEmail(identity.facts) === inSmallLetters(value)),
  )
}

/** Whoever may be meant: accounts by username, and all who ever signed in by an instance that is named. */
async function everybodyNamed(em: EntityManager, named: Readonly<Record<string, NamedPeople>>) {
  const names = Object.values(named).flatMap(({ members, managers }) => [...members, ...managers])
  const instances = [...new Set(names.map((name) => name.slice(0, name.indexOf(':'))))]
  const usernames = names.filter((name) => name.startsWith('account:')).map((name) => name.slice('account:'.length))
  const rows = await em.find(
    IdentityEntity,
    { instance: { $in: instances }, removedAt: null },
    { disableIdentityMap: true },
  )
  const byAccount = Map.groupBy(rows, ({ account }) => account)
  const isMeant = ([account, identities]: readonly [string, readonly Known['identities'][number][]]) =>
    names.some((name) => isNamed({ account, username: '', identities }, name))
  const meant = [...byAccount].filter(isMeant)
  const found = await em.find(
    AccountEntity,
    { $or: [{ id: { $in: meant.map(([account]) => account) } }, { username: { $in: usernames } }] },
    { disableIdentityMap: true, fields: ['id', 'username'] },
  )
  return new Map(
    found.map(({ id, username }): readonly [AccountId, Known] => [
      id,
      { account: id, username, identities: byAccount.get(id) ?? [] },
    ]),
  )
}
