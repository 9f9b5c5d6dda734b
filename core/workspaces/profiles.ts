/** App profiles: the config's entry laid over its preset. @module */
import type { Limits, Mount } from '@labgate/contract'
import type { Config, ProfileEntry } from '../config/schema.ts'
import type { Credential, Profile, Size } from './model.ts'
import { type Preset, presets } from './presets.ts'

/** Every profile of a config, by name, in its order. */
export function profilesOf({ profiles }: Config['workspaces']): ReadonlyMap<string, Profile> {
  return new Map(Object.entries(profiles).map(([name, entry]) => [name, profileOf(name, entry)]))
}

function profileOf(name: string, entry: ProfileEntry): Profile {
  const preset: Preset = presets[entry.preset]
  const { groups, dataset, verb } = entry.allow
  return {
    name,
    preset: entry.preset,
    title: entry.title ?? (preset.title === '' ? name : preset.title),
    description: entry.description ?? '',
    runner: entry.runner,
    images: [...(entry.image === undefined ? [] : [entry.image]), ...entry.images],
    command: entry.command ?? preset.command,
    // `labgate check` asks for a port where the preset knows none.
    port: entry.port ?? preset.port ?? 8888,
    environment: { ...preset.environment, ...entry.environment },
    user: entry.user,
    mounts: (entry.mounts ?? [{ name: 'home', target: preset.home, readOnly: false }]).map(mountOf),
    basePath: entry.basePath ?? preset.basePath,
    ...wayOf(entry, preset),
    readiness: { path: entry.readiness.path ?? preset.readiness, timeoutSeconds: entry.readiness.timeout },
    activity: entry.activity === undefined ? preset.activity : { kind: 'jupyter', path: entry.activity.path },
    landing: entry.landing ?? preset.landing,
    sizes: Object.entries(entry.sizes).map(([size, given]) => sizeOf(size, given)),
    allow: { groups, dataset, verb },
    leaseSeconds: entry.lease,
    tokenScopes: entry.tokenScopes,
  }
}

/** Past the proxy nobody but the app asks who comes: without a credential there is no such way, whatever is configured. */
function wayOf({ credential: own, direct }: ProfileEntry, preset: Preset): Pick<Profile, 'credential' | 'direct'> {
  const credential = own === undefined ? preset.credential : credentialOf(own)
  if (credential === undefined || direct === undefined) return { credential, direct: undefined }
  const { bind, ports, host = bind, connections } = direct
  return { credential, direct: { bind, ...ports, host: host.includes(':') ? `[${host}]` : host, connections } }
}

function credentialOf({ file, header }: NonNullable<ProfileEntry['credential']>): Credential {
  const colon = header?.indexOf(': ') ?? -1
  if (header === undefined) return { file, header: undefined }
  return { file, header: { name: header.slice(0, colon).toLowerCase(), value: header.slice(colon + 2) } }
}

type MountEntry = NonNullable<ProfileEntry['mounts']>[number]

function mountOf({ name, shared, target, readOnly }: MountEntry): Mount {
  return { name, of: shared === undefined ? 'person' : 'shared', source: shared, target, readOnly }
}

function sizeOf(name: string, given: ProfileEntry['sizes'][string]): Size {
  const limits: Limits = {
    memoryBytes: given.memory,
    cpus: given.cpus,
    storageBytes: given.storage,
    pids: given.pids,
    gpus: given.gpus,
  }
  return { name, title: given.title ?? name, limits }
}
