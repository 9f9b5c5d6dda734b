/** The lists of a dataset as rows: aliases, versions, places, tables; how they are read and replaced. @module */
import { Fault } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import type { Reads } from '../storage/late-orm.ts'
import {
  AccessRequestEntity,
  DatasetAliasEntity,
  DatasetEntity,
  DatasetPlaceEntity,
  DatasetVersionEntity,
  GrantEntity,
  PublicRootEntity,
  ServiceTableEntity,
  TermsEntity,
} from '../storage/ledger-entities.ts'
import { shown } from './input.ts'
import type { Dataset } from './model.ts'

/** The lists of a dataset. */
export type Parts = Pick<Dataset, 'aliases' | 'versions' | 'tables'> & {
  readonly places: readonly { readonly version: string | undefined; readonly bucket: string; readonly prefix: string }[]
}

/** Reads the lists of many datasets at once; the answer gives those of one. */
export async function partsOf(em: Reads, slugs: readonly string[]) {
  const where = { dataset: { $in: [...slugs] } }
  const fresh = { disableIdentityMap: true } as const
  const aliases = await em.find(DatasetAliasEntity, where, { ...fresh, orderBy: { alias: 'asc' } })
  const versions = await em.find(DatasetVersionEntity, where, { ...fresh, orderBy: { id: 'asc' } })
  const places = await em.find(DatasetPlaceEntity, where, { ...fresh, orderBy: { id: 'asc' } })
  const tables = await em.find(ServiceTableEntity, where, { ...fresh, orderBy: { namespace: 'asc', name: 'asc' } })
  const by = <T extends { readonly dataset: string }>(rows: readonly T[]) => Map.groupBy(rows, ({ dataset }) => dataset)
  const grouped = { aliases: by(aliases), versions: by(versions), places: by(places), tables: by(tables) }
  return (slug: string): Pick<Dataset, 'aliases' | 'versions' | 'places' | 'tables'> => ({
    aliases: (grouped.aliases.get(slug) ?? []).map(({ alias }) => alias),
    versions: (grouped.versions.get(slug) ?? []).map(({ version, title }) => ({ version, title })),
    places: (grouped.places.get(slug) ?? []).map(({ dataset, version, bucket, prefix }) => ({
      dataset,
      version: version ?? undefined,
      bucket,
      prefix,
    })),
    tables: (grouped.tables.get(slug) ?? []).map(({ namespace, name }) => ({ namespace, name })),
  })
}

/** Refuses names that others have, and places of versions that are not there. @throws Fault ERR_CONFLICT, ERR_INPUT */
export async function assertFree(
  em: EntityManager,
  { slug, isNew, ...parts }: Parts & { readonly slug: string; readonly isNew: 'yes' | 'no' },
): Promise<void> {
  const taken = (what: string) => new Fault('ERR_CONFLICT', `${what} is taken.`)
  if (isNew === 'yes' && (await em.count(DatasetEntity, { slug })) > 0) throw taken(`The slug ${shown(slug)}`)
  for (const name of isNew === 'yes' ? [slug, ...parts.aliases] : parts.aliases) {
    // Whatever its case: a name that reads like another dataset's would mislead.
    const others = await em.execute<{ slug: string }[]>(
      `select slug from dataset where slug = ? and slug <> ?
       union all select dataset as slug from dataset_alias where lower(alias) = ? and dataset <> ? limit 1`,
      [name.toLowerCase(), slug, name.toLowerCase(), slug],
    )
    if (others.length > 0) throw taken(`The name ${shown(name)}`)
    if (parts.aliases.includes(name) && name === slug)
      throw new Fault('ERR_CONFLICT', `${shown(name)} is the slug of the dataset itself and needs no alias.`)
  }
  for (const table of parts.tables) {
    const found = await em.findOne(ServiceTableEntity, table, { disableIdentityMap: true })
    if (found !== null && found.dataset !== slug)
      throw taken(`The table ${shown(table.name)} in ${shown(table.namespace)}`)
  }
  const versions = new Set(parts.versions.map(({ version }) => version))
  for (const { version, bucket } of parts.places) {
    if (version !== undefined && !versions.has(version))
      throw new Fault(
        'ERR_INPUT',
        `The place ${shown(bucket)} names the version ${shown(version)}, which is not there.`,
      )
  }
}

