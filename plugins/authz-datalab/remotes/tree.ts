/** A whole file system as datalab lists it: `tree -J`, each entry with its name and the path of its folder. @module */
import type { Json } from '@labgate/contract'
import { type Entry, type Files, fileTroubleOf, isLocalTrouble, wordsOf } from './files/file-system.ts'
import { deepestPath, type Path, shown } from './files/path.ts'

/** How far a listing goes. */
export interface TreeLimits {
  readonly entries: number
  readonly bytes: number
  readonly seconds: number
}

/** What was listed, and why it is not all, when it is not. */
export interface Listing {
  readonly contents: readonly Json[]
  readonly leftOut: string | undefined
}

/** One entry in datalab's words. `path` is there when the name is shown otherwise than it is. */
export function nodeOf(entry: Entry, folder: Path): { readonly [key: string]: Json } {
  const name = shown(entry.name)
  const above = folder.map(shown)
  const differs = name !== entry.name || above.some((one, index) => one !== folder[index])
  return {
    type: types[entry.kind],
    name,
    relative_path: above.length === 0 ? '/' : `/${above.join('/')}/`,
    size: entry.size,
    time: String(Math.floor(entry.modified.getTime() / 1000)),
    ...(differs ? { path: [...folder, entry.name].join('/').toWellFormed() } : {}),
  }
}

/** An error in a tree. */
export function errorNode(name: string, details: string): Json {
  return { type: 'error', name: shown(name), details }
}

/** Code points, the same on every machine. */
export function byName(one: { readonly name: string }, other: { readonly name: string }): number {
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0
}

const types = { file: 'file', folder: 'directory', link: 'link', other: 'other' } as const
const nodeOverhead = 100

interface Folder {
  readonly path: Path
  readonly contents: Json[]
}

/**
 * Lists folder by folder, those near the root first, so that what a limit cuts off lies deep. A folder that cannot be
 * listed has an error in its place; links are not followed.
 * @throws Fault when the file system as a whole does not answer, or its root cannot be listed
 */
export async function listTree(files: Files, limits: TreeLimits): Promise<Listing> {
  const end = performance.now() + limits.seconds * 1000
  const root: Folder = { path: [], contents: [] }
  const queue: Folder[] = [root]
  const left = { entries: limits.entries, bytes: limits.bytes }
  const reason = (): string | undefined => {
    if (left.entries <= 0) return `Only the first ${limits.entries} entries are listed.`
    if (left.bytes <= 0) return `The listing is longer than ${limits.bytes} bytes; the rest is left out.`
    return performance.now() > end ? `Listing took longer than ${limits.seconds} s; the rest is left out.` : undefined
  }
  let leftOut: string | undefined
  // The queue grows while it is walked.
  for (const folder of queue) {
    const entries: Entry[] = []
    try {
      for await (const part of files.list(folder.path)) {
        entries.push(...part.slice(0, Math.max(0, left.entries)))
        leftOut = left.entries < part.length ? (reason() ?? tooMany(limits)) : reason()
        left.entries -= part.length
        for (const { name } of part) left.bytes -= sizeOf(name, folder.path)
        leftOut ??= left.bytes <= 0 ? reason() : undefined
        if (leftOut !== undefined) break
      }
    } catch (error) {
      if (folder === root || !isLocalTrouble(error)) throw error
      // Removed, or made something else, since its folder was listed.
      if (fileTroubleOf(error) !== 'missing') folder.contents.push(errorNode(folder.path.at(-1) ?? '', wordsOf(error)))
    }
    for (const entry of entries.toSorted(byName)) queue.push(...addTo(folder, entry))
    if (leftOut !== undefined) break
  }
  return { contents: root.contents, leftOut }
}

function tooMany({ entries }: TreeLimits): string {
  return `Only the first ${entries} entries are listed.`
}

function addTo(folder: Folder, entry: Entry): readonly Folder[] {
  const node = nodeOf(entry, folder.path)
  if (entry.kind !== 'folder') {
    folder.contents.push(node)
    return []
  }
  const contents: Json[] = []
  folder.contents.push({ ...node, contents })
  const path = [...folder.path, entry.name]
  if (path.length < deepestPath) return [{ path, contents }]
  contents.push(errorNode(entry.name, `Deeper than ${deepestPath} folders; this one is not listed.`))
  return []
}

function sizeOf(name: string, folder: Path): number {
  // Escaped, a character takes six bytes at most; most take one.
  return (
    nodeOverhead + Buffer.byteLength(JSON.stringify(name)) + folder.reduce((sum, { length }) => sum + length + 1, 0)
  )
}
