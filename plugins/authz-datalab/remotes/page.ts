/** One page of one folder: sorted by name, whatever order the file system has, without keeping all of a huge folder. @module */
import type { Entry, Files } from './files/file-system.ts'
import type { Path } from './files/path.ts'
import { byName } from './tree.ts'

/** What is asked for. */
export interface PageAsk {
  readonly path: Path
  /** Only names behind this one. */
  readonly after: string | undefined
  readonly limit: number
  /** Entries that are looked at, at most. */
  readonly most: number
}

/** A page. */
export interface FolderPage {
  readonly entries: readonly Entry[]
  /** There are more behind the last one. */
  readonly more: boolean
  /** The folder has more entries than were looked at: some may be on no page. */
  readonly truncated: boolean
}

/** Reads a page. */
export async function pageOf(files: Files, { path, after, limit, most }: PageAsk): Promise<FolderPage> {
  let found: Entry[] = []
  let seen = 0
  let truncated = false
  for await (const part of files.list(path)) {
    const room = part.slice(0, most - seen)
    found.push(...room.filter(({ name }) => after === undefined || name > after))
    // One more than the page, to know whether there is another.
    if (found.length > 4 * (limit + 1)) found = found.sort(byName).slice(0, limit + 1)
    seen += room.length
    truncated = room.length < part.length
    if (truncated) break
  }
  const sorted = found.toSorted(byName)
  return { entries: sorted.slice(0, limit), more: sorted.length > limit, truncated }
}