/** Refuses to remove versions that grants, terms or open requests still name. @throws Fault ERR_CONFLICT */
export async function assertUnneeded(
  em: EntityManager,
  { slug, before, wanted }: { slug: string; before: Pick<Dataset, 'versions'>; wanted: Pick<Dataset, 'versions'> },
): Promise<void> {
  const kept = new Set(wanted.versions.map(({ version }) => version))
  for (const { version } of before.versions) {
    if (kept.has(version)) continue
    const here = { dataset: slug, version }
    const ids = { limit: 5, fields: ['id'] as const, disableIdentityMap: true }
    const grants = await em.find(GrantEntity, { ...here, endedAt: null }, ids)
    const terms = await em.find(TermsEntity, { ...here, retiredAt: null }, ids)
    const requests = await em.find(AccessRequestEntity, { ...here, state: 'open' }, ids)
    const named = [...said('grant', grants), ...said('terms', terms), ...said('open request', requests)]
    if (named.length > 0)
      throw new Fault('ERR_CONFLICT', `The version ${shown(version)} is still named by ${named.join(', ')}.`)
  }
}

function said(what: string, rows: readonly { readonly id: number | string }[]): string[] {
  return rows.length === 0 ? [] : [`${what} ${rows.map(({ id }) => id).join(', ')}`]
}

/** Makes the lists of a dataset what they should be; versions that stay keep their row. */
export async function replaceParts(
  em: EntityManager,
  dataset: string,
  { wanted, now }: { wanted: Parts; now: Date },
): Promise<void> {
  await em.nativeDelete(DatasetAliasEntity, { dataset })
  if (wanted.aliases.length > 0)
    await em.insertMany(
      DatasetAliasEntity,
      wanted.aliases.map((alias) => ({ alias, dataset })),
    )
  await replaceVersions(em, dataset, { versions: wanted.versions, now })
  await em.nativeDelete(DatasetPlaceEntity, { dataset })
  if (wanted.places.length > 0)
    await em.insertMany(
      DatasetPlaceEntity,
      wanted.places.map(({ version = null, bucket, prefix }) => ({ dataset, version, bucket, prefix })),
    )
  const before = await em.find(ServiceTableEntity, { dataset }, { disableIdentityMap: true })
  const isWanted = (table: { namespace: string; name: string }) =>
    wanted.tables.some(({ namespace, name }) => namespace === table.namespace && name === table.name)
  // Whoever gets the table next must not find its roots open.
  await removeRoots(
    em,
    before.filter((table) => !isWanted(table)),
  )
  await em.nativeDelete(ServiceTableEntity, { dataset })
  if (wanted.tables.length > 0)
    await em.insertMany(
      ServiceTableEntity,
      wanted.tables.map(({ namespace, name }) => ({ namespace, name, dataset })),
    )
}

async function replaceVersions(
  em: EntityManager,
  dataset: string,
  { versions, now }: { versions: Parts['versions']; now: Date },
): Promise<void> {
  const names = versions.map(({ version }) => version)
  await em.nativeDelete(DatasetVersionEntity, { dataset, version: { $nin: names } })
  const present = await em.find(DatasetVersionEntity, { dataset }, { disableIdentityMap: true })
  for (const { version, title } of versions) {
    const row = present.find((known) => known.version === version)
    if (row === undefined) await em.insert(DatasetVersionEntity, { dataset, version, title, createdAt: now })
    else if (row.title !== title) await em.nativeUpdate(DatasetVersionEntity, { dataset, version }, { title })
  }
}

/** Removes the roots of tables. */
export async function removeRoots(
  em: EntityManager,
  tables: readonly { readonly namespace: string; readonly name: string }[],
): Promise<void> {
  for (const { namespace, name } of tables) await em.nativeDelete(PublicRootEntity, { namespace, name })
}

/** How much hangs on a dataset. */
export async function countsOf(em: EntityManager, dataset: string) {
  const [grants, terms, requests] = [
    await em.count(GrantEntity, { dataset, endedAt: null }),
    await em.count(TermsEntity, { dataset }),
    await em.count(AccessRequestEntity, { dataset }),
  ]
  const fromConfig =
    (await em.count(GrantEntity, { dataset, source: 'config', endedAt: null })) +
    (await em.count(TermsEntity, { dataset, source: 'config', retiredAt: null }))
  return { grants, terms, requests, fromConfig }
}
