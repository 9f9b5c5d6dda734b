/** What is going to run on a host, before it is known which. Pure, and without secrets. @module */
import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { type AppProfile, filled, type Json, type LaunchPlan, type LaunchRequest, launchFault } from '@labgate/contract'
import { quoteWord } from './connect/index.ts'
import { leading } from './remote.ts'

/** The plan's own words; what `detail` of a launch plan holds. */
export interface SshPlan {
  readonly [name: string]: Json
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  readonly basePath: string
  readonly account: string
  readonly storage: string
  readonly user: { readonly uid: number; readonly gid: number } | null
  /** Storage of the person that is the home; null: the home goes with the instance. */
  readonly home: string | null
  /** What is found below the home: another storage of the person, or a path of the host. */
  readonly links: readonly Link[]
  /** Paths of the host that the app finds where they are. */
  readonly paths: readonly Shared[]
  readonly limits: { readonly memoryBytes: number | null; readonly cpus: number | null; readonly pids: number | null }
}

/** A path of the host that is the same for everybody. */
export interface Shared {
  readonly [name: string]: Json
  readonly source: string
  readonly readOnly: boolean
}

/** Something that is found below the home. */
export interface Link {
  readonly [name: string]: Json
  /** Below the home. */
  readonly at: string
  readonly own: string | null
  readonly shared: Shared | null
}

/** Makes the plan. @throws Fault ERR_LAUNCH (image_denied, policy) */
export function planOf(request: LaunchRequest, profile: AppProfile, hosts: readonly string[]): LaunchPlan {
  const { limits, basePath, account, storage, instance, avoidHosts } = request
  if (profile.image !== undefined)
    throw launchFault('image_denied', 'This place runs commands of its hosts, and no images.', {
      hint: 'An admin takes `image` out of the profile, or names another runner.',
    })
  if (profile.command.length === 0)
    throw refused('This app names no command.', 'An admin sets `command` of the profile.')
  if ((limits.gpus ?? 0) > 0) throw refused('There are no GPUs to hand out here.', 'Choose another size.')
  for (const word of [instance, account, storage])
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(word)) throw new TypeError(`an id is letters and digits, got ${word}`)
  for (const name of Object.keys(profile.environment))
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw refused('A name in the environment of this app is none.', 'An admin looks at `environment` of the profile.')
  const detail: SshPlan = {
    ...{ command: profile.command, environment: profile.environment, basePath, account, storage },
    user: profile.user ?? null,
    ...placesOf(profile),
    limits: { memoryBytes: limits.memoryBytes ?? null, cpus: limits.cpus ?? null, pids: limits.pids ?? null },
  }
  const summary = `Starts ${posix.basename(profile.command[0] ?? '')} on ${hosts.length === 1 ? hosts[0] : 'a host'}.`
  return { instance, summary, detail, hosts: hosts.filter((name) => !avoidHosts.includes(name)) }
}

/** Digest of a plan: an instance of another one is not taken over. */
export function planHash(plan: SshPlan): string {
  return createHash('sha256').update(JSON.stringify(plan)).digest('hex').slice(0, 32)
}

/**
 * There are no mounts here. The first storage of the person is the home, wherever the profile would mount it; what shall lie
 * below the home is linked there; what is shared may be named where it is. Anything else would need root.
 */
function placesOf({ mounts }: AppProfile): Pick<SshPlan, 'home' | 'links' | 'paths'> {
  const first = mounts.find((mount) => mount.of === 'person' && !mount.target.startsWith('{home}/'))
  const home = first?.name ?? null
  const links: Link[] = []
  const paths: Shared[] = []
  for (const mount of mounts) {
    const { name, of, target, readOnly } = mount
    if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) throw new TypeError(`a storage is small letters and digits, got ${name}`)
    if (mount === first) continue
    const shared = of === 'shared' ? { source: plain(mount.source ?? ''), readOnly } : null
    if (target.startsWith('{home}/'))
      links.push({ at: plain(target.slice('{home}'.length)).slice(1), own: shared ? null : name, shared })
    else if (shared?.source === target) paths.push(shared)
    else
      throw refused(
        'A folder of this app cannot be brought to where the app wants it.',
        'On hosts reached by SSH a `target` begins with {home}/, or is the shared folder itself.',
      )
  }
  return { home, links, paths }
}

function plain(path: string): string {
  if (!/^\/[^\0\n]+[^/\0\n]$/.test(path) || posix.normalize(path) !== path)
    throw refused('A path of this app is not a plain absolute one.', 'An admin looks at `mounts` of the profile.')
  return path
}

function refused(message: string, hint: string) {
  return launchFault('policy', message, { hint })
}

/** Where things of an instance are on its host. */
export interface Paths {
  readonly home: string
  readonly secrets: string
  readonly port: number
}

/** The text of the instance's first process: what the app is, and `lead.sh`. No secrets. */
export function startScript(
  plan: SshPlan,
  { home, secrets, port }: Paths,
  how: { readonly nice: number; readonly memoryBytes: number | null },
): string {
  const filling = { bind: '127.0.0.1', port, basePath: plan.basePath, secrets, home }
  const environment = Object.entries(plan.environment).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return [
    'app() {',
    ...environment.map(([name, value]) => `export ${name}=${quoteWord(filled(value, filling))}`),
    // Of each process: what it writes to, not what it reserves.
    ...(how.memoryBytes === null ? [] : [`ulimit -d ${Math.ceil(how.memoryBytes / 1024)} || exit 126`]),
    `cd ${quoteWord(home)} || exit 126`,
    `exec nice -n ${how.nice} ${plan.command.map((part) => quoteWord(filled(part, filling))).join(' ')}`,
    '}',
    leading,
  ].join('\n')
}
