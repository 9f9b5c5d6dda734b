/**
 * A folder that is mounted here. Every step of a path is opened by itself, in the folder that is already open and without
 * following links, so that nobody can put a link in its place between the look and the use.
 * @module
 */
import { constants, type Dir, type Stats } from 'node:fs'
import { type FileHandle, lstat, open, opendir } from 'node:fs/promises'
import { type Entry, type Facts, type FileSystem, type Files, fileFault, fileTroubleOf } from './file-system.ts'
import { isStep, type Path } from './path.ts'
import { createTurns, type Turns } from './turns.ts'

/** Where it is mounted and how long one answer may take. */
export interface LocalOptions {
  readonly path: string
  readonly answerSeconds: number
}

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants
const entriesAtOnce = 64
const chunkBytes = 256 * 1024

/** A mounted folder. It needs Linux: a step is opened through `/proc/self/fd`. */
export function localFileSystem({ path: root, answerSeconds }: LocalOptions): FileSystem {
  const turns = createTurns(answerSeconds)
  return {
    use: async (signal, work) => work(filesOf(root, turns, signal)),
    // Nothing stays open between two uses.
    close: () => Promise.resolve(),
  }
}

function filesOf(root: string, turns: Turns, signal: AbortSignal): Files {
  const turn = <T>(work: () => Promise<T>, late?: (value: T) => void): Promise<T> => {
    if (signal.aborted) return Promise.reject(fileFault('aborted', signal.reason))
    return turns.take(async () => work().catch((error: unknown) => Promise.reject(localFault(error))), late)
  }
  const openAt = (at: string, flags: number): Promise<FileHandle> =>
    turn(
      () => open(at, flags),
      (handle) => void handle.close(),
    )
  const openFolder = async (path: Path): Promise<FileHandle> => {
    let folder = await openAt(root, O_RDONLY | O_DIRECTORY)
    for (const name of path) {
      const above = folder
      folder = await openAt(`${placeOf(above)}/${name}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).finally(() =>
        above.close(),
      )
    }
    return folder
  }
  const inFolder = async <T>(path: Path, work: (at: string) => Promise<T>): Promise<T> => {
    const folder = await openFolder(path)
    try {
      return await work(placeOf(folder))
    } finally {
      await folder.close()
    }
  }
  const last = (path: Path): readonly [above: Path, name: string] => [path.slice(0, -1), path.at(-1) ?? '.']
  return {
    facts: (path) => {
      const [above, name] = last(path)
      return inFolder(above, async (at) => {
        const facts = factsOf(await turn(() => lstat(`${at}/${name}`)))
        if (facts.kind === 'link') throw fileFault('link')
        return facts
      })
    },
    list: (path) => listing(() => openFolder(path), turn),
    read: (path, work) => {
      const [above, name] = last(path)
      return inFolder(above, async (at) => {
        // A pipe without a writer would wait for one.
        const file = await openAt(`${at}/${name}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        try {
          const facts = factsOf(await turn(() => file.stat()))
          if (facts.kind !== 'file') throw fileFault('other')
          return await work({ facts, chunks: () => chunksOf(file, turn) })
        } finally {
          await file.close()
        }
      })
    },
  }
}

type Turn = <T>(work: () => Promise<T>, late?: (value: T) => void) => Promise<T>

async function* listing(openFolder: () => Promise<FileHandle>, turn: Turn): AsyncGenerator<readonly Entry[]> {
  const handle = await openFolder()
  try {
    const at = placeOf(handle)
    const folder = await turn(
      () => opendir(at),
      (late) => void late.close(),
    )
    try {
      for (;;) {
        const part = await turn(() => partOf(folder, at))
        if (part === undefined) return
        yield part
      }
    } finally {
      await folder.close()
    }
  } finally {
    await handle.close()
  }
}

async function partOf(folder: Dir, at: string): Promise<readonly Entry[] | undefined> {
  const names: string[] = []
  while (names.length < entriesAtOnce) {
    const entry = await folder.read()
    if (entry === null) break
    names.push(entry.name)
  }
  return names.length === 0 ? undefined : entriesOf(at, names.filter(isStep))
}

async function entriesOf(at: string, names: readonly string[]): Promise<readonly Entry[]> {
  const found: Entry[] = []
  for (const name of names)
    try {
      found.push({ name, ...factsOf(await lstat(`${at}/${name}`)) })
    } catch (error) {
      const trouble = fileTroubleOf(localFault(error))
      if (trouble === 'denied') found.push({ name, kind: 'other', size: 0, modified: new Date(0) })
      // A name that is no UTF-8 is there and cannot be asked for; anything else that is missing was removed meanwhile.
      else if (trouble === 'missing' && name.includes('\u{FFFD}'))
        found.push({ name, kind: 'other', size: 0, modified: new Date(0) })
      else if (trouble !== 'missing') throw error
    }
  return found
}

async function* chunksOf(file: FileHandle, turn: Turn): AsyncGenerator<Uint8Array> {
  for (;;) {
    const { bytesRead, buffer } = await turn(() => file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes))
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
  }
}

// Linux leads from there to the folder that is open, wherever its path leads by now.
function placeOf(folder: FileHandle): string {
  return `/proc/self/fd/${folder.fd}`
}

function factsOf(stats: Stats): Facts {
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other'
  return { kind, size: stats.size, modified: stats.mtime }
}

function localFault(error: unknown) {
  if (fileTroubleOf(error)) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ENAMETOOLONG') return fileFault('missing', error)
  if (code === 'ELOOP') return fileFault('link', error)
  if (code === 'ENOTDIR' || code === 'ENXIO') return fileFault('other', error)
  if (code === 'EACCES' || code === 'EPERM') return fileFault('denied', error)
  return fileFault('unavailable', error)
}
