/** Which host: where it is already, else where the person's files are, else by the rule. @module */
import { launchFault } from '@labgate/contract'
import type { Ground } from './ground.ts'
import { type Host, hostTrouble } from './host.ts'
import { type Run, runOf } from './state.ts'

/** What a host told of itself. */
export interface Spot {
  readonly host: Host
  readonly runs: readonly Run[]
  /** Absolute paths there. */
  readonly folder: string
  readonly runFolder: string
  readonly hasFiles: boolean
  /** Ports that were in use when it was asked, and those that were tried since. */
  readonly taken: Set<number>
  readonly uid: number
  readonly gid: number
}

/** For whom a host is sought. */
export interface Wanted {
  readonly instance: string
  readonly storage: string
  /** Names of the hosts that take something new. */
  readonly hosts: readonly string[]
}

/** A host that did not answer is left alone for so long, if there are others. */
const restMs = 30_000
/** Ten years: a note is deleted by whoever ends what it is about. */
const forEver = 315_360_000

const placeKey = (instance: string) => `at:${instance}`
const filesKey = (storage: string) => `files:${storage}`

/** Notes of what is where: a host that does not answer cannot be asked. */
export const notes = {
  host: ({ store }: Ground, instance: string) => textOf(store.get(placeKey(instance))),
  files: ({ store }: Ground, storage: string) => textOf(store.get(filesKey(storage))),
  async write({ store }: Ground, { instance, storage, host }: { instance: string; storage: string; host: string }) {
    await store.put(placeKey(instance), host, forEver)
    await store.put(filesKey(storage), host, forEver)
  },
  forget: ({ store }: Ground, instance: string) => store.delete(placeKey(instance)),
  forgetFiles: ({ store }: Ground, storage: string) => store.delete(filesKey(storage)),
} as const

async function textOf(kept: Promise<unknown>): Promise<string | undefined> {
  const value = await kept
  return typeof value === 'string' ? value : undefined
}

/**
 * Asks all hosts that answer. An instance that was once sent to a host that does not answer may run there: it is started
 * nowhere else.
 * @throws Fault ERR_LAUNCH (unreachable, auth)
 */
export async function survey(ground: Ground, wanted: Wanted, signal: AbortSignal): Promise<readonly Spot[]> {
  const placed = await notes.host(ground, wanted.instance)
  const rested = ground.hosts.filter((host) => host.name === placed || !isResting(host))
  const asked = rested.length === 0 ? ground.hosts : rested
  const results = await Promise.allSettled(asked.map((host) => look(host, wanted.storage, signal)))
  signal.throwIfAborted()
  const spots: Spot[] = []
  let failure: unknown
  for (const [index, result] of results.entries()) {
    const name = asked[index]?.name ?? ''
    if (result.status === 'fulfilled') spots.push(result.value)
    else {
      ground.log.warn({ host: name, err: result.reason }, 'a host takes no workspaces now')
      if (name === placed) throw hostTrouble(name, result.reason)
      failure ??= hostTrouble(name, result.reason)
    }
  }
  if (spots.length === 0) throw failure
  return spots
}

function isResting(host: Host): boolean {
  const trouble = host.trouble()
  return trouble !== undefined && performance.now() - trouble.at < restMs
}

async function look(host: Host, storage: string, signal: AbortSignal): Promise<Spot> {
  const answer = await host.ask([['survey', storage]], { signal })
  const [folder = '', runFolder = ''] = answer.line('root') ?? []
  const [uid = '', gid = ''] = answer.line('who') ?? []
  return {
    ...{ host, folder, runFolder, uid: Number(uid), gid: Number(gid) },
    runs: answer.lines('run').map(runOf),
    taken: new Set(answer.line('ports')?.map((hex) => Number.parseInt(hex, 16))),
    hasFiles: answer.line('files')?.[0] === 'yes',
  }
}

/** Chooses a host for something new, and counts it there at once: of many that choose together each sees the others. @throws Fault ERR_LAUNCH (unreachable, quota) */
export async function choose(ground: Ground, wanted: Wanted, spots: readonly Spot[]): Promise<Spot> {
  const bound = ground.config.files === 'each' ? await hostOfFiles(ground, wanted.storage, spots) : undefined
  const spot = chosen(ground, { wanted, spots, bound })
  ground.placed.set(wanted.instance, spot.host.name)
  return spot
}

function chosen(
  ground: Ground,
  { wanted, spots, bound }: { wanted: Wanted; spots: readonly Spot[]; bound: string | undefined },
): Spot {
  const open = spots.filter(({ host }) => wanted.hosts.includes(host.name))
  if (bound !== undefined) return boundSpot(bound, { open, spots })
  const [first] = open
  if (first === undefined)
    throw launchFault('quota', 'No host takes anything new at the moment.', {
      hint: 'Try again in a while.',
      retryable: true,
    })
  return byRule(ground, { open, instance: wanted.instance }, first)
}

async function hostOfFiles(ground: Ground, storage: string, spots: readonly Spot[]): Promise<string | undefined> {
  const noted = await notes.files(ground, storage)
  if (noted !== undefined && ground.hosts.some(({ name }) => name === noted)) return noted
  return spots.find(({ hasFiles }) => hasFiles)?.host.name
}

function boundSpot(
  name: string,
  { open, spots }: { readonly open: readonly Spot[]; readonly spots: readonly Spot[] },
): Spot {
  const found = open.find(({ host }) => host.name === name)
  if (found) return found
  if (spots.some(({ host }) => host.name === name))
    throw launchFault('quota', `Your files are on ${name}, which takes nothing new at the moment.`, {
      hint: 'Try again later, or ask an admin when it is back.',
      retryable: true,
    })
  throw launchFault('unreachable', `Your files are on ${name}, which does not answer.`, {
    hint: 'Try again in a while.',
    retryable: true,
  })
}

function byRule({ config, random, placed }: Ground, { open, instance }: Open, first: Spot): Spot {
  if (config.choose === 'first') return first
  if (config.choose === 'random') return open[(random.bytes(1)[0] ?? 0) % open.length] ?? first
  const load = ({ host, runs }: Spot) => {
    const living = runs.filter(({ state, isEnded }) => state === 'running' && !isEnded).map((run) => run.instance)
    const sent = [...placed].flatMap(([one, name]) => (name === host.name ? [one] : []))
    const all = new Set([...living, ...sent])
    all.delete(instance)
    return all.size
  }
  return open.reduce((best, one) => (load(one) < load(best) ? one : best), first)
}

interface Open {
  readonly open: readonly Spot[]
  readonly instance: string
}
