/** What is going to be created, said in the engine's words. Pure, and without secrets. @module */
import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import {
  type AppProfile,
  filled,
  type Json,
  type LaunchPlan,
  type LaunchRequest,
  launchFault,
  type Mount,
} from '@labgate/contract'
import type { ContainerCreateOptions } from 'dockerode'
import type { RunnerDockerConfig } from './config.ts'

/** Where the app finds its secrets. */
export const secretsFolder = '/run/labgate'

/** Labels of everything that is made. */
export const labels = {
  installation: 'labgate.installation',
  instance: 'labgate.instance',
  account: 'labgate.account',
  storage: 'labgate.storage',
  plan: 'labgate.plan',
  image: 'labgate.image',
  port: 'labgate.port',
  purpose: 'labgate.purpose',
} as const

/** The plan's own words; what `detail` of a launch plan holds. */
export interface DockerPlan {
  readonly [name: string]: Json
  readonly name: string
  readonly image: string
  readonly account: string
  readonly storage: string
  readonly port: number
  readonly user: { readonly uid: number; readonly gid: number } | null
  /** Storage of the person: name of the volume or folder, and where the app finds it. */
  readonly stores: readonly { readonly source: string; readonly target: string }[]
  /** Whether it joins the network where no other container reaches it, if the engine has such networks. */
  readonly isolate: boolean
  /** Folders of the machine that are mounted as they are. */
  readonly shared: readonly string[]
  readonly create: { readonly [name: string]: Json }
}

/** What a plan is made with. */
export interface PlanGround {
  readonly config: RunnerDockerConfig
  readonly installation: string
}

/** Makes the plan. @throws Fault ERR_LAUNCH (image_denied, policy) */
export function planOf(request: LaunchRequest, profile: AppProfile, ground: PlanGround): LaunchPlan {
  const { config, installation } = ground
  const { image, port, user } = profile
  if (image === undefined)
    throw launchFault('image_denied', 'This app names no image, and containers are made of images.', {
      hint: 'An admin sets `image` of the profile.',
    })
  const home = homeOf(profile)
  const filling = { bind: '0.0.0.0', port, basePath: request.basePath, secrets: secretsFolder, home }
  const mounts = profile.mounts.map((mount) => ({ ...mount, target: safePath(filled(mount.target, filling)) }))
  const stores = mounts
    .filter(({ of }) => of === 'person')
    .map(({ name, target }) => ({
      source: storeSource(ground, { storage: request.storage, mount: name }),
      target,
    }))
  const shared = mounts.filter(({ of }) => of === 'shared').map((mount) => sharedMount(mount, config))
  const environment = Object.entries(profile.environment).map(([name, value]) => `${name}=${filled(value, filling)}`)
  const create: ContainerCreateOptions = {
    Image: image,
    ...(profile.command.length === 0 ? {} : { Cmd: profile.command.map((part) => filled(part, filling)) }),
    Env: environment.toSorted(),
    ...(user === undefined ? {} : { User: `${user.uid}:${user.gid}` }),
    Labels: {
      [labels.installation]: installation,
      [labels.instance]: request.instance,
      [labels.account]: request.account,
      [labels.storage]: request.storage,
      [labels.port]: String(port),
    },
    ExposedPorts: { [`${port}/tcp`]: {} },
    HostConfig: {
      ...limitsOf(request, config),
      ...hardened(config),
      // Not binds: a folder that is not there fails, and is not made by root.
      Mounts: [...stores.map((store) => ownMount(store, config)), ...shared],
      ...(config.network === undefined
        ? { PortBindings: { [`${port}/tcp`]: [{ HostIp: config.bind, HostPort: '' }] } }
        : { NetworkMode: config.network }),
    },
  }
  const detail: DockerPlan = {
    ...{ name: `labgate-${installation.slice(0, 8)}-${request.instance}`, image, port, user: user ?? null },
    ...{ account: request.account, storage: request.storage, stores, shared: shared.map(({ Source }) => Source) },
    isolate: config.isolate && config.network === undefined,
    create: create as unknown as { [name: string]: Json },
  }
  return { instance: request.instance, summary: `Starts a container of ${image}.`, detail }
}

