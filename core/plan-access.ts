/** Who holds what on which dataset, and how two such lists differ. @module */
import { type GrantView, levels } from '@labgate/contract'
import type { Rooms } from './assembly.ts'
import { everybody } from './plan-people.ts'

/** Somebody gains or loses verbs on a dataset, or on one version of it. */
export interface AccessChange {
  /** Username, or `anyone`: who is not signed in. */
  readonly who: string
  readonly dataset: string
  readonly version?: string
  readonly gains: readonly string[]
  readonly loses: readonly string[]
}

/** What each holds, by name and by dataset with its version. */
export type Holdings = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>

/** What everybody holds now, terms and conditions counted. */
export async function heldBy(rooms: Rooms): Promise<Holdings> {
  const access = rooms.get('access')
  const found = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>()
  found.set('anyone', byPlace((await access.anyone()).grants))
  for await (const { id, username } of everybody(rooms)) {
    const { grants } = await access.snapshot(id)
    if (grants.length > 0) found.set(username, byPlace(grants))
  }
  return found
}

function byPlace(grants: readonly GrantView[]): Map<string, ReadonlySet<string>> {
  return new Map(grants.map((grant) => [JSON.stringify([grant.dataset, grant.version ?? null]), verbsOf(grant)]))
}

function verbsOf({ level, permissions }: GrantView): Set<string> {
  return new Set([...levels.slice(0, level === undefined ? 0 : levels.indexOf(level) + 1), ...permissions])
}

/** How two lists differ, by name and dataset. */
export function accessChanges(before: Holdings, after: Holdings): AccessChange[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].toSorted()
  return names.flatMap((who) => {
    const [one, other] = [before.get(who), after.get(who)]
    const places = [...new Set([...(one?.keys() ?? []), ...(other?.keys() ?? [])])].toSorted()
    return places.flatMap((place): AccessChange[] => {
      const had = one?.get(place) ?? new Set<string>()
      const has = other?.get(place) ?? new Set<string>()
      const gains = [...has].filter((verb) => !had.has(verb))
      const loses = [...had].filter((verb) => !has.has(verb))
      if (gains.length + loses.length === 0) return []
      const [dataset, version] = JSON.parse(place) as [string, string | null]
      return [{ who, dataset, ...(version === null ? {} : { version }), gains, loses }]
    })
  })
}
