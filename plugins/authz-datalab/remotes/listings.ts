/** Listings of whole file systems, kept between a least and a greatest age by datalab's rule. @module */
import { type Clock, Fault, isFault, type Json, type Log, type Store } from '@labgate/contract'
import { wordsOf } from './files/file-system.ts'
import type { KeptFiles } from './store.ts'
import type { Systems } from './systems.ts'
import { errorNode, listTree, type TreeLimits } from './tree.ts'

/** A tree as datalab answers it. */
export type Tree = Readonly<Record<string, Json>> & { readonly last_updated: string }

/** Listings of all file systems. */
export interface Listings {
  /**
   * `invalidate` as datalab has it: `true` makes it anew unless it is younger than the least age, `false` never when there
   * is one. Never rejects because of the file system: what failed is told inside the tree.
   */
  tree(name: string, invalidate: boolean | undefined): Promise<Tree>
  /** Makes those anew that are older than so many seconds. */
  refresh(olderThanSeconds: number): Promise<void>
  /** Waits for what is under way. */
  settled(): Promise<void>
}

/** What listings need. */
export interface ListingNeeds {
  readonly systems: Systems
  readonly kept: KeptFiles
  readonly clock: Clock
  readonly store: Store
  readonly log: Log
  readonly stopping: AbortSignal
  readonly maxAgeSeconds: number
  readonly minAgeSeconds: number
  readonly limits: TreeLimits
}

interface KeptTree {
  readonly at: Date
  readonly contents: readonly Json[]
  readonly leftOut: string | undefined
}

interface Failure {
  readonly at: Date
  readonly details: string
}

/** Makes them. */
export function createListings(needs: ListingNeeds): Listings {
  const { systems, kept, clock, store, log, stopping, maxAgeSeconds, minAgeSeconds, limits } = needs
  const underWay = new Map<string, Promise<Tree>>()
  const failures = new Map<string, Failure>()
  const ageOf = (at: Date): number => (clock.now().getTime() - at.getTime()) / 1000
  const load = async (name: string): Promise<KeptTree | undefined> => readKept(await kept.read(keyOf(name, systems)))

  const make = async (name: string): Promise<Tree> => {
    const system = systems.get(name)
    if (!system) throw new TypeError(`no file system ${name}`)
    const asked = clock.now()
    try {
      return await store.lock(`remotes/${name}`, async () => {
        // Another process may have made it while this one waited.
        const other = await load(name)
        if (other && other.at >= asked) return treeOf(name, 'cached', other)
        const listing = await system.files.use(stopping, (files) => listTree(files, limits))
        const made: KeptTree = { at: clock.now(), ...listing }
        const bytes = Buffer.from(JSON.stringify(made.contents))
        await kept.write(keyOf(name, systems), { head: headOf(made), bytes, at: made.at })
        failures.delete(name)
        return treeOf(name, 'updated', made)
      })
    } catch (error) {
      const failure = { at: clock.now(), details: wordsOf(error) }
      if (!stopping.aborted) {
        failures.set(name, failure)
        log.warn({ remote: name, ...reasonOf(error) }, 'a remote file system could not be listed')
      }
      return failedTree(name, failure)
    }
  }
  // One attempt for all who ask meanwhile.
  const once = (name: string): Promise<Tree> => {
    const running = underWay.get(name) ?? make(name).finally(() => underWay.delete(name))
    underWay.set(name, running)
    return running
  }
  const left = (name: string): Failure | undefined => {
    const failure = failures.get(name)
    return failure && ageOf(failure.at) < minAgeSeconds ? failure : undefined
  }

  return {
    async tree(name, invalidate) {
      const has = await load(name)
      const age = has && ageOf(has.at)
      const stale = age === undefined || (age > maxAgeSeconds && invalidate !== false)
      const wanted = age !== undefined && invalidate === true && age > minAgeSeconds
      if (has && !stale && !wanted) return treeOf(name, 'cached', has)
      const failure = left(name)
      return failure ? failedTree(name, failure) : once(name)
    },
    async refresh(olderThanSeconds) {
      const work = [...systems.keys()].map(async (name) => {
        const has = await load(name)
        if (!stopping.aborted && !(has && ageOf(has.at) <= olderThanSeconds) && !left(name)) await once(name)
      })
      for (const result of await Promise.allSettled(work))
        if (result.status === 'rejected') log.warn({ error: result.reason }, 'listings could not be kept')
    },
    settled: async () => void (await Promise.allSettled([...underWay.values()])),
  }
}

// A listing of another folder or host does not count any more, whatever it is called.
function keyOf(name: string, systems: Systems): string {
  return `tree/${name}/${systems.get(name)?.identity}`
}

function treeOf(name: string, status: 'updated' | 'cached', { at, contents, leftOut }: KeptTree): Tree {
  const more = leftOut === undefined ? [] : [errorNode(name, leftOut)]
  return {
    ...{ name, type: 'toplevel', contents: [...contents, ...more], last_updated: at.toISOString(), status },
    ...(leftOut === undefined ? {} : { truncated: true }),
  }
}

function failedTree(name: string, { at, details }: Failure): Tree {
  const contents = [errorNode(name, details)]
  return { name, type: 'toplevel', contents, last_updated: at.toISOString(), status: 'error' }
}

function headOf({ at, leftOut }: KeptTree): string {
  return JSON.stringify({ at: at.toISOString(), ...(leftOut === undefined ? {} : { leftOut }) })
}

// What an older version or a full disk left behind is no listing.
function readKept(file: { readonly head: string; readonly bytes: Buffer } | undefined): KeptTree | undefined {
  if (!file) return undefined
  try {
    const { at, leftOut } = JSON.parse(file.head) as { at?: unknown; leftOut?: unknown }
    const contents: unknown = JSON.parse(file.bytes.toString())
    if (typeof at !== 'string' || !Array.isArray(contents)) return undefined
    return { at: new Date(at), contents, leftOut: typeof leftOut === 'string' ? leftOut : undefined }
  } catch {
    return undefined // not JSON: the same as none
  }
}

/** Why, for the operator: what lies under the plain words. */
export function reasonOf(error: unknown): Readonly<Record<string, unknown>> {
  const cause = isFault(error) ? (error.cause ?? error) : error
  return { reason: cause instanceof Fault || cause instanceof Error ? cause.message : String(cause) }
}
