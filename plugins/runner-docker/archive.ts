/** A person's storage as one archive, whatever holds it. @module */
import type { IncomingMessage } from 'node:http'
import { posix } from 'node:path'
import { launchFault, type Mount } from '@labgate/contract'
import type { Container } from 'dockerode'
import { engineTrouble, isGone, wordsOf } from './engine.ts'
import type { Ground } from './ground.ts'
import { followArchive } from './last-entry.ts'
import { removeContainer } from './launch.ts'
import { isPodman } from './network.ts'
import { labels, storeSource } from './plan.ts'

/** So long a download may take before its container counts as left behind. */
const staleSeconds = 24 * 3600
const endBytes = 1024

/** The archive of a profile's storages, in folders by name where there are several. Nothing is started for it. */
export async function* archiveStores(
  ground: Ground,
  { storage, mounts }: { readonly storage: string; readonly mounts: readonly Mount[] },
): AsyncGenerator<Uint8Array> {
  const own = mounts.filter(({ of }) => of === 'person')
  if (own.length === 0) throw launchFault('policy', 'This app keeps no files.')
  const stores = own.map(({ name }) => ({ name, source: storeSource(ground, { storage, mount: name }) }))
  let container: Container | undefined
  try {
    container = await reader(ground, stores)
    const archive = await ground.engine.wait.getContainer(container.id).getArchive({ path: '/storage/.' })
    const whole = untilItsEnd(archive as AsyncIterable<Buffer>)
    yield* (await isPodman(ground.engine)) ? untilWhatGrew(whole, container) : whole
  } catch (error) {
    throw engineTrouble(error)
  } finally {
    if (container) await removeContainer(ground, container.id).catch(() => undefined)
  }
}

/** Passes on an archive, and throws when it has no end: two blocks of zeros (POSIX ustar). */
async function* untilItsEnd(archive: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let last = Buffer.alloc(0)
  for await (const part of archive) {
    last = Buffer.concat([last, part.subarray(-endBytes)]).subarray(-endBytes)
    yield part
  }
  if (last.length === endBytes && last.every((byte) => byte === 0)) return
  throw brokeOff()
}

/**
 * Podman ends an archive, in good order, at a file that is longer than when it began to read it. So an archive whose last file
 * has grown may lack others.
 */
async function* untilWhatGrew(archive: AsyncIterable<Buffer>, container: Container): AsyncGenerator<Buffer> {
  const follower = followArchive()
  for await (const part of archive) {
    await follower.take(part)
    yield part
  }
  const last = await follower.lastFile()
  if (last !== undefined && (await sizeOf(container, last.name)) !== last.size) throw brokeOff(last.name)
}

/** Bytes of a file now; `undefined`: it is there no more. */
async function sizeOf(container: Container, name: string): Promise<number | undefined> {
  const told = (await container.infoArchive({ path: posix.join('/storage', name) }).catch((error: unknown) => {
    if (isGone(error)) return undefined
    throw error
  })) as IncomingMessage | undefined
  const stat = told?.headers['x-docker-container-path-stat']
  return typeof stat === 'string' ? Number(JSON.parse(Buffer.from(stat, 'base64').toString()).size) : undefined
}

function brokeOff(name?: string): Error {
  return launchFault('internal', 'The archive broke off: a file changed while it was read.', {
    hint: 'Stop what writes there, and try again.',
    retryable: true,
    ...(name === undefined ? {} : { cause: name }),
  })
}

interface Store {
  readonly name: string
  readonly source: string
}

/** A container that is made and never started, and has the storages. */
async function reader(ground: Ground, stores: readonly Store[]): Promise<Container> {
  const { engine, config, installation } = ground
  const isOne = stores.length === 1
  const Mounts = stores.map(({ name, source }) => ({
    ...{ Type: config.storage === 'volume' ? ('volume' as const) : ('bind' as const), Source: source, ReadOnly: true },
    Target: isOne ? '/storage' : `/storage/${name}`,
    // An image may have files at that place; they are not the person's.
    ...(config.storage === 'volume' ? { VolumeOptions: { NoCopy: true } as never } : {}),
  }))
  const make = (Image: string) =>
    engine.ask.createContainer({
      ...{ Image, Cmd: ['true'], Labels: { [labels.installation]: installation, [labels.purpose]: 'archive' } },
      HostConfig: { Mounts, NetworkMode: 'none' },
    })
  const images = await imagesFor(ground, stores)
  for (const [index, image] of images.entries()) {
    try {
      return await make(image)
    } catch (error) {
      if (!isGone(error) || index === images.length - 1) throw error
    }
  }
  throw launchFault('pull_failed', 'The engine has no image.')
}

/** Any image does: nothing of it runs. The one that the storage was made with is there as a rule. */
async function imagesFor({ engine, config }: Ground, stores: readonly Store[]): Promise<string[]> {
  const named: string[] = []
  // A volume that is not there would be made by looking for it.
  for (const { source } of config.storage === 'volume' ? stores : []) {
    const volume = await engine.ask
      .getVolume(source)
      .inspect()
      .catch((error: unknown) => {
        if (isGone(error)) throw launchFault('policy', 'There are no files yet.', { cause: wordsOf(error) })
        throw error
      })
    named.push(volume.Labels?.[labels.image] ?? '')
  }
  const all = await engine.ask.listImages()
  return [...named.filter(Boolean).slice(0, 1), ...all.slice(0, 1).map(({ Id }) => Id)]
}

/** Removes what downloads that were killed have left. */
export async function removeStale(ground: Ground): Promise<void> {
  const label = [`${labels.installation}=${ground.installation}`, `${labels.purpose}=archive`]
  const lines = await ground.engine.ask.listContainers({ all: true, filters: { label } })
  const oldest = ground.clock.now().getTime() / 1000 - staleSeconds
  // Asked for by two labels, an engine may answer with what has one.
  const stale = lines.filter(({ Created, Labels }) => Created < oldest && isReader(Labels, ground))
  for (const { Id } of stale) await removeContainer(ground, Id)
}

function isReader(there: Readonly<Record<string, string>>, { installation }: Ground): boolean {
  return there[labels.installation] === installation && there[labels.purpose] === 'archive'
}
