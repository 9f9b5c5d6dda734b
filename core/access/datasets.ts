/**
 * Datasets: what they are called, which versions they have, where they lie and by which tables services know them.
 * Roots anyone may see are kept in `roots.ts`.
 * @module
 */
import { type Clock, Fault, type Json } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { type Actor, type PageAsk, type Paged, pageLimit, sourceOf } from '../accounts/actor.ts'
import type { Change } from '../accounts/changes.ts'
import { pageOf, searchWhere } from '../accounts/paging.ts'
import type { Reads } from '../storage/late-orm.ts'
import { DatasetAliasEntity, DatasetEntity, type DatasetRow } from '../storage/ledger-entities.ts'
import { nextNumericId } from '../storage/numeric-ids.ts'
import type { Storage } from '../storage/storage.ts'
import { assertFree, assertUnneeded, countsOf, partsOf, removeRoots, replaceParts } from './dataset-parts.ts'
import { type CheckedPatch, checkPatch } from './dataset-patch.ts'
import { checkSlug, shown } from './input.ts'
import type { Dataset, DatasetPatch } from './model.ts'
import { createRoots, type Roots } from './roots.ts'
import { assertKeptBy } from './source.ts'

/** A dataset that is to be created. */
export type NewDataset = DatasetPatch & { readonly slug: string; readonly title: string }

/** All datasets. */
export interface Datasets extends Roots {
  /** In the order of their slugs. `search`: part of the slug, the title or an alias. `slugs`: only these. */
  list(
    ask: PageAsk & {
      readonly slugs?: readonly string[] | undefined
      readonly visibility?: Dataset['visibility'] | undefined
    },
  ): Promise<Paged<Dataset>>
  /** By slug or alias. */
  find(name: string): Promise<Dataset | undefined>
  /** @throws Fault ERR_INPUT, ERR_CONFLICT (slug, alias or table taken), ERR_FORBIDDEN */
  create(actor: Actor, dataset: NewDataset): Promise<Dataset>
  /**
   * Changes what the patch names. New aliases, places and tables need leave of their own (`bind`).
   * @throws Fault ERR_NOT_FOUND, ERR_CONFLICT when the config keeps it, a name is taken, or a version is still needed
   */
  change(actor: Actor, slug: string, patch: DatasetPatch): Promise<Dataset>
  /** Removes it with its grants, terms, requests and roots. @throws Fault ERR_CONFLICT when the config keeps any of them */
  remove(actor: Actor, slug: string): Promise<void>
}

/** What the datasets stand on. */
export interface DatasetNeeds {
  readonly storage: Storage
  readonly clock: Clock
  readonly change: Change
}

const searched = [
  `lower(slug) like ? escape '\\'`,
  `lower(title) like ? escape '\\'`,
  `slug in (select dataset from dataset_alias where lower(alias) like ? escape '\\')`,
]

/** Makes the datasets on a storage. */
export function createDatasets(needs: DatasetNeeds): Datasets {
  const { storage } = needs
  return {
    async list(ask) {
      const em = storage.em()
      const size = pageLimit(ask)
      const matching = () => ({
        ...searchWhere(ask.search, searched),
        ...(ask.slugs === undefined ? {} : { slug: { $in: [...ask.slugs] } }),
        ...(ask.visibility === undefined ? {} : { visibility: ask.visibility }),
      })
      const total = await em.count(DatasetEntity, matching())
      const from = ask.after === undefined ? {} : { slug: { $gt: ask.after } }
      const rows = await em.find(
        DatasetEntity,
        { $and: [matching(), from] },
        { orderBy: { slug: 'asc' }, limit: size + 1 },
      )
      return pageOf(await viewsOf(em, rows), { size, total, keyOf: ({ slug }) => slug })
    },
    find: (name) => findIn(storage.em(), name),
    create: (actor, dataset) => create(needs, actor, dataset),
    change: (actor, slug, patch) => change(needs, actor, { slug, patch }),
    remove: (actor, slug) => remove(needs, actor, slug),
    ...createRoots(needs),
  }
}

/** A dataset by slug or alias, as a transaction sees it. */
async function findIn(em: Reads, name: string): Promise<Dataset | undefined> {
  // Within a transaction rows may have changed behind the identity map.
  const fresh = { disableIdentityMap: true } as const
  const bySlug = (slug: string) => em.findOne(DatasetEntity, { slug }, fresh)
  const alias = async () => (await em.findOne(DatasetAliasEntity, { alias: name }, fresh))?.dataset
  const row = (await bySlug(name)) ?? (await bySlug((await alias()) ?? ''))
  return row === null ? undefined : (await viewsOf(em, [row]))[0]
}

async function create({ clock, change }: DatasetNeeds, actor: Actor, dataset: NewDataset): Promise<Dataset> {
  return change(actor, { on: 'dataset', do: 'create' }, async (em) => {
    const slug = checkSlug(dataset.slug)
    const { aliases = [], versions = [], places = [], tables = [], ...patch } = checkPatch(dataset)
    const parts = { aliases, versions, places, tables }
    await assertFree(em, { slug, ...parts, isNew: 'yes' })
    const now = clock.now()
    await em.insert(DatasetEntity, {
      slug,
      numericId: await nextNumericId(em),
      title: patch.title ?? slug,
      description: patch.description ?? '',
      visibility: patch.visibility ?? 'listed',
      frozen: patch.frozen ?? null,
      source: sourceOf(actor),
      createdAt: now,
      updatedAt: now,
    })
    await replaceParts(em, slug, { wanted: parts, now })
    const made = await present(em, slug)
    return { result: made, type: 'dataset.created', target: { dataset: slug }, before: undefined, after: jsonOf(made) }
  })
}

