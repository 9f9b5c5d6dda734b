/** Files for a container, as the archive that engines take. @module */
import { pack } from 'tar-stream'

/** One entry. A name that ends in a slash is a folder. */
export interface Entry {
  readonly name: string
  readonly content?: string
  readonly mode: number
  readonly owner: { readonly uid: number; readonly gid: number }
}

/** The archive (POSIX ustar) of some entries. */
export async function archiveOf(entries: readonly Entry[]): Promise<Buffer> {
  const made = pack()
  for (const { name, content = '', mode, owner } of entries) {
    const isFolder = name.endsWith('/')
    made.entry(
      { name, mode, ...owner, type: isFolder ? 'directory' : 'file', mtime: new Date(0) },
      isFolder ? '' : content,
    )
  }
  made.finalize()
  const parts: Buffer[] = []
  for await (const part of made) parts.push(part as Buffer)
  return Buffer.concat(parts)
}
