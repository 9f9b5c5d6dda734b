/**
 * Makes the rows of the config file in the database what the file says, in one transaction: adds, changes, and ends
 * what the file has no longer. Rows that were made elsewhere are not touched; a second time there is nothing to do.
 * @module
 */
import { type AccountId, isFault } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { type ConfigProblem, configFault, type Path, problemAt } from '../config/problems.ts'
import { AccountEntity, GroupEntity, MembershipEntity, SettingEntity } from '../storage/entities.ts'
import {
  DatasetAliasEntity,
  DatasetEntity,
  GrantEntity,
  GroupManagerEntity,
  TermsEntity,
} from '../storage/ledger-entities.ts'
import { leaveDatasets, seedDatasets } from './seed-datasets.ts'
import { grantOf, keyOf, keyOfRow } from './seed-grants.ts'
import { readTexts, retireTerms, seedTerms } from './seed-terms.ts'
import { type Kept, type Seeding, type SeedNeeds, seedActor } from './seeding.ts'

const keptKey = 'ledger.config'

/**
 * Seeds, and says what was done: events of the audit trail by type, none when nothing was to be done.
 * @throws Fault ERR_CONFIG when a row of the database has the id of one of the file, or a text cannot be read
 */
export async function seed(needs: SeedNeeds): Promise<Readonly<Record<string, number>>> {
  const texts = await readTexts(needs.config, needs.locate)
  return needs.storage.transaction(async (em) => {
    const row = await em.findOne(SettingEntity, { key: keptKey }, { refresh: true })
    const kept = keptOf(row?.value)
    const seeding: Seeding = { ...needs, kept, texts, at: atPlace(needs) }
    await refuseClashes(em, seeding)
    const [last] = await em.execute<{ id: number }[]>('select coalesce(max(id), 0) as id from audit_event')
    await seedServiceAccounts(em, seeding)
    await seedGroups(em, seeding)
    const lines = await linesOf(em, seeding)
    await endGrants(em, seeding, lines)
    await retireTerms(em, seeding)
    await leaveDatasets(em, seeding)
    await leaveGroups(em, seeding)
    await seedDatasets(em, seeding)
    await seedTerms(em, seeding)
    await addGrants(em, seeding, lines)
    await keep(em, kept, row?.value)
    const counts = await countsSince(em, Number(last?.id))
    if (Object.keys(counts).length > 0)
      await needs.storage.audit.appendIn(em, { type: 'ledger.seeded', actor: seedActor.name, detail: counts })
    return counts
  })
}

/** A fault that a part meets is a mistake of the file, and is told with its place. */
function atPlace({ locate }: SeedNeeds): Seeding['at'] {
  return async (path, work) => {
    try {
      return await work()
    } catch (error) {
      if (!isFault(error) || !['ERR_INPUT', 'ERR_CONFLICT', 'ERR_NOT_FOUND'].includes(error.code)) throw error
      throw configFault([problemAt({ path, locate, part: 'key' }, error.message)], error)
    }
  }
}

function keptOf(stored: string | undefined): Kept {
  // Written by `keep` alone.
  const kept = stored === undefined ? undefined : (JSON.parse(stored) as Kept)
  return kept ?? { serviceAccounts: {}, left: { datasets: [], groups: [] } }
}

async function keep(em: EntityManager, kept: Kept, before: string | undefined): Promise<void> {
  const value = JSON.stringify(kept)
  const isEmpty = value === JSON.stringify(keptOf(undefined))
  if (value === before || (isEmpty && before === undefined)) return
  await em.upsert(SettingEntity, { key: keptKey, value })
}

async function countsSince(em: EntityManager, last: number): Promise<Record<string, number>> {
  await em.flush()
  const rows = await em.execute<{ type: string; count: number }[]>(
    'select type, count(*) as count from audit_event where id > ? and actor = ? group by type order by type',
    [last, seedActor.name],
  )
  return Object.fromEntries(rows.map(({ type, count }) => [type, Number(count)]))
}

