/** A copy of the database file at one instant, beside a server that goes on. @module */
import { rmSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '@labgate/contract'
import Database from 'better-sqlite3'
import { isMissing } from './sqlite.ts'
import { noDatabase } from './upgrade.ts'

/** Writes the copy to `to`, which must not be there yet; what was deleted is not in it. @throws Fault ERR_STORAGE */
function copyDatabase(file: string, to: string): void {
  if (isMissing(file)) throw noDatabase(file)
  let database: Database.Database | undefined
  try {
    database = new Database(file, { readonly: true, fileMustExist: true, timeout: 5_000 })
    database.prepare('VACUUM INTO ?').run(to)
  } catch (cause) {
    throw new Fault('ERR_STORAGE', `the database ${file} cannot be copied: ${(cause as Error).message}`, { cause })
  } finally {
    database?.close()
  }
}

const begin = '.labgate-plan-'
const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Makes a copy of a file for one work, and removes it. Beside the database itself: what protects that protects the copy.
 * @throws Fault ERR_STORAGE
 */
export function withCopy<T>(file: string, work: (copy: string) => Promise<T>): Promise<T> {
  return withPlace(file, (copy) => {
    copyDatabase(file, copy)
    return work(copy)
  })
}

/**
 * Gives a work a place for a copy, beside where the database `file` is or would be, in a folder that exists. What is there is removed
 * afterwards: also when the process is told to end in the middle. One that was killed leaves it to the next, which removes it.
 * @throws Fault ERR_STORAGE
 */
export async function withPlace<T>(file: string, work: (copy: string) => Promise<T>): Promise<T> {
  const place = dirname(file)
  await removeLeft(place)
  const folder = await mkdtemp(join(place, `${begin}${process.pid}-`)).catch((cause: Error) => {
    throw new Fault('ERR_STORAGE', `the database ${file} cannot be copied: ${cause.message}`, { cause })
  })
  const ended = (signal: NodeJS.Signals) => {
    rmSync(folder, { recursive: true, force: true })
    for (const name of endings) process.removeListener(name, ended)
    process.kill(process.pid, signal)
  }
  for (const name of endings) process.on(name, ended)
  try {
    return await work(join(folder, 'copy.db'))
  } finally {
    await rm(folder, { recursive: true, force: true })
    for (const name of endings) process.removeListener(name, ended)
  }
}

/** Copies of processes that are no more. */
async function removeLeft(place: string): Promise<void> {
  for (const name of await readdir(place).catch(() => [])) {
    const pid = /^\.labgate-plan-(\d+)-\w+$/.exec(name)?.[1]
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(place, name), { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Another user's: there is one.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
