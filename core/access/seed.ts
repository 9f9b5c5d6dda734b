/**
 * Makes the rows of the config file in the database what the file says, in one transaction: adds, changes, and ends
 * what the file has no longer. Rows that were made elsewhere are not touched; a second time there is nothing to do.
 * @module
 */
import { type AccountId, isFault } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { type ConfigProblem, configFault, type Path, problemAt } from '../config/problems.ts'
import { AccountEntity, GroupEntity, SettingEntity } from '../storage/entities.ts'
import { DatasetAliasEntity, DatasetEntity, GrantEntity, TermsEntity } from '../storage/ledger-entities.ts'
import { idOf, leaveGroups, seedGroups, seedServiceAccounts } from './seed-accounts.ts'
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
  if (saysNothing(needs) && !(await needs.storage.startRows.hasSeeded())) return {}
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

function saysNothing({ config: { datasets, groups, terms, serviceAccounts, grants } }: SeedNeeds): boolean {
  return [datasets, groups, terms, serviceAccounts, grants].every((part) => Object.keys(part).length === 0)
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
