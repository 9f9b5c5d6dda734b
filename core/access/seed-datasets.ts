/** The datasets of the config file, and what becomes of those that were taken out of it. @module */
import type { EntityManager } from '@mikro-orm/sqlite'
import type { DatasetEntry } from '../config/schema.ts'
import {
  AcceptanceEntity,
  AccessRequestEntity,
  DatasetEntity,
  GrantEntity,
  PublicRootEntity,
  ServiceTableEntity,
  TermsEntity,
} from '../storage/ledger-entities.ts'
import type { DatasetPatch } from './model.ts'
import { type Seeding, seedActor } from './seeding.ts'

const takenOut = 'It was taken out of the config file.'

/** Datasets that the file has no longer: removed, or closed and left to the database when something of it hangs there. */
export async function leaveDatasets(em: EntityManager, seeding: Seeding): Promise<void> {
  const { config, kept, ledger, change, clock } = seeding
  for (const { slug } of await em.find(DatasetEntity, { source: 'config' }, { orderBy: { slug: 1 } })) {
    if (Object.hasOwn(config.datasets, slug)) continue
    if (!(await isUsed(em, slug))) {
      await ledger.datasets.remove(seedActor, slug)
      continue
    }
    kept.left.datasets.push(slug)
    await change(seedActor, undefined, async (inner) => {
      const update = { frozen: takenOut, source: 'database' as const, updatedAt: clock.now() }
      await inner.nativeUpdate(DatasetEntity, { slug }, update)
      const [before, after] = [{ source: 'config' }, { source: 'database', frozen: takenOut }]
      return { result: undefined, type: 'dataset.changed', target: { dataset: slug }, before, after }
    })
  }
}

/** Whether people have made something of it: lines, requests, terms, or accepted its terms. */
async function isUsed(em: EntityManager, dataset: string): Promise<boolean> {
  const terms = (await em.find(TermsEntity, { dataset })).map(({ id, source }) => ({ id, source }))
  const counts = [
    terms.filter(({ source }) => source !== 'config').length,
    await em.count(GrantEntity, { dataset, source: { $ne: 'config' } }),
    await em.count(AccessRequestEntity, { dataset }),
    await em.count(AcceptanceEntity, { terms: { $in: terms.map(({ id }) => id) } }),
  ]
  return counts.some((count) => count > 0)
}

/** Makes the datasets of the file what the file says. */
export async function seedDatasets(em: EntityManager, seeding: Seeding): Promise<void> {
  const entries = Object.entries(seeding.config.datasets)
  for (const [slug, entry] of entries) await releaseNames(seeding, slug, entry)
  for (const [slug, entry] of entries) {
    await seeding.at(['datasets', slug], async () => {
      const before = await seeding.ledger.datasets.find(slug)
      const patch = patchOf(slug, entry, before?.versions ?? [])
      if (before === undefined) await seeding.ledger.datasets.create(seedActor, { ...patch, slug, title: patch.title })
      else await seeding.ledger.datasets.change(seedActor, slug, patch)
      seeding.kept.left.datasets = seeding.kept.left.datasets.filter((left) => left !== slug)
    })
  }
  for (const [slug, entry] of entries)
    await seeding.at(['datasets', slug, 'publicRoots'], () => seedRoots(em, seeding, { slug, entry }))
}

/** An alias or a table may move from one dataset to another: it is given up before it is taken. */
async function releaseNames({ ledger, at }: Seeding, slug: string, { aliases, tables }: DatasetEntry): Promise<void> {
  const before = await ledger.datasets.find(slug)
  if (before === undefined || before.slug !== slug) return
  const keptAliases = before.aliases.filter((alias) => aliases.includes(alias))
  const keptTables = before.tables.filter((table) => tables.some((one) => keyOf(one) === keyOf(table)))
  if (keptAliases.length === before.aliases.length && keptTables.length === before.tables.length) return
  await at(['datasets', slug], () =>
    ledger.datasets.change(seedActor, slug, { aliases: keptAliases, tables: keptTables }),
  )
}

function patchOf(slug: string, entry: DatasetEntry, known: readonly { readonly version: string }[]) {
  const { title = slug, description, visibility, frozen = null, aliases } = entry
  const names = known.map(({ version }) => version)
  // Known versions keep their order, whatever the file's: it is no change.
  const rank = (version: string) => (names.includes(version) ? names.indexOf(version) : names.length)
  const versions = Object.entries(entry.versions).toSorted(([a], [b]) => rank(a) - rank(b))
  return {
    ...{ title, description, visibility, frozen, aliases: aliases.toSorted() },
    versions: versions.map(([version, one]) => ({ version, title: one.title })),
    places: [
      ...entry.places,
      ...versions.flatMap(([version, { places }]) => places.map((place) => ({ ...place, version }))),
    ],
    tables: entry.tables.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
  } satisfies DatasetPatch
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  // Below every character that a name may have, so that the order is the database's.
  return `${namespace}\u0000${name}`
}

/** Roots that the file opens; those that people have opened stay. */
async function seedRoots(
  em: EntityManager,
  { ledger }: Seeding,
  { slug, entry }: { readonly slug: string; readonly entry: DatasetEntry },
): Promise<void> {
  for (const { namespace, name } of await em.find(
    ServiceTableEntity,
    { dataset: slug },
    { disableIdentityMap: true },
  )) {
    const wanted = new Set(
      entry.publicRoots.filter((one) => keyOf(one) === keyOf({ namespace, name })).flatMap(({ roots }) => roots),
    )
    const ours = { namespace, name, addedBy: seedActor.name }
    const gone = (await em.find(PublicRootEntity, ours, { disableIdentityMap: true }))
      .map(({ root }) => root)
      .filter((root) => !wanted.has(root))
    if (gone.length > 0) await ledger.datasets.removeRoots(seedActor, { namespace, name }, gone)
    if (wanted.size > 0) await ledger.datasets.addRoots(seedActor, { namespace, name }, [...wanted])
  }
}
