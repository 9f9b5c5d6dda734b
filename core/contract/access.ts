/** Reading a snapshot the one right way: pure functions for dialects, so that each answers as the core would. @module */
import type { GrantView, Held, Level } from './values.ts'

/** Levels from the least to the most; each contains those before it. */
export const levels: readonly Level[] = ['view', 'edit', 'manage', 'admin']

/** Whether what is held covers a verb: a level by its rank, a named permission by its name. */
export function covers({ level, permissions }: Held, verb: string): boolean {
  if (permissions.includes(verb)) return true
  const rank = levels.indexOf(verb as Level)
  return rank >= 0 && level !== undefined && levels.indexOf(level) >= rank
}

/** The entry that speaks for a dataset, or for one version of it. */
export function heldOn(
  grants: readonly GrantView[],
  place: { readonly dataset: string; readonly version?: string | undefined },
): GrantView | undefined {
  const entries = grants.filter(({ dataset }) => dataset === place.dataset)
  const own = place.version === undefined ? undefined : entries.find(({ version }) => version === place.version)
  return own ?? entries.find(({ version }) => version === undefined)
}