/** All of them at once: what the file wants to make and somebody has made already. */
async function refuseClashes(em: EntityManager, { config, kept, locate }: Seeding): Promise<void> {
  const problems: ConfigProblem[] = []
  const clash = (path: Path, what: string) =>
    problems.push(
      problemAt(
        { path, locate, part: 'key' },
        `${what} was made in the database already; rename or remove one of the two`,
      ),
    )
  for (const slug of Object.keys(config.datasets)) {
    const row = await em.findOne(DatasetEntity, { slug }, { disableIdentityMap: true })
    const alias = await em.findOne(DatasetAliasEntity, { alias: slug }, { disableIdentityMap: true })
    const isFree = row === null || row.source === 'config' || kept.left.datasets.includes(slug)
    if (!isFree) clash(['datasets', slug], 'a dataset of this slug')
    // One of the file gives it up in time.
    else if (alias !== null && !Object.hasOwn(config.datasets, alias.dataset))
      clash(['datasets', slug], `an alias of this name (of ${alias.dataset})`)
  }
  for (const slug of Object.keys(config.groups)) {
    const row = await em.findOne(GroupEntity, { slug }, { disableIdentityMap: true })
    const isMade = row?.source === 'database' || row?.source === 'import'
    if (isMade && !kept.left.groups.includes(slug)) clash(['groups', slug], 'a group of this slug')
  }
  for (const id of Object.keys(config.terms)) {
    const row = await em.findOne(TermsEntity, { id }, { disableIdentityMap: true })
    if (row !== null && row.source !== 'config') clash(['terms', id], 'a document of this id')
  }
  for (const username of Object.keys(config.serviceAccounts)) {
    const row = await em.findOne(AccountEntity, { username }, { disableIdentityMap: true })
    if (row !== null && kept.serviceAccounts[username] !== row.id)
      clash(['serviceAccounts', username], 'an account of this username')
  }
  if (problems.length > 0) throw configFault(problems)
}

async function idOf(em: EntityManager, username: string): Promise<AccountId | undefined> {
  return (await em.findOne(AccountEntity, { username }, { disableIdentityMap: true, fields: ['id'] }))?.id
}

async function seedServiceAccounts(em: EntityManager, seeding: Seeding): Promise<void> {
  const { config, kept, serviceAccounts, at, log } = seeding
  for (const [username, id] of Object.entries(kept.serviceAccounts))
    if (!Object.hasOwn(config.serviceAccounts, username))
      await serviceAccounts.change(seedActor, id, { state: 'deactivated' })
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

async function seedGroups(em: EntityManager, seeding: Seeding): Promise<void> {
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
async function leaveGroups(em: EntityManager, { config, groups, kept, change }: Seeding): Promise<void> {
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

type Lines = Awaited<ReturnType<typeof linesOf>>

/** The lines of the file by their keys, each with its place. */
async function linesOf(em: EntityManager, { config, log, at }: Seeding) {
  const accounts = new Map<string, AccountId>()
  for (const { to } of config.grants) {
    if (!to.startsWith('account:')) continue
    const username = to.slice('account:'.length)
    const id = await idOf(em, username)
    if (id === undefined)
      log.warn({ username }, 'grants: nobody has this username yet; the line counts from a later start on')
    else accounts.set(username, id)
  }
  const lines = new Map<string, { readonly grant: NonNullable<ReturnType<typeof grantOf>>; readonly path: Path }>()
  for (const [index, entry] of config.grants.entries()) {
    const grant = grantOf(entry, (username) => accounts.get(username))
    const path = ['grants', index]
    if (grant !== undefined) lines.set(await at(path, async () => keyOf(grant)), { grant, path })
  }
  return lines
}

async function currentRows(em: EntityManager) {
  return em.find(GrantEntity, { source: 'config', endedAt: null }, { disableIdentityMap: true, orderBy: { id: 1 } })
}

async function endGrants(em: EntityManager, { ledger }: Seeding, lines: Lines): Promise<void> {
  for (const row of await currentRows(em)) {
    const key = keyOfRow(row)
    if (key === undefined || !lines.has(key)) await ledger.grants.end(seedActor, row.id)
  }
}

async function addGrants(em: EntityManager, { ledger, at }: Seeding, lines: Lines): Promise<void> {
  const present = new Set((await currentRows(em)).map(keyOfRow))
  for (const [key, { grant, path }] of lines)
    if (!present.has(key)) await at(path, () => ledger.grants.add(seedActor, grant))
}