async function change(
  { clock, change }: DatasetNeeds,
  actor: Actor,
  { slug, patch }: { slug: string; patch: DatasetPatch },
): Promise<Dataset> {
  const checked = checkPatch(patch)
  const act = async (em: EntityManager) => {
    const before = await findIn(em, slug)
    const binds = before !== undefined && before.slug === slug && bindsAnew(before, checked)
    return { on: 'dataset', do: binds ? 'bind' : 'change', dataset: slug } as const
  }
  return change(actor, act, async (em) => {
    const before = await present(em, slug)
    assertKeptBy(actor, { source: before.source, what: `The dataset ${slug}` })
    if (patch.unchangedSince !== undefined && before.updatedAt > patch.unchangedSince)
      throw new Fault('ERR_CONFLICT', 'Somebody else has changed this dataset in the meantime; look again.')
    const wanted = mergedParts(before, checked)
    await assertFree(em, { slug, ...wanted, isNew: 'no' })
    await assertUnneeded(em, { slug, before, wanted })
    const source = sourceOf(actor) === 'config' ? 'config' : before.source
    const after = { ...before, ...definedOf(checked), ...wanted, frozen: frozenOf(before, checked), source }
    if (isSame(before, after)) return { unchanged: before }
    const { title, description, visibility, frozen } = after
    await em.nativeUpdate(
      DatasetEntity,
      { slug },
      { title, description, visibility, frozen: frozen ?? null, source, updatedAt: clock.now() },
    )
    await replaceParts(em, slug, { wanted, now: clock.now() })
    const made = await present(em, slug)
    return {
      result: made,
      type: 'dataset.changed',
      target: { dataset: slug },
      before: jsonOf(before),
      after: jsonOf(made),
    }
  })
}

async function remove({ change }: DatasetNeeds, actor: Actor, slug: string): Promise<void> {
  await change(actor, { on: 'dataset', do: 'remove' }, async (em) => {
    const before = await present(em, slug)
    assertKeptBy(actor, { source: before.source, what: `The dataset ${slug}` })
    const counts = await countsOf(em, slug)
    if (counts.fromConfig > 0)
      assertKeptBy(actor, { source: 'config', what: `What the config file grants or demands on the dataset ${slug}` })
    await removeRoots(em, before.tables)
    await em.nativeDelete(DatasetEntity, { slug })
    const gone = { grants: counts.grants, terms: counts.terms, requests: counts.requests }
    return {
      result: undefined,
      type: 'dataset.removed',
      target: { dataset: slug },
      before: { ...jsonOf(before), with: gone },
      after: undefined,
    }
  })
}

type Parts = Pick<Dataset, 'aliases' | 'versions' | 'places' | 'tables'>

async function present(em: EntityManager, slug: string): Promise<Dataset> {
  const row = await em.findOne(DatasetEntity, { slug }, { disableIdentityMap: true })
  const found = row === null ? undefined : (await viewsOf(em, [row]))[0]
  if (found === undefined) throw new Fault('ERR_NOT_FOUND', `There is no dataset ${shown(slug)}.`)
  return found
}

async function viewsOf(em: Reads, rows: readonly DatasetRow[]): Promise<Dataset[]> {
  const parts = await partsOf(
    em,
    rows.map(({ slug }) => slug),
  )
  return rows.map(({ slug, numericId, title, description, visibility, frozen, source, createdAt, updatedAt }) => ({
    slug,
    numericId: numericId ?? 0,
    title,
    description,
    visibility,
    frozen: frozen ?? undefined,
    ...parts(slug),
    source,
    createdAt,
    updatedAt,
  }))
}

function mergedParts(before: Dataset, { aliases, versions, places, tables }: CheckedPatch): Parts {
  return {
    aliases: aliases?.toSorted() ?? before.aliases,
    versions: versions ?? before.versions,
    places: places?.map((place) => ({ dataset: before.slug, ...place })) ?? before.places,
    tables: tables ?? before.tables,
  }
}

function frozenOf(before: Dataset, { frozen }: CheckedPatch): string | undefined {
  return frozen === undefined ? before.frozen : (frozen ?? undefined)
}

function definedOf({ title, description, visibility }: CheckedPatch) {
  return {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(visibility === undefined ? {} : { visibility }),
  }
}

// A form that hands in again what is there chooses nothing.
function bindsAnew(before: Dataset, { aliases, places, tables }: CheckedPatch): boolean {
  const { dataset: _, ...rest } = { dataset: before.slug, aliases, places, tables }
  const merged = mergedParts(before, { ...rest, versions: undefined } as CheckedPatch)
  return (['aliases', 'places', 'tables'] as const).some((part) => keyOf(merged[part]) !== keyOf(before[part]))
}

// The order of a list says nothing.
function isSame(before: Dataset, after: Dataset): boolean {
  const words = (dataset: Dataset) =>
    Object.values(jsonOf(dataset)).map((value) => (Array.isArray(value) ? keyOf(value) : value))
  return JSON.stringify(words(before)) === JSON.stringify(words(after))
}

function keyOf(part: readonly unknown[]): string {
  return JSON.stringify(part.map((item) => JSON.stringify(item)).toSorted())
}

/** A dataset as the audit trail keeps it. */
function jsonOf(dataset: Dataset): { readonly [key: string]: Json } {
  const { title, description, visibility, frozen, aliases, versions, places, tables, source } = dataset
  return {
    title,
    description,
    visibility,
    frozen: frozen ?? null,
    aliases: [...aliases],
    versions: versions.map(({ version, title: called }) => ({ version, title: called })),
    places: places.map(({ version, bucket, prefix }) => ({ version: version ?? null, bucket, prefix })),
    tables: tables.map(({ namespace, name }) => ({ namespace, name })),
    source,
  }
}
