/** The folder for listings and copies: whole files, written beside their place and put there in one step. @module */
import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Random } from '@labgate/contract'

/** A kept file. */
export interface Kept {
  readonly head: string
  readonly bytes: Buffer
}

/** Files by key. Keys may be anything; names on disk are their digests. */
export interface KeptFiles {
  read(key: string): Promise<Kept | undefined>
  /** `at` is its age for `shrink`. */
  write(key: string, kept: { readonly head: string; readonly bytes: Uint8Array; readonly at: Date }): Promise<void>
  /** Removes the oldest until all together are not larger; and whatever is from before `before`. */
  shrink(limits: { readonly bytes: number; readonly before: Date }): Promise<void>
}

/** A folder of kept files; made with the first write. */
export function keptFiles(folder: string, random: Random): KeptFiles {
  const placeOf = (key: string): string => join(folder, createHash('sha256').update(key).digest('hex'))
  return {
    async read(key) {
      const whole = await readFile(placeOf(key)).catch(undefinedWhenMissing)
      if (whole === undefined) return undefined
      const line = whole.indexOf(10)
      return line < 0 ? undefined : { head: whole.subarray(0, line).toString(), bytes: whole.subarray(line + 1) }
    },
    async write(key, { head, bytes, at }) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const place = placeOf(key)
      const beside = `${place}.${Buffer.from(random.bytes(8)).toString('hex')}.new`
      try {
        const file = await open(beside, 'wx', 0o600)
        try {
          await file.writeFile(`${head}\n`)
          await file.writeFile(bytes)
          await file.utimes(at, at)
        } finally {
          await file.close()
        }
        await rename(beside, place)
      } catch (error) {
        await rm(beside, { force: true })
        throw error
      }
    },
    async shrink({ bytes, before }) {
      const names = (await readdir(folder).catch(undefinedWhenMissing)) ?? []
      const files = await Promise.all(names.map(async (name) => ({ name, stats: await statOf(join(folder, name)) })))
      const newest = files.flatMap(({ name, stats }) => (stats ? [{ name, ...stats }] : []))
      let sum = 0
      for (const { name, size, mtime } of newest.toSorted((a, b) => b.mtime.getTime() - a.mtime.getTime())) {
        sum += size
        if (sum > bytes || mtime < before) await rm(join(folder, name), { force: true })
      }
    },
  }
}

async function statOf(path: string): Promise<{ readonly size: number; readonly mtime: Date } | undefined> {
  const stats = await stat(path).catch(undefinedWhenMissing)
  return stats && { size: stats.size, mtime: stats.mtime }
}

function undefinedWhenMissing(error: unknown): undefined {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
}
