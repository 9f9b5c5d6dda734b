/** Which file an archive ended with, read as it passes. @module */
import { once } from 'node:events'
import { extract, type Header } from 'tar-stream'

/** Reads along. */
export interface Follower {
  /** Waits while it is behind. */
  take(part: Uint8Array): Promise<void>
  /** The last regular file, when it was the last entry of all. */
  lastFile(): Promise<{ readonly name: string; readonly size: number } | undefined>
}

/** Follows a tar archive; nothing of it is kept but the last header. */
export function followArchive(): Follower {
  const reader = extract()
  let last: Header | undefined
  let isOver = false
  reader.on('entry', (header, content, next) => {
    last = header
    content.on('end', next)
    content.resume()
  })
  const over = new Promise<void>((resolve) => {
    const end = () => {
      isOver = true
      resolve()
    }
    // What cannot be read was broken off, which its end tells.
    reader.on('error', end)
    reader.on('finish', end)
    reader.on('close', end)
  })
  return {
    async take(part) {
      if (isOver || reader.write(part)) return
      await Promise.race([once(reader, 'drain'), over])
    },
    async lastFile() {
      if (!isOver) reader.end(undefined)
      await over
      return last?.type === 'file' ? { name: last.name, size: last.size ?? 0 } : undefined
    },
  }
}
