/** What another config means for the people there are: ways to sign in, the role of admin, groups. @module */
import type { AccountRow } from './accounts/accounts.ts'
import { groupsOf } from './accounts/accounts.ts'
import { decideAdmission } from './accounts/admission.ts'
import type { IdentityRow } from './accounts/identities.ts'
import { isNamedIn } from './accounts/people.ts'
import type { Rooms } from './assembly.ts'
import type { LoadedConfig } from './config/load.ts'
import type { AuthInstance } from './registry/instance.ts'
import type { Registry } from './registry/registry.ts'

/** Somebody can sign in by a way, or no longer. */
export interface WayChange {
  readonly who: string
  readonly way: string
  /** `false`: it was, or becomes, the only one. */
  readonly others: boolean
}

/** What changes for people; the lists name usernames. */
export interface PeopleChanges {
  readonly gainWays: readonly WayChange[]
  readonly loseWays: readonly WayChange[]
  /** Will be admins at their next sign-in. */
  readonly becomeAdmin: readonly string[]
  /** Are no longer named as admins; the role stays until somebody takes it. */
  readonly noLongerNamed: readonly string[]
}

/** Somebody joins or leaves a group. */
export interface GroupChange {
  readonly who: string
  readonly group: string
  readonly change: 'joins' | 'leaves'
}

interface Configs {
  readonly before: { readonly loaded: LoadedConfig; readonly registry: Registry }
  readonly after: { readonly loaded: LoadedConfig; readonly registry: Registry }
}

const page = 500

/** Every account that may act or waits, in pages. */
export async function* everybody({ get }: Rooms): AsyncGenerator<AccountRow, void, undefined> {
  for (let offset = 0; ; offset += page) {
    const rows = await get('accounts').list({ limit: page, offset })
    for (const row of rows) if (row.state !== 'deactivated') yield row
    if (rows.length < page) return
  }
}

/** Ways to sign in that a person has under a config. */
function waysOf(identities: readonly IdentityRow[], registry: Registry): string[] {
  const open = registry.auth().filter((instance) => identities.some((identity) => opens(instance, identity)))
  return open.map(({ id }) => id)
}

function opens({ id, realm, admission }: AuthInstance, identity: IdentityRow): boolean {
  // By the instance it was last seen at, or by another of the same realm that stands in for it.
  if (identity.instance !== id && identity.realm !== realm) return false
  return decideAdmission(admission, identity.facts, true).allowed
}

/** Who can sign in by what, and who is named as an admin, before and after. */
export async function peopleChanges(rooms: Rooms, { before, after }: Configs): Promise<PeopleChanges> {
  const found = {
    gainWays: [] as WayChange[],
    loseWays: [] as WayChange[],
    becomeAdmin: [] as string[],
    noLongerNamed: [] as string[],
  }
  for await (const account of everybody(rooms)) {
    const identities = await rooms.get('identities').list(account.id)
    const who = account.username
    const [had, has] = [waysOf(identities, before.registry), waysOf(identities, after.registry)]
    for (const way of has) if (!had.includes(way)) found.gainWays.push({ who, way, others: has.length > 1 })
    for (const way of had) if (!has.includes(way)) found.loseWays.push({ who, way, others: has.length > 0 })
    const isNamed = ({ loaded }: Configs['before']) =>
      identities.some(({ instance, subject, facts }) =>
        isNamedIn(loaded.config.admins, { source: { instance }, assertion: { subject, facts } }),
      )
    if (account.role !== 'admin' && !isNamed(before) && isNamed(after)) found.becomeAdmin.push(who)
    if (account.role === 'admin' && isNamed(before) && !isNamed(after)) found.noLongerNamed.push(who)
  }
  return found
}

/** Groups of everybody, by username. */
export async function groupsNow(rooms: Rooms): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>()
  for await (const { username, groups } of everybody(rooms)) found.set(username, groups)
  return found
}

/** How two lists of groups differ. */
export function groupChanges(
  before: ReadonlyMap<string, readonly string[]>,
  after: ReadonlyMap<string, readonly string[]>,
): GroupChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].toSorted()
  return names.flatMap((who) => {
    const [had, has] = [before.get(who) ?? [], after.get(who) ?? []]
    return [
      ...has.filter((group) => !had.includes(group)).map((group): GroupChange => ({ who, group, change: 'joins' })),
      ...had.filter((group) => !has.includes(group)).map((group): GroupChange => ({ who, group, change: 'leaves' })),
    ]
  })
}

/** In a copy: what upstreams last said of people's groups, named as the other config names them. */
export async function regroup(rooms: Rooms, { before, after }: Configs): Promise<void> {
  const mapped = after.registry.auth().filter(({ id, groups }) => {
    const known = before.registry.auth().find((one) => one.id === id)
    return known !== undefined && JSON.stringify(known.groups) !== JSON.stringify(groups)
  })
  if (mapped.length === 0) return
  for await (const account of everybody(rooms))
    for (const { instance, facts } of await rooms.get('identities').list(account.id)) {
      const found = mapped.find(({ id }) => id === instance)
      if (found)
        await rooms
          .get('accounts')
          .setGroups(account.id, instance, groupsOf({ facts }, { instance, groups: found.groups }))
    }
}
