/** People's files: volumes of the engine, or folders of its machine. @module */
import { chownSync, existsSync, mkdirSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { launchFault } from '@labgate/contract'
import type { VolumeInspectInfo } from 'dockerode'
import { isGone, statusOf } from './engine.ts'
import type { Ground } from './ground.ts'
import { type DockerPlan, isBelow, labels } from './plan.ts'

/** Makes what is not there yet. @throws Fault ERR_LAUNCH (policy, internal) */
export async function makeStores({ engine, config, installation }: Ground, plan: DockerPlan): Promise<void> {
  for (const { source } of plan.stores) {
    if (config.storage === 'folder') {
      makeFolder(source, plan.user)
      continue
    }
    const mine = { [labels.installation]: installation, [labels.storage]: plan.storage }
    // What is there stays as it is; then its labels tell whose it is. Podman says that it exists.
    await engine.ask.createVolume({ Name: source, Labels: { ...mine, [labels.image]: plan.image } })
    const { Labels } = await engine.ask.getVolume(source).inspect()
    if (!hasAll(Labels, mine))
      throw launchFault('policy', 'The volume for your files belongs to somebody else.', {
        hint: 'An admin looks at the labels of the engine’s volumes.',
        cause: source,
      })
  }
}

function makeFolder(path: string, user: DockerPlan['user']): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    if (user) chownSync(path, user.uid, user.gid)
  } catch (cause) {
    // Only root gives folders away. Docker does it for us with the secrets, Podman does not.
    if ((cause as NodeJS.ErrnoException).syscall === 'chown') return
    throw launchFault('internal', 'The folder for your files could not be made.', {
      hint: 'An admin looks at `storageRoot` of the runner.',
      cause,
    })
  }
}

/**
 * A folder below a root can be a link out of it, and one that is not there some engines make. Where Labgate sees the
 * engine's files it looks; who can turn a folder into a link between this and the start can do so still.
 * @throws Fault ERR_LAUNCH (policy)
 */
export function assertMountable({ config }: Ground, { shared }: DockerPlan): void {
  const roots = config.mountRoots.filter((root) => existsSync(root))
  for (const source of shared.filter((one) => isBelow(one, roots))) {
    const isHeld =
      existsSync(source) &&
      isBelow(
        realpathSync(source),
        roots.map((root) => realpathSync(root)),
      )
    if (!isHeld)
      throw launchFault('policy', 'A folder of this app is not there, or leads out of what may be mounted.', {
        hint: 'An admin looks at the mounts of the profile, and at links in `mountRoots` of the runner.',
        cause: source,
      })
  }
}

/** Removes a person's files for good. @throws Fault ERR_LAUNCH (policy) while a container uses them */
export async function removeStores({ engine, config, installation }: Ground, storage: string): Promise<void> {
  if (config.storage === 'folder') {
    if (/^[a-z0-9]+$/.test(storage) && config.storageRoot !== undefined)
      rmSync(join(config.storageRoot, storage), { recursive: true, force: true })
    return
  }
  const mine = { [labels.installation]: installation, [labels.storage]: storage }
  const filters = { label: Object.entries(mine).map(([name, value]) => `${name}=${value}`) }
  // Docker says `null` where there are none. Podman takes several labels for alternatives: it would be everybody's.
  const { Volumes } = (await engine.ask.listVolumes({ filters })) as { Volumes: VolumeInspectInfo[] | null }
  for (const { Name } of (Volumes ?? []).filter(({ Labels }) => hasAll(Labels, mine)))
    await engine.ask
      .getVolume(Name)
      .remove()
      .catch((error: unknown) => {
        if (isGone(error)) return
        if (statusOf(error) !== 409) throw error
        throw launchFault('policy', 'Another workspace uses these files.', { hint: 'End it first.', cause: error })
      })
}

/** Whether something has all these labels. */
function hasAll(there: Readonly<Record<string, string>> | null, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => there?.[name] === value)
}
