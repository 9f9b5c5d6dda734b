/**
 * The write-ahead log of one SQLite file from outside of SQLite: waiting for the disk in libuv's pool instead of in a
 * COMMIT, which would hold the event loop. What is in the log and synced survives a power cut, as with
 * `synchronous=FULL`; SQLite itself writes the very same frames, and syncs only when it begins the log anew.
 * @module
 */
import { close, closeSync, fdatasync, fsyncSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

const closeFile = promisify(close)

/** Syncs the log of one file. */
export interface WalSync {
  /** Settles when all that was committed before the call is on disk. */
  sync(): Promise<void>
  close(): Promise<void>
}

interface OpenLog {
  readonly fd: number
  readonly ino: number
  readonly dev: number
}

/** Makes the sync of the log beside `file`. */
export function createWalSync(file: string): WalSync {
  const path = `${file}-wal`
  let held: OpenLog | undefined

  // An error of an earlier write is told to whoever had the file open then, so it stays open. POSIX drops a process's
  // locks when it closes any descriptor of a file; SQLite holds none on this one.
  const log = (): OpenLog => {
    const { ino, dev } = statSync(path)
    if (held !== undefined && held.ino === ino && held.dev === dev) return held
    if (held !== undefined) closeSync(held.fd)
    held = { fd: openSync(path, 'r+'), ino, dev }
    syncFolder(path)
    return held
  }

  return {
    sync: () =>
      new Promise((resolve, reject) => {
        fdatasync(log().fd, (error) => (error === null ? resolve() : reject(error)))
      }),
    async close() {
      const last = held
      held = undefined
      if (last !== undefined) await closeFile(last.fd)
    },
  }
}

/** A file whose name is not on disk is lost, however well its bytes were written. */
function syncFolder(path: string): void {
  const fd = openSync(dirname(path), 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
