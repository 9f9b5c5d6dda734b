/** Makes folders. Node's own way (`recursive`) asks for ever where a system refuses a folder as if the one above were not there: below /proc. @module */
import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

const onlyOwner = 0o700

/**
 * Makes a folder with those above it, for its owner alone unless `mode` says otherwise; one that is there stays as it is.
 * @throws the error of the system
 */
export function makeFolder(path: string, { mode = onlyOwner }: { readonly mode?: number } = {}): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if (isFolder(path)) return
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || isFolder(dirname(path))) throw error
    makeFolder(dirname(path), { mode })
    makeFolder(path, { mode })
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    // What it is says whoever has to use it.
    return false
  }
}
