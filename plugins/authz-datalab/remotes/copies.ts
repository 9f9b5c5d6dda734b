/** Copies of single files, fetched when they are asked for and again when they are too old. @module */
import { type Clock, Fault, type Store } from '@labgate/contract'
import { type Path, pathText } from './files/path.ts'
import type { KeptFiles } from './store.ts'
import type { Systems } from './systems.ts'

/** A file as it was when it was fetched. */
export interface Copy {
  readonly bytes: Buffer
  readonly modified: Date
  readonly fetchedAt: Date
}

/** Copies of the files of all file systems. */
export interface Copies {
  /**
   * The file, never older than the greatest age.
   * @throws Fault ERR_TOO_LARGE, and those of the file system
   */
  get(file: { readonly remote: string; readonly path: Path; readonly signal: AbortSignal }): Promise<Copy>
  /** Removes what is too old or too much. */
  shrink(): Promise<void>
}

/** What copies need. */
export interface CopyNeeds {
  readonly systems: Systems
  readonly kept: KeptFiles
  readonly clock: Clock
  readonly store: Store
  readonly maxAgeSeconds: number
  readonly fileBytes: number
  readonly cacheBytes: number
}

// So many files of one file system are fetched at a time, each held in memory.
const slots = 2

/** Makes them. */
export function createCopies(needs: CopyNeeds): Copies {
  const { systems, kept, clock, store, maxAgeSeconds, fileBytes, cacheBytes } = needs
  const underWay = new Map<string, Promise<Copy>>()
  let next = 0
  const shrink = (): Promise<void> =>
    kept.shrink({ bytes: cacheBytes, before: new Date(clock.now().getTime() - maxAgeSeconds * 1000) })

  const fresh = async (key: string): Promise<Copy | undefined> => {
    const copy = copyOf(await kept.read(key))
    const age = copy && clock.now().getTime() - copy.fetchedAt.getTime()
    return age !== undefined && age >= 0 && age <= maxAgeSeconds * 1000 ? copy : undefined
  }
  const bring = async (key: string, { remote, path, signal }: Parameters<Copies['get']>[0]): Promise<Copy> => {
    const system = systems.get(remote)
    if (!system) throw new TypeError(`no file system ${remote}`)
    next = (next + 1) % slots
    return store.lock(`remotes/${remote}/copy/${next}`, async () => {
      const fetchedAt = clock.now()
      const { bytes, modified } = await system.files.use(signal, (files) =>
        files.read(path, async (file) => {
          if (file.facts.size > fileBytes) throw tooLarge(fileBytes)
          return { modified: file.facts.modified, bytes: await gather(file.chunks(), fileBytes) }
        }),
      )
      const head = JSON.stringify({ fetchedAt: fetchedAt.toISOString(), modified: modified.toISOString() })
      await kept.write(key, { head, bytes, at: fetchedAt })
      await shrink()
      return { bytes, modified, fetchedAt }
    })
  }
  return {
    async get(file) {
      const key = `file/${file.remote}\0${systems.get(file.remote)?.identity}\0${pathText(file.path)}`
      const has = await fresh(key)
      if (has) return has
      const running = underWay.get(key) ?? bring(key, file).finally(() => underWay.delete(key))
      underWay.set(key, running)
      return running
    },
    shrink,
  }
}

// The size may be untrue: the file grows, or the file system does not know (as below /proc).
async function gather(chunks: AsyncIterable<Uint8Array>, most: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of chunks) {
    size += part.length
    if (size > most) throw tooLarge(most)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function tooLarge(most: number): Fault {
  return new Fault('ERR_TOO_LARGE', `Files of more than ${most} bytes are not handed out here.`)
}

function copyOf(file: { readonly head: string; readonly bytes: Buffer } | undefined): Copy | undefined {
  if (!file) return undefined
  try {
    const { fetchedAt, modified } = JSON.parse(file.head) as { fetchedAt?: unknown; modified?: unknown }
    if (typeof fetchedAt !== 'string' || typeof modified !== 'string') return undefined
    return { bytes: file.bytes, fetchedAt: new Date(fetchedAt), modified: new Date(modified) }
  } catch {
    return undefined // not JSON: the same as none
  }
}
