/**
 * A file system that is only read: what a mounted folder and one reached by SSH have in common. It knows nothing of datalab.
 * Links are told as links and never followed.
 * @module
 */
import { Fault, type FaultCode, isFault } from '@labgate/contract'
import type { Path } from './path.ts'

/** Facts about a file or folder, as its file system tells them. */
export interface Facts {
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  readonly size: number
  readonly modified: Date
}

/** An entry of a folder. */
export interface Entry extends Facts {
  readonly name: string
}

/** A file that is open. */
export interface OpenedFile {
  readonly facts: Facts
  /** Its bytes from the beginning, once. */
  chunks(): AsyncIterable<Uint8Array>
}

/** What can be asked while a file system is in use. Every answer comes within its time limit. */
export interface Files {
  /** @throws Fault of `missing`, `link`, `denied`, … */
  facts(path: Path): Promise<Facts>
  /** The entries of a folder, in no order, in parts. Names that can be no step of a path are left out. */
  list(path: Path): AsyncIterable<readonly Entry[]>
  /** Opens a file for `work`; closed when that is done. */
  read<T>(path: Path, work: (file: OpenedFile) => Promise<T>): Promise<T>
}

/** One file system. Opens nothing before it is used. */
export interface FileSystem {
  use<T>(signal: AbortSignal, work: (files: Files) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** What goes wrong with files; `detail.fileTrouble` of the faults of this folder. */
export type FileTrouble =
  /** There is no such thing. */
  | 'missing'
  /** A link is on the way, or at its end. */
  | 'link'
  /** It is there and something else: a folder and not a file, a socket. */
  | 'other'
  /** The file system does not let us. */
  | 'denied'
  /** The file system cannot be reached, or its answer cannot be trusted. */
  | 'unavailable'
  /** No answer in time. */
  | 'timeout'
  /** Whoever asked gave up, or Labgate is stopping. */
  | 'aborted'

const codes: Readonly<Record<FileTrouble, FaultCode>> = {
  missing: 'ERR_NOT_FOUND',
  link: 'ERR_NOT_FOUND',
  other: 'ERR_NOT_FOUND',
  denied: 'ERR_UPSTREAM_REFUSED',
  unavailable: 'ERR_UPSTREAM',
  timeout: 'ERR_UPSTREAM',
  aborted: 'ERR_UPSTREAM',
}

const words: Readonly<Record<FileTrouble, string>> = {
  missing: 'There is no such file or folder.',
  link: 'Links are not followed.',
  other: 'That is neither a file nor a folder that can be read.',
  denied: 'The file system does not let this be read.',
  unavailable: 'The file system cannot be reached; those who run this site find the reason in its log.',
  timeout: 'The file system did not answer in time.',
  aborted: 'This was broken off.',
}

/** A fault of one kind; its message is {@link wordsOf} it. */
export function fileFault(trouble: FileTrouble, cause?: unknown): Fault {
  const detail = { fileTrouble: trouble }
  return new Fault(codes[trouble], words[trouble], cause === undefined ? { detail } : { detail, cause })
}

/** The kind of a fault of this folder; `undefined` for any other error. */
export function fileTroubleOf(error: unknown): FileTrouble | undefined {
  const trouble = isFault(error) ? error.detail.fileTrouble : undefined
  // The table of codes has every kind as a key, so a word that is in it is one.
  return typeof trouble === 'string' && Object.hasOwn(codes, trouble) ? (trouble as FileTrouble) : undefined
}

/** Plain words for whoever wants the file: nothing of hosts, paths or keys is in them. */
export function wordsOf(error: unknown): string {
  return words[fileTroubleOf(error) ?? 'unavailable']
}

/** Whether only this path is concerned, and the file system as a whole goes on. */
export function isLocalTrouble(error: unknown): boolean {
  const trouble = fileTroubleOf(error)
  return trouble === 'missing' || trouble === 'link' || trouble === 'other' || trouble === 'denied'
}
