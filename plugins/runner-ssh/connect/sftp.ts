/** Files on the host: SFTP version 3 with promises, bounded reads and listings that come in parts. @module */
import type { Client, FileEntryWithStats, SFTPWrapper, Stats } from 'ssh2'
import { type Ground, type Limits, within } from './ground.ts'
import { oneLine, sshFault } from './trouble.ts'

/** What a path is. */
export type FileKind = 'file' | 'folder' | 'link' | 'other'

/** Facts about a file, as far as the host tells them. */
export interface FileFacts {
  readonly kind: FileKind
  readonly size: number
  readonly modified: Date
  /** Permission bits. */
  readonly mode: number
}

/** An entry of a folder; facts are of the link itself. A name that is no UTF-8 has U+FFFD in it and cannot be opened. */
export interface FolderEntry extends FileFacts {
  readonly name: string
}

/** A file that is open for reading. */
export interface OpenFile {
  facts(): Promise<FileFacts>
  /** At most `length` bytes from `position`; none at the end. */
  read(position: number, length: number): Promise<Buffer>
  close(): Promise<void>
}

/** A channel for files. Every answer has the time limit and the signal it was opened with. */
export interface Sftp {
  /** Facts of the path itself: a link is told as a link. */
  lstat(path: string): Promise<FileFacts>
  /** The path without links, `.` and `..`, as the host sees it. */
  realpath(path: string): Promise<string>
  /** The entries of a folder in parts of the host's choosing, without `.` and `..`. */
  list(path: string): AsyncIterable<readonly FolderEntry[]>
  open(path: string): Promise<OpenFile>
  /** Writes a new file; `exclusive` (default) refuses one that exists. */
  writeFile(file: {
    readonly path: string
    readonly data: string | Uint8Array
    readonly mode: number
    readonly exclusive?: boolean
  }): Promise<void>
  mkdir(path: string, mode: number): Promise<void>
  unlink(path: string): Promise<void>
  /** Closes the channel, and waits until the host has done so too: it lets only few be open. */
  end(): Promise<void>
}

type Done<T> = (error: Error | null | undefined, value: T) => void
type Ask = <T>(path: string, call: (done: Done<T>) => void) => Promise<T>

const eof = 1
// A host that does not close its side is not waited for.
const closeMs = 1000
const troubles: Readonly<Record<number, readonly [trouble: 'missing' | 'refused', words: string]>> = {
  2: ['missing', 'there is no such file or folder'],
  3: ['refused', 'permission denied'],
}

/** Opens the channel. */
export async function openSftp(client: Client, ground: Ground, limits: Limits): Promise<Sftp> {
  const sftp = await within<SFTPWrapper>(ground, limits, (resolve, reject) =>
    client.sftp((error, wrapper) =>
      error
        ? reject(
            sshFault(ground.at, 'refused', {
              message: `it offers no SFTP (${oneLine(error.message)}); check \`Subsystem sftp\` there`,
              cause: error,
            }),
          )
        : resolve(wrapper),
    ),
  )
  sftp.on('error', () => sftp.end()) // what is under way is told so by ssh2
  const ask: Ask = (path, call) =>
    within(ground, limits, (resolve, reject) =>
      call((error, value) => (error ? reject(fileFault(ground.at, path, error)) : resolve(value))),
    )
  return {
    lstat: async (path) => factsOf(await ask<Stats>(path, (done) => sftp.lstat(path, done))),
    realpath: (path) => ask<string>(path, (done) => sftp.realpath(path, done)),
    list: (path) => listing(sftp, ask, path),
    open: (path) => openFile(sftp, ask, path),
    writeFile: ({ path, data, mode, exclusive = true }) =>
      ask<void>(path, (done) =>
        sftp.writeFile(path, Buffer.from(data as Uint8Array), { mode, flag: exclusive ? 'wx' : 'w' }, (error) =>
          done(error, undefined),
        ),
      ),
    mkdir: (path, mode) => ask<void>(path, (done) => sftp.mkdir(path, { mode }, (error) => done(error, undefined))),
    unlink: (path) => ask<void>(path, (done) => sftp.unlink(path, (error) => done(error, undefined))),
    end: () => ended(sftp, ground),
  }
}

function ended(sftp: SFTPWrapper, { over }: Ground): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = (): void => resolve()
  const timer = setTimeout(done, closeMs)
  sftp.once('close', done)
  over.addEventListener('abort', done, { once: true })
  if (over.aborted) done()
  else sftp.end()
  return promise.finally(() => {
    clearTimeout(timer)
    over.removeEventListener('abort', done)
  })
}

async function* listing(sftp: SFTPWrapper, ask: Ask, path: string): AsyncGenerator<readonly FolderEntry[]> {
  const handle = await ask<Buffer>(path, (done) => sftp.opendir(path, done))
  try {
    for (;;) {
      const part = await ask<FileEntryWithStats[] | undefined>(path, (done) =>
        sftp.readdir(handle, (error, list) => (codeOf(error) === eof ? done(undefined, undefined) : done(error, list))),
      )
      if (part === undefined) return
      yield part
        .filter(({ filename }) => filename !== '.' && filename !== '..')
        .map(({ filename, attrs }) => ({ name: filename, ...factsOf(attrs) }))
    }
  } finally {
    sftp.close(handle, nobodyWaits)
  }
}

async function openFile(sftp: SFTPWrapper, ask: Ask, path: string): Promise<OpenFile> {
  const handle = await ask<Buffer>(path, (done) => sftp.open(path, 'r', done))
  return {
    facts: async () => factsOf(await ask<Stats>(path, (done) => sftp.fstat(handle, done))),
    read: (position, length) =>
      ask<Buffer>(path, (done) =>
        sftp.read(handle, Buffer.alloc(length), 0, length, position, (error, count, buffer) =>
          codeOf(error) === eof ? done(undefined, Buffer.alloc(0)) : done(error, buffer?.subarray(0, count)),
        ),
      ),
    close: () => ask<void>(path, (done) => sftp.close(handle, (error) => done(error, undefined))),
  }
}

function codeOf(error: Error | null | undefined): unknown {
  return error && 'code' in error ? error.code : undefined
}

function fileFault(at: string, path: string, error: Error) {
  const [trouble, words] = troubles[Number(codeOf(error))] ?? ['refused', oneLine(error.message)]
  return sshFault(at, trouble, { message: `${words}: ${oneLine(path)}`, cause: error })
}

const kinds: ReadonlyMap<number, FileKind> = new Map([
  [0o100000, 'file'],
  [0o040000, 'folder'],
  [0o120000, 'link'],
])

function factsOf({ mode, mtime, size }: Pick<Stats, 'mode' | 'mtime' | 'size'>): FileFacts {
  return {
    kind: kinds.get((mode ?? 0) & 0o170000) ?? 'other',
    size: size ?? 0,
    modified: new Date((mtime ?? 0) * 1000),
    mode: (mode ?? 0) & 0o7777,
  }
}

function nobodyWaits(): void {
  // the host forgets the handle with the channel at the latest
}
