/** Objects of service tables that anyone may see: added and removed in bulk, read in pages. @module */
import { type Clock, Fault } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { type Actor, actorName, type PageAsk, type Paged, pageLimit } from '../accounts/actor.ts'
import type { Change } from '../accounts/changes.ts'
import { pageOf } from '../accounts/paging.ts'
import type { Reads } from '../storage/late-orm.ts'
import { PublicRootEntity, ServiceTableEntity } from '../storage/ledger-entities.ts'
import type { Storage } from '../storage/storage.ts'
import { checkTable } from './dataset-patch.ts'
import { checkRoot, refuse, shown } from './input.ts'

/** Most roots of one change: everything that writes waits for it. */
const mostAtOnce = 20_000
const chunk = 500
/** So many ids stand in the audit trail by themselves; of more, the first ones and how many. */
const mostAudited = 100

interface Table {
  readonly namespace: string
  readonly name: string
}

/** An object of a table that anyone may see. */
export interface PublicRoot extends Table {
  /** An unsigned 64-bit integer in decimal digits. */
  readonly root: string
  readonly addedBy: string
  readonly createdAt: Date
}

/** The roots of all datasets. */
export interface Roots {
  /** In the order of their tables. `search`: the first digits. */
  roots(ask: PageAsk & { readonly dataset: string }): Promise<Paged<PublicRoot>>
  /**
   * Adds up to 20,000 at once; says how many were new.
   * @throws Fault ERR_INPUT (no unsigned 64-bit integer), ERR_NOT_FOUND (no dataset has the table), ERR_FORBIDDEN
   */
  addRoots(actor: Actor, table: { namespace: string; name: string }, roots: readonly string[]): Promise<number>
  /** Says how many there were. @throws as `addRoots` */
  removeRoots(actor: Actor, table: { namespace: string; name: string }, roots: readonly string[]): Promise<number>
}

interface RootColumns extends Table {
  readonly root: string
  readonly added_by: string
  readonly created_at: number | Date
}

/** Makes the part of the datasets that keeps their public roots. */
export function createRoots(needs: {
  readonly storage: Storage
  readonly clock: Clock
  readonly change: Change
}): Roots {
  const { storage, clock, change } = needs
  const alter = async (
    actor: Actor,
    asked: { table: Table; roots: readonly string[]; do: 'add' | 'remove' },
  ): Promise<number> => {
    const table = checkTable(asked.table)
    const roots = checkRoots(asked.roots)
    // A table that is not there belongs to nobody: a stranger is refused as for one that is.
    const act = async (em: EntityManager) =>
      ({ on: 'dataset', do: 'change', dataset: (await ownerOf(em, table)) ?? '' }) as const
    return change(actor, act, async (em) => {
      const dataset = (await ownerOf(em, table)) ?? nobodys(table)
      const altered =
        asked.do === 'add'
          ? await insert(em, { table, roots, addedBy: actorName(actor), at: clock.now() })
          : await drop(em, { table, roots })
      if (altered === 0) return { unchanged: 0 }
      const told = { count: altered, of: roots.length, roots: roots.slice(0, mostAudited) }
      return {
        result: altered,
        type: asked.do === 'add' ? 'dataset.roots-added' : 'dataset.roots-removed',
        target: { dataset, ...table },
        before: asked.do === 'add' ? undefined : told,
        after: asked.do === 'add' ? told : undefined,
      }
    })
  }
  return {
    roots: (ask) => list(storage.em(), ask),
    addRoots: (actor, table, roots) => alter(actor, { table, roots, do: 'add' }),
    removeRoots: (actor, table, roots) => alter(actor, { table, roots, do: 'remove' }),
  }
}

function checkRoots(roots: readonly string[]): readonly string[] {
  if (roots.length > mostAtOnce) refuse(`At most ${mostAtOnce} object ids can be changed at once.`)
  return [...new Set(roots.map(checkRoot))]
}

async function ownerOf(em: EntityManager, { namespace, name }: Table): Promise<string | undefined> {
  return (await em.findOne(ServiceTableEntity, { namespace, name }, { disableIdentityMap: true }))?.dataset
}

function nobodys({ namespace, name }: Table): never {
  throw new Fault('ERR_NOT_FOUND', `No dataset has the table ${shown(name)} in ${shown(namespace)}.`)
}

function chunksOf(roots: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(roots.length / chunk) }, (_, index) =>
    roots.slice(index * chunk, (index + 1) * chunk),
  )
}

async function insert(
  em: EntityManager,
  { table, roots, addedBy, at }: { table: Table; roots: readonly string[]; addedBy: string; at: Date },
): Promise<number> {
  let fresh = 0
  for (const part of chunksOf(roots)) {
    const present = await em.find(PublicRootEntity, { ...table, root: { $in: part } }, { disableIdentityMap: true })
    const known = new Set(present.map(({ root }) => root))
    const rows = part.filter((root) => !known.has(root)).map((root) => ({ ...table, root, addedBy, createdAt: at }))
    if (rows.length > 0) await em.insertMany(PublicRootEntity, rows)
    fresh += rows.length
  }
  return fresh
}

async function drop(em: EntityManager, { table, roots }: { table: Table; roots: readonly string[] }): Promise<number> {
  let gone = 0
  for (const part of chunksOf(roots)) gone += await em.nativeDelete(PublicRootEntity, { ...table, root: { $in: part } })
  return gone
}

async function list(em: Reads, ask: Parameters<Roots['roots']>[0]): Promise<Paged<PublicRoot>> {
  const size = pageLimit(ask)
  const digits = (ask.search ?? '').replaceAll(/\D/g, '')
  const ofDataset = `exists (select 1 from service_table t
    where t.dataset = ? and t.namespace = r.namespace and t.name = r.name)${digits === '' ? '' : ' and r.root like ?'}`
  const values = [ask.dataset, ...(digits === '' ? [] : [`${digits}%`])]
  const [counted] = await em.execute<{ total: number }[]>(
    `select count(*) as total from public_root r where ${ofDataset}`,
    values,
  )
  const rows = await em.execute<RootColumns[]>(
    `select * from public_root r where ${ofDataset} and (r.namespace, r.name, r.root) > (?, ?, ?)
     order by r.namespace, r.name, r.root limit ?`,
    [...values, ...placeAfter(ask.after), size + 1],
  )
  const page = pageOf(rows, {
    size,
    total: Number(counted?.total),
    keyOf: ({ namespace, name, root }) => Buffer.from(JSON.stringify([namespace, name, root])).toString('base64url'),
  })
  return {
    ...page,
    rows: page.rows.map(({ namespace, name, root, added_by, created_at }) => ({
      namespace,
      name,
      root,
      addedBy: added_by,
      createdAt: new Date(created_at),
    })),
  }
}

function placeAfter(after: string | undefined): readonly string[] {
  if (after === undefined) return ['', '', '']
  try {
    const place: unknown = JSON.parse(Buffer.from(after, 'base64url').toString())
    if (Array.isArray(place) && place.length === 3 && place.every((word) => typeof word === 'string')) return place
  } catch (cause) {
    throw new Fault('ERR_INPUT', 'This page does not exist; begin with the first one.', { cause })
  }
  return refuse('This page does not exist; begin with the first one.')
}