/** Digest of a plan: a container of another one is not taken over. */
export function planHash(plan: DockerPlan): string {
  return createHash('sha256').update(JSON.stringify(plan)).digest('hex').slice(0, 32)
}

function limitsOf({ limits }: LaunchRequest, config: RunnerDockerConfig) {
  const { memoryBytes, cpus, storageBytes, pids, gpus } = limits
  if ((gpus ?? 0) > 0 && !config.gpus)
    throw launchFault('policy', 'There are no GPUs here.', { hint: 'Choose another size.' })
  return {
    // Without swap beyond it: a limit that swaps is none.
    ...(memoryBytes === undefined ? {} : { Memory: memoryBytes, MemorySwap: memoryBytes }),
    ...(cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
    PidsLimit: pids ?? config.pids,
    ...(config.limitStorage && storageBytes !== undefined ? { StorageOpt: { size: String(storageBytes) } } : {}),
    ...((gpus ?? 0) > 0 ? { DeviceRequests: [{ Driver: '', Count: gpus, Capabilities: [['gpu']] }] } : {}),
  }
}

/** Never more than an app needs, whatever its image would like. */
function hardened({ capabilities, runtime, logBytes }: RunnerDockerConfig) {
  return {
    Privileged: false,
    CapDrop: ['ALL'],
    CapAdd: [...capabilities],
    SecurityOpt: ['no-new-privileges'],
    // An app that writes without end fills a part of the disk, not all of it.
    LogConfig: { Type: 'json-file', Config: { 'max-size': String(logBytes) } },
    Init: true,
    RestartPolicy: { Name: 'no' },
    PublishAllPorts: false,
    ...(runtime === undefined ? {} : { Runtime: runtime }),
  }
}

function homeOf({ mounts }: AppProfile): string {
  return mounts.find(({ of, target }) => of === 'person' && !target.startsWith('{home}'))?.target ?? '/home/work'
}

/** The volume or folder of one storage, named by its id, which is nobody's name and nobody's address. */
export function storeSource(
  { config, installation }: PlanGround,
  { storage, mount }: { readonly storage: string; readonly mount: string },
): string {
  for (const name of [storage, mount])
    if (!/^[a-z0-9][a-z0-9-]*$/.test(name))
      throw launchFault('policy', 'A storage of this app has no plain name.', {
        hint: 'An admin looks at `mounts` of the profile.',
      })
  if (config.storage === 'volume') return `labgate-${installation.slice(0, 8)}-${storage}-${mount}`
  if (config.storageRoot === undefined)
    throw launchFault('policy', 'There is no place for people’s files here.', {
      hint: 'An admin sets `storageRoot` of the runner.',
    })
  return posix.join(config.storageRoot, storage, mount)
}

function ownMount({ source, target }: DockerPlan['stores'][number], { storage }: RunnerDockerConfig) {
  return { Type: storage === 'volume' ? ('volume' as const) : ('bind' as const), Source: source, Target: target }
}

function sharedMount({ source, target, readOnly }: Mount, { mountRoots }: RunnerDockerConfig) {
  const from = safePath(source ?? '')
  if (!isBelow(from, mountRoots))
    throw launchFault('policy', 'A folder of this app lies outside of what may be mounted.', {
      hint: 'An admin adds its root to `mountRoots` of the runner.',
    })
  return { Type: 'bind' as const, Source: from, Target: target, ReadOnly: readOnly }
}

/** Whether a plain absolute path is one of the roots or lies below one. */
export function isBelow(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => path === root || path.startsWith(root.endsWith('/') ? root : `${root}/`))
}

/** Absolute, plain, not everything, and nothing that an engine would read as an option of the mount. */
function safePath(path: string): string {
  const plain = path.replace(/(?<=.)\/$/, '')
  if (!/^\/[^:\0\n]+$/.test(plain) || posix.normalize(plain) !== plain)
    throw launchFault('policy', 'A path of this app is not a plain absolute one.', {
      hint: 'An admin looks at `mounts` of the profile.',
    })
  return plain
}
