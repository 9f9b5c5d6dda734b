/**
 * People's folders of datascience-launchpad, which are named by the local part of an address, moved to where runners keep
 * the storage of the account. Two people may have had one folder: it stays, and is named. Nothing is ever overwritten.
 * @module
 */
import { lstat, readdir, realpath, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '@labgate/contract'
import { makeFolder } from '../storage/folder.ts'

/** Somebody whose folder may be there. */
export interface FolderOwner {
  readonly email: string
  /** Name of their storage here; absent until they are imported. */
  readonly storage: string | undefined
  /** A container of theirs runs there. */
  readonly isOpen: boolean
}

/** One folder that has one owner and a free place. */
export interface Move {
  readonly email: string
  readonly from: string
  /** Absent until they are imported. */
  readonly to: string | undefined
}

/** What would be done, and why the rest stays. */
export interface FolderPlan {
  readonly moves: readonly Move[]
  readonly left: readonly { readonly folder: string; readonly why: string }[]
}

/** Where folders are and where they go. */
export interface FolderRoots {
  readonly from: string
  readonly to: string
  /** Name of the storage in profiles. */
  readonly mount: string
}

/** Looks at the folders. @throws Fault ERR_INPUT when a root is not there */
export async function planFolders(roots: FolderRoots, owners: readonly FolderOwner[]): Promise<FolderPlan> {
  const [from, to] = [await rootOf(roots.from, '--folders'), await rootOf(roots.to, '--to')]
  const byName = Map.groupBy(owners, ({ email }) => email.slice(0, email.lastIndexOf('@')))
  const moves: Move[] = []
  const left: { folder: string; why: string }[] = []
  for (const entry of (await readdir(from, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const people = byName.get(entry.name) ?? []
    const why = entry.isDirectory() ? whyNot(people) : 'it is no folder'
    const [owner] = people
    if (why !== undefined || owner === undefined) {
      left.push({ folder: entry.name, why: why ?? 'nobody there has it' })
      continue
    }
    const target = owner.storage === undefined ? undefined : join(to, owner.storage, roots.mount)
    if (target !== undefined && (await isThere(target)))
      left.push({ folder: entry.name, why: `${target} is there already` })
    else moves.push({ email: owner.email, from: join(from, entry.name), to: target })
  }
  return { moves, left }
}

function whyNot(people: readonly FolderOwner[]): string | undefined {
  if (people.length === 0) return 'nobody there has it'
  if (people.length > 1)
    return `${people.map(({ email }) => email).join(' and ')} had it together: part it by hand, file by file`
  return people[0]?.isOpen ? 'a container of theirs runs there: stop it first' : undefined
}

/**
 * Renames each; whoever begins again goes on where it was broken off.
 * @throws Fault ERR_INPUT when the roots lie on two file systems, before anything is moved
 */
export async function moveFolders({ moves }: FolderPlan, roots: FolderRoots): Promise<readonly Move[]> {
  const [one, other] = [await stat(await realpath(roots.from)), await stat(await realpath(roots.to))]
  if (one.dev !== other.dev)
    throw new Fault(
      'ERR_INPUT',
      'the two folders lie on different file systems, where moving is copying: take the lines of --script, with rsync in place of mv',
    )
  const done: Move[] = []
  for (const move of moves) {
    if (move.to === undefined || (await isThere(move.to))) continue
    makeFolder(dirname(move.to))
    await rename(move.from, move.to)
    done.push(move)
  }
  return done
}

/** The same as lines for a shell. A name can hold anything but a slash and NUL; each is one word. */
export function scriptOf({ moves, left }: FolderPlan): string {
  const lines = moves.flatMap(({ from, to }) =>
    to === undefined
      ? []
      : [`[ -e ${word(to)} ] || { mkdir -p -- ${word(dirname(to))} && mv -T -- ${word(from)} ${word(to)}; }`],
  )
  const comments = left.map(({ folder, why }) => `# left: ${JSON.stringify(folder)}: ${JSON.stringify(why)}`)
  return ['#!/bin/sh', 'set -eu', ...comments, ...lines, ''].join('\n')
}

function word(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

async function rootOf(path: string, option: string): Promise<string> {
  try {
    const real = await realpath(path)
    if ((await stat(real)).isDirectory()) return real
  } catch {
    // Said below: why does not matter to whoever types it.
  }
  throw new Fault('ERR_INPUT', `${option}: there is no folder ${path}`)
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}
