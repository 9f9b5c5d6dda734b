/** The groups and service accounts of the config file, and what becomes of those that were taken out of it. @module */
import type { AccountId } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { AccountEntity, GroupEntity, MembershipEntity } from '../storage/entities.ts'
import { GrantEntity, GroupManagerEntity } from '../storage/ledger-entities.ts'
import { type Seeding, seedActor } from './seeding.ts'

/** The account of a username, as the transaction sees it. */
export async function idOf(em: EntityManager, username: string): Promise<AccountId | undefined> {
  return (await em.findOne(AccountEntity, { username }, { disableIdentityMap: true, fields: ['id'] }))?.id
}

/** Makes the service accounts of the file; one that it has no longer is shut out. */
export async function seedServiceAccounts(em: EntityManager, seeding: Seeding): Promise<void> {
  const { config, kept, serviceAccounts, at, log } = seeding
  for (const [username, id] of Object.entries(kept.serviceAccounts)) {
    // Somebody may have erased it meanwhile.
    if ((await idOf(em, username)) !== id) delete kept.serviceAccounts[username]
    else if (!Object.hasOwn(config.serviceAccounts, username))
      await serviceAccounts.change(seedActor, id, { state: 'deactivated' })
  }
  for (const [username, entry] of Object.entries(config.serviceAccounts)) {
    const parent = entry.parent === undefined ? undefined : await idOf(em, entry.parent)
    if (entry.parent !== undefined && parent === undefined) {
      log.warn({ username, parent: entry.parent }, 'serviceAccounts: nobody has the username of the parent yet')
      continue
    }
    const { displayName = username, description } = entry
    await at(['serviceAccounts', username], async () => {
      const id = kept.serviceAccounts[username]
      if (id === undefined) await serviceAccounts.create(seedActor, { username, displayName, description, parent })
      else
        await serviceAccounts.change(seedActor, id, {
          ...{ displayName, description, parent: parent ?? null, state: 'active' },
        })
    })
    const made = await idOf(em, username)
    if (made !== undefined) kept.serviceAccounts[username] = made
  }
}

/** Makes the groups of the file, and puts those into them whom it names. */
export async function seedGroups(em: EntityManager, seeding: Seeding): Promise<void> {
  const { config, groups, kept, at, members, change } = seeding
  for (const [slug, { title = slug, description }] of Object.entries(config.groups)) {
    await at(['groups', slug], async () => {
      const row = await em.findOne(GroupEntity, { slug }, { disableIdentityMap: true })
      if (row !== null && row.source !== 'config') {
        await moveGroup(change, slug, { from: row.source, to: 'config' })
        kept.left.groups = kept.left.groups.filter((left) => left !== slug)
      }
      if (row === null) await groups.create(seedActor, { slug, title, description })
      else await groups.change(seedActor, slug, { title, description })
    })
  }
  await members.settleAll(em)
}

/** Groups that the file has no longer: removed, or left to the database when somebody else uses them. */
export async function leaveGroups(em: EntityManager, { config, groups, kept, change }: Seeding): Promise<void> {
  for (const { slug } of await em.find(GroupEntity, { source: 'config' }, { disableIdentityMap: true })) {
    if (Object.hasOwn(config.groups, slug)) continue
    if (await isUsed(em, slug)) {
      kept.left.groups.push(slug)
      await moveGroup(change, slug, { from: 'config', to: 'database' })
    } else await groups.remove(seedActor, slug)
  }
}

/** Whether somebody else has put people into it, or lets it do something. */
async function isUsed(em: EntityManager, slug: string): Promise<boolean> {
  const counts = [
    await em.count(MembershipEntity, { group: slug, source: { $ne: 'config' } }),
    await em.count(GroupManagerEntity, { group: slug, source: { $ne: 'config' } }),
    await em.count(GrantEntity, { subject: `group:${slug}`, source: { $ne: 'config' }, endedAt: null }),
  ]
  return counts.some((count) => count > 0)
}

async function moveGroup(change: Seeding['change'], slug: string, { from, to }: { from: string; to: string }) {
  await change(seedActor, undefined, async (em) => {
    await em.nativeUpdate(GroupEntity, { slug }, { source: to })
    const [before, after] = [{ source: from }, { source: to }]
    return { result: undefined, type: 'group.changed', target: { group: slug }, before, after }
  })
}
