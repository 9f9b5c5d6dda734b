/** A person's storage as one archive, whatever holds it. @module */
import { launchFault, type Mount } from '@labgate/contract'
import { engineTrouble } from './engine.ts'
import type { Ground } from './launch.ts'
import { labels, volumeName } from './plan.ts'

/** The archive of the first storage of a profile; of volumes by a container that is made and never started. */
export async function* archiveStores(
  ground: Ground,
  { storage, mounts }: { readonly storage: string; readonly mounts: readonly Mount[] },
): AsyncGenerator<Uint8Array> {
  const { engine, config, installation } = ground
  const [mount] = mounts
  if (mount === undefined) throw launchFault('policy', 'This app keeps no files.')
  const source =
    config.storage === 'volume'
      ? volumeName({ installation, storage, mount: mount.name })
      : `${config.storageRoot}/${storage}/${mount.name}`
  const image = await imageFor(ground, source)
  const container = await engine.createContainer({
    Image: image,
    Cmd: ['true'],
    Labels: { [labels.installation]: installation },
    HostConfig: { Binds: [`${source}:/storage:ro`], NetworkMode: 'none' },
  })
  try {
    for await (const part of await container.getArchive({ path: '/storage/.' })) yield part as Buffer
  } catch (error) {
    throw engineTrouble(error)
  } finally {
    await container.remove({ force: true, v: true }).catch(() => undefined)
  }
}

/** Any image does: nothing of it runs. The one that the storage was made with is there as a rule. */
async function imageFor({ engine, config }: Ground, source: string): Promise<string> {
  if (config.storage === 'volume') {
    const found = await engine
      .getVolume(source)
      .inspect()
      .catch(() => undefined)
    if (found === undefined) throw launchFault('policy', 'There are no files yet.')
    const image = found.Labels?.[labels.image]
    if (image !== undefined) return image
  }
  const [any] = await engine.listImages()
  if (any === undefined) throw launchFault('pull_failed', 'The engine has no image.')
  return any.Id
}
