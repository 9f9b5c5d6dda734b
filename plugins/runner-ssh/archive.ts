/** A person's files as one archive, streamed from the host that has them. @module */
import { launchFault, type Mount } from '@labgate/contract'
import { notes } from './choose.ts'
import type { Running } from './connect/index.ts'
import { type Ground, hostNamed } from './ground.ts'
import { type Host, hostTrouble } from './host.ts'
import { answerAt, readAnswer } from './remote.ts'

/** Before the archive come a few lines; a login shell may have its own before them. */
const headBytes = 65_536

/** The archive of the person's storages of a profile: of one its content, of several each by its name. */
export async function* archiveOf(
  ground: Ground,
  { storage, mounts }: { readonly storage: string; readonly mounts: readonly Mount[] },
): AsyncGenerator<Uint8Array> {
  const names = [...new Set(mounts.filter(({ of }) => of === 'person').map(({ name }) => name))]
  if (names.length === 0) throw launchFault('policy', 'This app keeps no files.')
  const host = await hostWith(ground, storage)
  try {
    const running = await host.start([['archive', storage, ...names]], undefined)
    yield* contentOf(host, running)
  } catch (error) {
    throw hostTrouble(host.name, error)
  }
}

async function hostWith(ground: Ground, storage: string): Promise<Host> {
  const noted = await notes.files(ground, storage)
  if (noted !== undefined && ground.config.files === 'each') return hostNamed(ground, noted)
  let failure: unknown = launchFault('policy', 'There are no files yet.')
  for (const host of ground.hosts)
    try {
      if ((await host.ask([['survey', storage]])).line('files')?.[0] === 'yes') return host
    } catch (error) {
      failure = hostTrouble(host.name, error)
    }
  throw failure
}

async function* contentOf(host: Host, running: Running): AsyncGenerator<Uint8Array> {
  let said = Buffer.alloc(0)
  running.stderr.on('data', (part: Buffer) => {
    said = Buffer.concat([said, part]).subarray(-4096)
  })
  let head: Buffer | undefined = Buffer.alloc(0)
  try {
    for await (const part of running.stdout as AsyncIterable<Buffer>) {
      if (head === undefined) {
        yield part
        continue
      }
      head = Buffer.concat([head, part])
      const isWhole = answerAt(head) >= 0 && (head.includes('\n\n', answerAt(head) - 1) || head.includes('\n@end\n'))
      if (!isWhole && head.length < headBytes) continue
      const { rest } = readAnswer(host.at, head, said)
      head = undefined
      if (rest.length > 0) yield rest
    }
    const { code } = await running.exited
    if (head !== undefined) readAnswer(host.at, head, said)
    // 1: a file changed while it was read; its name and what it held are in the archive all the same.
    if (code !== 0 && code !== 1) throw new Error(`tar ended with ${code}: ${said.toString('utf8')}`)
  } finally {
    running.close()
  }
}
