/**
 * A network of ours in which containers do not reach each other. Docker has such networks; Podman takes the wish and does
 * not grant it, so there it is not asked for.
 * @module
 */
import { launchFault } from '@labgate/contract'
import type { NetworkInspectInfo } from 'dockerode'
import { type Engine, isGone, isTaken } from './engine.ts'
import type { Ground } from './ground.ts'

/** One for every Labgate that uses the engine: an engine has addresses for some thirty networks. */
const name = 'labgate-apart'
const traffic = 'com.docker.network.bridge.enable_icc'

const kinds = new WeakMap<Engine, Promise<boolean>>()
/** One makes it at a time: an engine takes two of one name. */
const turns = new WeakMap<Engine, Promise<unknown>>()

/** Makes it when it is not there yet, and names it; `undefined` where there is none. @throws Fault ERR_LAUNCH (policy) */
export async function isolatedNetwork({ engine }: Pick<Ground, 'engine'>): Promise<string | undefined> {
  if (await isPodman(engine)) return undefined
  const mine = (turns.get(engine) ?? Promise.resolve()).then(() => make(engine))
  turns.set(
    engine,
    mine.catch(() => undefined),
  )
  await mine
  return name
}

async function make(engine: Engine): Promise<void> {
  const wanted = { Name: name, Options: { [traffic]: 'false' }, CheckDuplicate: true }
  const there =
    (await found(engine)) ??
    (await engine.ask
      .createNetwork(wanted)
      .catch(unlessTaken)
      .then(() => found(engine)))
  if (there?.Options?.[traffic] === 'false') return
  throw launchFault('policy', 'The network that keeps apps apart carries what it must not.', {
    hint: `An admin removes the engine’s network ${name}; it is made anew.`,
    cause: name,
  })
}

function unlessTaken(error: unknown): void {
  if (!isTaken(error)) throw error
}

/** Whether an engine is Podman. */
export function isPodman(engine: Engine): Promise<boolean> {
  const known = kinds.get(engine)
  if (known) return known
  const asked = engine.ask.version().then(({ Components }) => {
    // Its types know no names of components.
    const all = (Components ?? []) as readonly { readonly Name?: string }[]
    return all.some(({ Name }) => /podman/i.test(Name ?? ''))
  })
  kinds.set(engine, asked)
  // An engine that is away may be another one when it is back.
  asked.catch(() => kinds.delete(engine))
  return asked
}

async function found(engine: Engine): Promise<NetworkInspectInfo | undefined> {
  return engine.ask
    .getNetwork(name)
    .inspect()
    .catch((error: unknown) => {
      if (isGone(error)) return undefined
      throw error
    })
}
