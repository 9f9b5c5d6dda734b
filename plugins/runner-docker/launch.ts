/** From a plan to a container that runs. Every step may have been done before: by a launch that was killed. @module */
import { chownSync, mkdirSync } from 'node:fs'
import { posix } from 'node:path'
import { type Launch, launchFault } from '@labgate/contract'
import type Docker from 'dockerode'
import type { Container, ContainerCreateOptions, ContainerInspectInfo } from 'dockerode'
import type { RunnerDockerConfig } from './config.ts'
import { engineTrouble, isGone, isTaken, statusOf, wordsOf } from './engine.ts'
import { archiveOf, type Entry } from './files.ts'
import { type DockerPlan, labels, planHash, secretsFolder } from './plan.ts'
import type { State } from './state.ts'

/** What a launch works with. */
export interface Ground {
  readonly engine: Docker
  readonly config: RunnerDockerConfig
  readonly installation: string
}

/** Brings the container of a plan up. @throws Fault ERR_LAUNCH */
export async function launchOn(ground: Ground, plan: DockerPlan, launch: Launch<State>): Promise<State> {
  try {
    return await bringUp(ground, plan, launch)
  } catch (error) {
    launch.signal.throwIfAborted()
    throw statusOf(error) === undefined && !isConnection(error) ? error : engineTrouble(error)
  }
}

function isConnection(error: unknown): boolean {
  return /^E[A-Z]+$/.test(String((error as { code?: unknown } | undefined)?.code ?? ''))
}

async function bringUp(ground: Ground, plan: DockerPlan, launch: Launch<State>): Promise<State> {
  const { engine } = ground
  const { signal, save, progress, secrets } = launch
  const there = await existing(engine, plan)
  signal.throwIfAborted()
  if (there === undefined) {
    await fetchImage(ground, plan.image, launch)
    await makeStores(ground, plan)
    signal.throwIfAborted()
  }
  const container = there?.container ?? (await create(engine, plan))
  const state = stateOf(plan, container.id)
  await save(state)
  signal.throwIfAborted()
  if (there?.info.State.Running) return state
  await container.putArchive(await handOver(plan, secrets), { path: '/' })
  signal.throwIfAborted()
  progress('The container is made; it starts.')
  await container.start().catch((error: unknown) => {
    // 304: it runs already.
    if (statusOf(error) !== 304) throw error
  })
  return state
}

function stateOf({ account, storage, port }: DockerPlan, container: string): State {
  return { container, account, storage, port }
}

/** The container of this very plan, unless it has ended; any other one of its name is in the way. */
async function existing(
  engine: Docker,
  plan: DockerPlan,
): Promise<{ container: Container; info: ContainerInspectInfo } | undefined> {
  const container = engine.getContainer(plan.name)
  const info = await container.inspect().catch((error: unknown) => {
    if (isGone(error)) return undefined
    throw error
  })
  if (info === undefined) return undefined
  const isSame = info.Config.Labels[labels.plan] === planHash(plan)
  const hasEnded = info.State.Status === 'exited' || info.State.Status === 'dead'
  if (isSame && !hasEnded) return { container: engine.getContainer(info.Id), info }
  await container.remove({ force: true, v: true })
  return undefined
}

async function create(engine: Docker, plan: DockerPlan): Promise<Container> {
  const options = plan.create as unknown as ContainerCreateOptions
  const named = { ...options, name: plan.name, Labels: { ...options.Labels, [labels.plan]: planHash(plan) } }
  try {
    return await engine.createContainer(named)
  } catch (error) {
    if (!isTaken(error)) throw error
    // Another launch of the same workspace was faster.
    const there = await existing(engine, plan)
    if (there === undefined) throw error
    return there.container
  }
}

async function fetchImage(
  { engine, config }: Ground,
  image: string,
  { signal, progress }: Launch<State>,
): Promise<void> {
  const isThere = await engine
    .getImage(image)
    .inspect()
    .then(
      () => true,
      (error: unknown) => {
        if (isGone(error)) return false
        throw error
      },
    )
  if (isThere && config.pull !== 'always') return
  if (config.pull === 'never')
    throw launchFault('pull_failed', 'The image of this app is not there.', {
      hint: 'An admin loads it into the engine; here nothing is fetched by itself.',
    })
  progress(`Fetches ${image}.`)
  const stream = await engine.pull(image).catch((error: unknown) => {
    throw launchFault('pull_failed', 'The image of this app could not be fetched.', {
      hint: 'The registry may be down, or not let us in. Try again in a while.',
      retryable: true,
      cause: wordsOf(error),
    })
  })
  await followed(engine, stream as NodeJS.ReadableStream & { destroy(error?: Error): void }, signal)
}

/** Waits for the end of a pull; broken off, the engine stops fetching when nobody listens. */
function followed(
  engine: Docker,
  stream: NodeJS.ReadableStream & { destroy(error?: Error): void },
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      stream.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', stop, { once: true })
    engine.modem.followProgress(stream, (error: Error | null) => {
      signal.removeEventListener('abort', stop)
      if (error === null) resolve()
      else
        reject(
          launchFault('pull_failed', 'The image of this app could not be fetched.', {
            retryable: true,
            cause: error.message,
          }),
        )
    })
  })
}

async function makeStores({ engine, config, installation }: Ground, plan: DockerPlan): Promise<void> {
  for (const { source } of plan.stores) {
    if (config.storage === 'folder') {
      mkdirSync(source, { recursive: true, mode: 0o700 })
      if (plan.user) chownSync(source, plan.user.uid, plan.user.gid)
      continue
    }
    // Nothing happens when it is there.
    await engine.createVolume({
      Name: source,
      Labels: { [labels.installation]: installation, [labels.storage]: plan.storage, [labels.image]: plan.image },
    })
  }
}

/** Secrets, and storage that belongs to who the app runs as: a new volume belongs to root. */
async function handOver(plan: DockerPlan, secrets: Readonly<Record<string, string>>): Promise<Buffer> {
  const owner = plan.user ?? { uid: 0, gid: 0 }
  // Who the image runs as is not known where the profile does not say; inside there is nobody else anyway.
  const mode = plan.user ? 0o400 : 0o444
  const folder = `${secretsFolder.slice(1)}/`
  const entries: Entry[] = [
    { name: folder, mode: plan.user ? 0o700 : 0o755, owner },
    ...Object.entries(secrets).map(([name, content]) => ({ name: posix.join(folder, name), content, mode, owner })),
    ...(plan.user ? plan.stores.map(({ target }) => ({ name: `${target.slice(1)}/`, mode: 0o700, owner })) : []),
  ]
  return archiveOf(entries)
}

/** New content of the secrets of a container that runs. */
export async function renewIn(engine: Docker, state: State, secrets: Readonly<Record<string, string>>): Promise<void> {
  const container = engine.getContainer(state.container)
  const { Config } = await container.inspect()
  const [uid, gid] = Config.User.split(':').map(Number)
  const isNumber = Number.isInteger(uid) && Number.isInteger(gid)
  const user = isNumber ? { uid: uid ?? 0, gid: gid ?? 0 } : null
  const owner = user ?? { uid: 0, gid: 0 }
  const folder = `${secretsFolder.slice(1)}/`
  const entries = Object.entries(secrets).map(([name, content]) => ({
    name: posix.join(folder, name),
    content,
    mode: user ? 0o400 : 0o444,
    owner,
  }))
  await container.putArchive(await archiveOf(entries), { path: '/' })
}
