/**
 * A folder of a host reached by SSH. SFTP has no way to open a name inside an open folder, so each path is compared with
 * what the host says it really is, before it is opened and again after: a link on the way shows itself.
 * @module
 */
import {
  type FileFacts,
  type OpenFile,
  type Sftp,
  type SharedConnection,
  type SshHost,
  sessionsAtOnce,
  sharedConnection,
  troubleOf,
} from '@labgate/runner-ssh/connect'
import { type Entry, type FileSystem, type Files, type FileTrouble, fileFault, fileTroubleOf } from './file-system.ts'
import { isStep, type Path } from './path.ts'
import { createSlots } from './slots.ts'

/** Which folder of which host, and how long one answer may take. */
export interface SftpOptions {
  readonly path: string
  readonly host: SshHost
  readonly answerSeconds: number
  /** Told of trouble with the host, in words for the operator. */
  onTrouble(error: unknown): void
}

// What OpenSSH answers at once; more is split by it.
const chunkBytes = 32 * 1024
const openings = 4

/** A folder of a host, over one connection that all who use it share. */
export function sftpFileSystem(options: SftpOptions): FileSystem {
  const shared: SharedConnection = sharedConnection(options.host)
  const slots = createSlots(sessionsAtOnce)
  return {
    async use(signal, work) {
      const { answerSeconds: timeoutSeconds } = options
      try {
        return await slots.run(signal, () =>
          shared.use(
            async (connection) => {
              const sftp = await connection.sftp({ signal, timeoutSeconds })
              try {
                return await work(filesOver(sftp, await rootOf(sftp, options.path)))
              } finally {
                await sftp.end()
              }
            },
            { signal },
          ),
        )
      } catch (error) {
        if (troubleOf(error) === undefined) throw error
        options.onTrouble(error)
        throw sftpFault(error)
      }
    },
    close: () => shared.close(),
  }
}

// The root is the operator's word: a link that it is, is followed once, here.
async function rootOf(sftp: Sftp, path: string): Promise<string> {
  const root = await sftp.realpath(path)
  if (!root.startsWith('/')) throw fileFault('unavailable')
  return root === '/' ? '' : root
}

/** What can be asked over one channel; `root` is a real path without a slash at its end, `''` for `/`. */
export function filesOver(sftp: Sftp, root: string): Files {
  const placeOf = (path: Path): string => (path.length === 0 ? root || '/' : `${root}/${path.join('/')}`)
  const asIs = async (place: string): Promise<void> => {
    if ((await sftp.realpath(place)) !== place) throw fileFault('link')
  }
  const factsOf = async (place: string): Promise<FileFacts> => {
    const facts = await sftp.lstat(place)
    if (facts.kind === 'link') throw fileFault('link')
    await asIs(place)
    return facts
  }
  return {
    facts: (path) => told(() => factsOf(placeOf(path))),
    list: (path) => listing(sftp, placeOf(path), { asIs, factsOf }),
    read: (path, work) =>
      told(async () => {
        const place = placeOf(path)
        const { file, facts } = await openAsIs(sftp, place, factsOf)
        try {
          return await work({ facts, chunks: () => chunksOf(file) })
        } finally {
          await letGo(file)
        }
      }),
  }
}

/**
 * Opens what the path says and nothing that a link put in its place: what is open must be what lies there before and after.
 * SFTP tells no more of it than size, time and mode, so somebody who may write there and makes a file alike can still win a
 * race; a host that confines the account (`ChrootDirectory`) closes it.
 */
async function openAsIs(
  sftp: Sftp,
  place: string,
  factsOf: (place: string) => Promise<FileFacts>,
): Promise<{ readonly file: OpenFile; readonly facts: FileFacts }> {
  for (let left = openings; left > 0; left--) {
    const before = await factsOf(place)
    // Not opened to find out what it is: a pipe would keep the host waiting.
    if (before.kind !== 'file') throw fileFault('other')
    const file = await sftp.open(place)
    try {
      const facts = await file.facts()
      if (isSame(facts, before) && isSame(facts, await factsOf(place))) return { file, facts }
      await letGo(file)
    } catch (error) {
      await letGo(file)
      throw error
    }
  }
  // It is written to all the time, or somebody plays with it.
  throw fileFault('unavailable')
}

function isSame(one: FileFacts, other: FileFacts): boolean {
  return (
    one.kind === other.kind &&
    one.size === other.size &&
    one.mode === other.mode &&
    one.modified.getTime() === other.modified.getTime()
  )
}

// The host forgets the handle with the channel at the latest.
async function letGo(file: OpenFile): Promise<void> {
  await file.close().catch(() => undefined)
}

async function* listing(
  sftp: Sftp,
  place: string,
  check: { asIs(place: string): Promise<void>; factsOf(place: string): Promise<FileFacts> },
): AsyncGenerator<readonly Entry[]> {
  const facts = await told(() => check.factsOf(place))
  if (facts.kind !== 'folder') throw fileFault('other')
  let opened = false
  const parts = sftp.list(place)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const part = await told(() => parts.next())
      if (!opened) await told(() => check.asIs(place))
      opened = true
      if (part.done) return
      yield part.value.filter(({ name }) => isStep(name))
    }
  } finally {
    await parts.return?.()
  }
}

async function* chunksOf(file: OpenFile): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; ) {
    const part = await told(() => file.read(position, chunkBytes))
    if (part.length === 0) return
    position += part.length
    yield part
  }
}

// Troubles of one path become ours where they arise; those of the host go on to `use`, which tells the operator.
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const trouble = troubleOf(error)
    throw trouble === 'missing' || trouble === 'refused' ? sftpFault(error) : error
  }
}

function sftpFault(error: unknown) {
  if (fileTroubleOf(error)) return error
  const trouble = troubleOf(error)
  const kinds: Readonly<Record<string, FileTrouble>> = {
    missing: 'missing',
    refused: 'denied',
    timeout: 'timeout',
    aborted: 'aborted',
  }
  return fileFault(kinds[trouble ?? ''] ?? 'unavailable', error)
}
