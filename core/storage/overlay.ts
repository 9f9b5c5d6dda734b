/** How a unit sees its own writes before they are stored. @module */
import type { ArtifactEntry } from './artifact-rows.ts'

/** What a unit has written so far, laid over what is stored. */
export function createOverlay() {
  const known = new Map<string, ArtifactEntry | undefined>()
  const grants: { readonly grant: string; readonly models: readonly string[] | undefined }[] = []

  const isDeleted = (entry: ArtifactEntry | undefined) =>
    grants.some(({ grant, models }) => entry?.grant === grant && (models?.includes(entry.model) ?? true))

  const unlessDeleted = (entry: ArtifactEntry | undefined) => (isDeleted(entry) ? undefined : entry)

  return {
    /** Whether the unit has written or deleted it. */
    has: (key: string) => known.has(key),
    /** What is stored, as the unit leaves it. */
    below: unlessDeleted,
    see: (key: string, stored: () => ArtifactEntry | undefined) =>
      known.has(key) ? known.get(key) : unlessDeleted(stored()),
    seeBy: (field: 'uid' | 'userCode', value: string, stored: () => ArtifactEntry | undefined) => {
      for (const entry of known.values()) {
        if (entry?.[field] === value) {
          return entry
        }
      }
      const below = stored()
      // The unit has deleted it or given it another uid or code.
      return below === undefined || known.has(below.key) ? undefined : unlessDeleted(below)
    },
    put: (entry: ArtifactEntry) => {
      known.set(entry.key, entry)
    },
    delete: (key: string) => {
      known.set(key, undefined)
    },
    deleteByGrant: (grant: string, models: readonly string[] | undefined) => {
      grants.push({ grant, models })
      for (const [key, entry] of known) {
        if (entry?.grant === grant && (models?.includes(entry.model) ?? true)) {
          known.set(key, undefined)
        }
      }
    },
  }
}
