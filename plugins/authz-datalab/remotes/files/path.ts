/** Paths below the root of a file system: lists of names, none of which can lead out of it. @module */
import { Fault } from '@labgate/contract'

/** Names from the root down; none is empty, `.` or `..`, none has a slash or a NUL. The root has none. */
export type Path = readonly string[]

/** Longest path in bytes, and the deepest. */
export const longestPath = 4096
export const deepestPath = 64
const longestName = 255

/**
 * Reads a path as a request has it. One slash before and one after are let pass: `/a/b/` is `a/b`, below the root. Nothing
 * is tidied up: a path that needs that is refused.
 * @throws Fault ERR_INPUT
 */
export function parsePath(text: string): Path {
  if (!text.isWellFormed() || text.includes('\0')) throw wrong('has a character that no file name can have')
  if (Buffer.byteLength(text) > longestPath) throw wrong(`is longer than ${longestPath} bytes`)
  const inner = text.replace(/^\//, '').replace(/\/$/, '')
  if (inner === '') {
    if (text.length > 1) throw wrong('has an empty name in it')
    return []
  }
  const names = inner.split('/')
  if (names.length > deepestPath) throw wrong(`is deeper than ${deepestPath} folders`)
  for (const name of names) {
    if (name === '') throw wrong('has an empty name in it')
    if (name === '.' || name === '..') throw wrong('must not have `.` or `..` in it')
    if (Buffer.byteLength(name) > longestName) throw wrong(`has a name of more than ${longestName} bytes`)
  }
  return names
}

/** Whether a name that a file system told can be a step of a path. */
export function isStep(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name) && Buffer.byteLength(name) <= longestName
}

/** The path as text, without slashes at its ends. */
export function pathText(path: Path): string {
  return path.join('/')
}

/** A name fit to be shown: what would move the cursor, turn the writing round or hide is spelled `\u{…}`. */
export function shown(name: string): string {
  return name
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`)
}

function wrong(why: string): Fault {
  return new Fault('ERR_INPUT', `The path ${why}.`)
}
