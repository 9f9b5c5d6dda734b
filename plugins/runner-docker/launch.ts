/** From a plan to a container that runs. Every step may have been done before: by a launch that was killed. @module */
import { posix } from 'node:path'
import { type Launch, launchFault } from '@labgate/contract'
import type { Container, ContainerCreateOptions, ContainerInspectInfo } from 'dockerode'
import { engineTrouble, isBeingRemoved, isGone, isTaken, statusOf } from './engine.ts'
import { archiveOf, type Entry } from './files.ts'
import type { Ground } from './ground.ts'
import { fetchImage } from './images.ts'
import { isolatedNetwork } from './network.ts'
import { type DockerPlan, labels, planHash, secretsFolder } from './plan.ts'
import type { State } from './state.ts'
import { assertMountable, makeStores } from './stores.ts'

/** Brings the container of a plan up. @throws Fault ERR_LAUNCH; the signal's reason when it aborts */
export async function launchOn(ground: Ground, plan: DockerPlan, launch: Launch<State>): Promise<State> {
  let unsaved: unknown
  const save = async (state: State) => {
    await launch.save(state).catch((error: unknown) => {
      unsaved = error
      throw error
    })
  }
  try {
    return await bringUp(ground, plan, { ...launch, save })
  } catch (error) {
    launch.signal.throwIfAborted()
    // Trouble of whoever keeps records is none of the engine's.
    throw error === unsaved ? error : engineTrouble(error)
  }
}

async function bringUp(ground: Ground, plan: DockerPlan, launch: Launch<State>): Promise<State> {
  const { signal, save, progress, secrets } = launch
  signal.throwIfAborted()
  assertMountable(ground, plan)
  const there = await existing(ground, plan, signal)
  if (there === undefined) {
    await fetchImage(ground, plan.image, launch)
    signal.throwIfAborted()
    await makeStores(ground, plan)
    signal.throwIfAborted()
  }
  const { id, isRunning } = there ?? (await create(ground, plan, signal))
  const state: State = { container: id, account: plan.account, storage: plan.storage, port: plan.port }
  await save(state)
  signal.throwIfAborted()
  const container = ground.engine.ask.getContainer(id)
  // Also to one that runs: a token may be newer than what a launch that was killed handed over.
  await container.putArchive(await handOver(plan, { secrets, isRunning }), { path: '/' })
  if (isRunning) return state
  signal.throwIfAborted()
  progress('The container is made; it starts.')
  signal.throwIfAborted()
  await ground.engine.wait
    .getContainer(id)
    .start()
    .catch((error: unknown) => {
      // 304: it runs already.
      if (statusOf(error) !== 304) throw error
    })
  signal.throwIfAborted()
  return state
}

interface There {
  readonly id: string
  readonly isRunning: boolean
}

/** The container of this very plan, unless it has ended; another one of ours is in the way, and goes. */
async function existing(ground: Ground, plan: DockerPlan, signal: AbortSignal): Promise<There | undefined> {
  const info = await inspected(ground, plan.name, signal)
  if (info === undefined) return undefined
  const { Labels } = info.Config
  if (Labels[labels.installation] !== ground.installation)
    throw launchFault('policy', 'A container that is not ours has its name.', {
      hint: 'An admin renames or removes it.',
      cause: plan.name,
    })
  const hasEnded = ['exited', 'dead', 'removing', 'stopped'].includes(info.State.Status)
  if (Labels[labels.plan] === planHash(plan) && !hasEnded) return { id: info.Id, isRunning: info.State.Running }
  await removeContainer(ground, info.Id)
  return undefined
}

async function inspected(
  { engine }: Ground,
  name: string,
  signal: AbortSignal,
): Promise<ContainerInspectInfo | undefined> {
  return engine.ask
    .getContainer(name)
    .inspect({ abortSignal: signal })
    .catch((error: unknown) => {
      if (isGone(error)) return undefined
      throw error
    })
}

async function create(ground: Ground, plan: DockerPlan, signal: AbortSignal): Promise<There> {
  const options = plan.create as unknown as ContainerCreateOptions
  const network = plan.isolate ? await isolatedNetwork(ground) : undefined
  const named = {
    ...options,
    ...{ name: plan.name, Labels: { ...options.Labels, [labels.plan]: planHash(plan) } },
    HostConfig: { ...options.HostConfig, ...(network === undefined ? {} : { NetworkMode: network }) },
  }
  const make = async () => ({ id: (await ground.engine.ask.createContainer(named)).id, isRunning: false })
  try {
    return await make()
  } catch (error) {
    if (!isTaken(error)) throw error
    // Another launch of the same workspace was faster.
    return (await existing(ground, plan, signal)) ?? (await make())
  }
}

/** Removes a container, whatever it does; gone is success, and so is one that somebody else removes. */
export async function removeContainer({ engine }: Ground, id: string): Promise<void> {
  const container: Container = engine.wait.getContainer(id)
  try {
    // `v`: volumes without a name, which the image brought along; never the person's.
    await container.remove({ force: true, v: true })
  } catch (error) {
    if (isGone(error)) return
    if (!isBeingRemoved(error)) throw error
    await container.wait({ condition: 'removed' }).catch((gone: unknown) => {
      if (!isGone(gone)) throw gone
    })
  }
}

/** Secrets, and storage that belongs to who the app runs as: a new volume belongs to root. */
async function handOver(
  { user, stores }: DockerPlan,
  { secrets, isRunning }: { secrets: Readonly<Record<string, string>>; isRunning: boolean },
): Promise<Buffer> {
  const owned = isRunning || user === null ? [] : stores
  return archiveOf([
    ...secretEntries(user, secrets),
    ...owned.map(({ target }) => ({ name: `${target.slice(1)}/`, mode: 0o700, owner: user ?? root })),
  ])
}

const root = { uid: 0, gid: 0 }

function secretEntries(user: DockerPlan['user'], secrets: Readonly<Record<string, string>>): Entry[] {
  const owner = user ?? root
  const folder = `${secretsFolder.slice(1)}/`
  // Who the image runs as is not known where the profile does not say; inside there is nobody else anyway.
  const [inner, outer] = user ? [0o400, 0o700] : [0o444, 0o755]
  const files = Object.entries(secrets).map(([name, content]) => ({
    name: fileName(name),
    content,
    mode: inner,
    owner,
  }))
  return [
    { name: folder, mode: outer, owner },
    ...files.map((file) => ({ ...file, name: posix.join(folder, file.name) })),
  ]
}

function fileName(name: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name))
    throw new TypeError(`a secret's file name must be plain, got ${name}`)
  return name
}

/** New content of the secrets of a container that runs. */
export async function renewIn(
  { engine }: Ground,
  { container: id }: State,
  secrets: Readonly<Record<string, string>>,
): Promise<void> {
  const container = engine.ask.getContainer(id)
  const { Config } = await container.inspect()
  const found = /^(\d+):(\d+)$/.exec(Config.User)
  const user = found ? { uid: Number(found[1]), gid: Number(found[2]) } : null
  await container.putArchive(await archiveOf(secretEntries(user, secrets)), { path: '/' })
}
