/** Notices that a file says something else, whichever way it was written: in place, renamed over, or by a link that moved. @module */
import { createHash } from 'node:crypto'
import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A watch that goes on until it is closed. */
export interface FileWatch {
  /** What it says now is known: only what comes after it is a change. */
  known(): Promise<void>
  close(): void
}

/** How long a writer may pause between two writes, and how often is looked where the system tells nothing (network file systems). */
const defaults = { quietMs: 250, lookMs: 5_000 } as const

/** Watches the folder, because editors put a new file in the place of the old one. Never throws; an empty file is one that is being written. */
export async function watchFile(
  path: string,
  changed: () => void,
  { quietMs, lookMs }: { readonly quietMs: number; readonly lookMs: number } = defaults,
): Promise<FileWatch> {
  let last = await digestAt(path)
  let waiting: NodeJS.Timeout | undefined
  const look = async () => {
    const now = await digestAt(path)
    if (now === undefined || now === last) return
    last = now
    changed()
  }
  const soon = () => {
    clearTimeout(waiting)
    waiting = setTimeout(() => void look(), quietMs).unref()
  }
  const timer = setInterval(() => void look(), lookMs).unref()
  const watcher = watch(dirname(path), { persistent: false }, soon)
  // The folder itself may go; the look every few seconds stays.
  watcher.on('error', () => watcher.close())
  return {
    async known() {
      last = (await digestAt(path)) ?? last
    },
    close() {
      clearTimeout(waiting)
      clearInterval(timer)
      watcher.close()
    },
  }
}

async function digestAt(path: string): Promise<string | undefined> {
  const text = await readFile(path).catch(() => undefined)
  return text === undefined || text.length === 0 ? undefined : createHash('sha256').update(text).digest('hex')
}
