/** The pieces of a new config that settings of datalab are made into. @module */
import type { Notes } from './notes.ts'
import type { Reading } from './reading.ts'
import type { Settings } from './settings.ts'

/** A piece of the config, as the file will have it. */
export type Tree = Readonly<Record<string, unknown>>

/** What each part of the mapping works with. */
export interface Work extends Notes, Reading {
  readonly find: Settings['find']
}

/** Something that a person has to complete: it goes into the file as a comment. */
export interface Gap {
  /** Why it is none yet, and what to do; one line each. */
  readonly why: readonly string[]
  readonly tree: unknown
}

/** One entry of `plugins`. */
export interface Entry {
  readonly id: string
  /** Lines before it. */
  readonly comment?: string
  readonly tree: Tree
  /** Why all of it is a comment. */
  readonly gap?: readonly string[]
  /** Remote file systems that are not there yet. */
  readonly remotes?: readonly Gap[]
}

/** A secret that the config refers to. */
export interface SecretUse {
  readonly name: string
  readonly value: string
  readonly why: string
}

/** Leaves out what is not there. */
export function treeOf(members: Readonly<Record<string, unknown>>): Tree {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
